internal import CCrypto

/// Computes a digest piece by piece, at the speed of the CPU's own instructions.
///
/// One owner, used from one thread at a time. libcrypto fails here only without memory, which ends the process.
public struct DigestHasher: ~Copyable {
    private let context: OpaquePointer
    private let algorithm: Digest.Algorithm

    public init(_ algorithm: Digest.Algorithm = .sha256) {
        guard let context = EVP_MD_CTX_new() else { fatalError("out of memory for a hash context") }
        self.context = context
        self.algorithm = algorithm
        let kind = algorithm == .sha256 ? EVP_sha256() : EVP_sha512()
        precondition(EVP_DigestInit_ex(context, kind, nil) == 1, "libcrypto refuses \(algorithm)")
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        precondition(EVP_DigestUpdate(context, base, bytes.count) == 1, "libcrypto failed to hash")
    }

    /// The digest of everything given so far. The hasher is used up.
    public consuming func finish() -> Digest {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        precondition(EVP_DigestFinal_ex(context, &bytes, &length) == 1, "libcrypto failed to finish a hash")
        return Digest(algorithm: algorithm, bytes: Array(bytes[..<Int(length)]))
    }
}

extension Digest {
    /// The digest of bytes that are in memory: manifests, configurations, test data.
    public init(of bytes: [UInt8], algorithm: Algorithm = .sha256) {
        var hasher = DigestHasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        self = hasher.finish()
    }

    /// Whether it is the digest of these bytes, by its own algorithm.
    public func isOf(_ bytes: [UInt8]) -> Bool { Digest(of: bytes, algorithm: algorithm) == self }
}
