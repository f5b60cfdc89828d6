internal import Glibc
public import OCI

extension LayoutBuilder {
    /// A layer of zeros that takes no room on the disk.
    ///
    /// - Parameter size: whole mebibytes, in bytes.
    public func addSparseLayer(size: Int) throws -> Descriptor {
        var hasher = DigestHasher()
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<(size >> 20) { zeros.withUnsafeBytes { hasher.update($0) } }
        let digest = hasher.finish()
        let file = open(path(of: digest), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw TestSupportError("cannot make a sparse layer: errno \(errno)") }
        defer { close(file) }
        guard ftruncate(file, size) == 0 else { throw TestSupportError("no sparse layer: errno \(errno)") }
        return Descriptor(
            mediaType: MediaType("application/vnd.oci.image.layer.v1.tar"), digest: digest, size: Int64(size))
    }
}
