internal import Glibc

/// A regular file that is open for reading, closed with its last user.
///
/// What was checked and what is sent is one descriptor: another file of the same name never takes its place.
public final class ReadableFile: Sendable {
    public let descriptor: Int32
    /// For messages only.
    public let path: String

    /// - Parameter descriptor: owned from now on.
    public init(owning descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// - Returns: bytes; nil where the system does not tell.
    public var size: Int64? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : nil
    }
}
