internal import Glibc
internal import OCI
internal import Synchronization

/// A blob's bytes as they come in: hashed on the way, small ones in memory, others in a file without a name.
///
/// Pieces of zeros leave holes in the file, so a blob of 8 GiB of them takes no space.
final class BlobData: Sendable {
    static let inMemory = 4 << 20

    private struct Storage: ~Copyable {
        var hasher: DigestHasher?
        var size: Int64 = 0
        var memory: [UInt8] = []
        var file: Int32 = -1
        let hashes: Bool
        let keeps: Bool
        /// Whether bytes were thrown away or changed, so that a digest that does not fit is no fault of the client's.
        var isTampered = false

        deinit { if file >= 0 { close(file) } }
    }

    private let storage: Mutex<Storage>

    /// - Parameters:
    ///   - hashes: false where speed is measured; then ``digest(_:)`` has nothing to say.
    ///   - keeps: false to count and hash only.
    init(hashes: Bool, keeps: Bool) {
        storage = Mutex(Storage(hasher: hashes ? DigestHasher() : nil, hashes: hashes, keeps: keeps))
    }

    var size: Int64 { storage.withLock { $0.size } }
    var isTampered: Bool { storage.withLock { $0.isTampered } }

    func markTampered() { storage.withLock { $0.isTampered = true } }

    /// - Throws: ``TestSupportError`` if the file cannot be written.
    func append(_ piece: UnsafeRawBufferPointer) throws {
        // The lock's content may not take up a pointer from outside; a number it may. It is used before this returns.
        let (address, count) = (UInt(bitPattern: piece.baseAddress), piece.count)
        try storage.withLock { storage in
            let piece = UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count)
            storage.hasher?.update(piece)
            if storage.keeps { try Self.store(piece, in: &storage) }
            storage.size += Int64(piece.count)
        }
    }

    private static func store(_ piece: UnsafeRawBufferPointer, in storage: inout Storage) throws {
        if storage.file < 0, storage.memory.count + piece.count <= inMemory {
            storage.memory.append(contentsOf: piece)
            return
        }
        if storage.file < 0 {
            storage.file = try makeFile()
            try storage.memory.withUnsafeBytes { try write($0, to: storage.file, at: 0) }
            storage.memory = []
        }
        if isZero(piece) {
            guard ftruncate(storage.file, off_t(storage.size) + piece.count) == 0 else {
                throw TestSupportError("cannot lengthen a blob's file: errno \(errno)")
            }
        } else {
            try write(piece, to: storage.file, at: storage.size)
        }
    }

    private static func isZero(_ piece: UnsafeRawBufferPointer) -> Bool {
        guard let base = piece.baseAddress, piece[0] == 0 else { return false }
        return memcmp(base, base + 1, piece.count - 1) == 0
    }

    private static func makeFile() throws -> Int32 {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var name = Array("\(directory)/pushd-test-blob.XXXXXX".utf8CString)
        let file = mkstemp(&name)
        guard file >= 0 else { throw TestSupportError("cannot make a file in \(directory): errno \(errno)") }
        _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        unlink(name)
        return file
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to file: Int32, at offset: Int64) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(file, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + done)
            guard count > 0 || errno == EINTR else {
                throw TestSupportError("cannot write a blob's file: errno \(errno)")
            }
            done += max(count, 0)
        }
    }

    /// The digest of everything so far; nil where it is not computed.
    ///
    /// The first SHA-256 was made on the way; any other is made by reading again.
    func digest(_ algorithm: Digest.Algorithm) throws -> Digest? {
        guard storage.withLock({ $0.hashes }) else { return nil }
        let onTheWay = storage.withLock { storage -> Digest? in
            guard algorithm == .sha256, let hasher = storage.hasher.take() else { return nil }
            return hasher.finish()
        }
        if let onTheWay { return onTheWay }
        guard storage.withLock({ $0.keeps }) else {
            throw TestSupportError("a second digest of a blob whose content is not kept")
        }
        var hasher = DigestHasher(algorithm)
        try read(from: 0, length: size) { hasher.update($0) }
        return hasher.finish()
    }

    /// The same content up to `length`, in a new object that can go on; nil if the content was not kept.
    func prefix(_ length: Int64) throws -> BlobData? {
        let (keeps, hashes) = storage.withLock { ($0.keeps, $0.hashes) }
        guard keeps || length == 0 else { return nil }
        let copy = BlobData(hashes: hashes, keeps: keeps)
        try read(from: 0, length: length) { try copy.append($0) }
        return copy
    }

    /// Hands out `length` bytes from `offset` in pieces. Content that was not kept reads as zeros.
    func read(from offset: Int64, length: Int64, _ use: (UnsafeRawBufferPointer) throws -> Void) throws {
        var (place, left) = (offset, length)
        while left > 0 {
            let piece = try readPiece(at: place, count: Int(min(left, 256 << 10)))
            try piece.withUnsafeBytes { try use($0) }
            place += Int64(piece.count)
            left -= Int64(piece.count)
        }
    }

    private func readPiece(at offset: Int64, count: Int) throws -> [UInt8] {
        try storage.withLock { storage in
            guard offset + Int64(count) <= storage.size else { throw TestSupportError("read beyond a blob's end") }
            if !storage.keeps { return [UInt8](repeating: 0, count: count) }
            if storage.file < 0 { return Array(storage.memory[Int(offset)..<Int(offset) + count]) }
            let file = storage.file
            var bytes = [UInt8](repeating: 0, count: count)
            var done = 0
            while done < count {
                let got = bytes.withUnsafeMutableBytes {
                    pread(file, $0.baseAddress?.advanced(by: done), count - done, off_t(offset) + done)
                }
                guard got > 0 || errno == EINTR else { throw TestSupportError("cannot read a blob: errno \(errno)") }
                done += max(got, 0)
            }
            return bytes
        }
    }

    /// Everything, for blobs that fit into memory; nil if it was not kept.
    func bytes() throws -> [UInt8]? {
        guard storage.withLock({ $0.keeps }) else { return nil }
        var all: [UInt8] = []
        try read(from: 0, length: size) { all.append(contentsOf: $0) }
        return all
    }
}
