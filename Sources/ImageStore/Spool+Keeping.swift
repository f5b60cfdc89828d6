internal import Glibc
internal import OCI
internal import Synchronization

/// The ways of getting one blob into the spool. They block.
extension Spool {
    /// Names of files on their way in; the process has the spool to itself.
    private static let counter = Atomic<UInt64>(0)

    private static func temporaryName() -> String {
        String(counter.wrappingAdd(1, ordering: .relaxed).newValue)
    }

    /// - Returns: false if the blob had to stay where it is.
    func keep(_ blob: BlobNode, from source: any ContentSource, _ flag: CancelFlag) throws -> Bool {
        let wanted = blob.descriptor
        if let inline = blob.inlineBytes {
            try store(inline, as: wanted.digest)
            return true
        }
        guard let file = try source.openForReading(wanted.digest) else {
            throw ImageStoreError(.blobsMissing([wanted.digest]), subject: source.label)
        }
        let size = try file.status().size
        guard size == wanted.size else {
            throw ImageStoreError(
                .blobSizes([.init(digest: wanted.digest, expected: wanted.size, found: size)]), subject: source.label)
        }
        // Small ones are copied: their writers do write them in place.
        if blob.role == .config, size <= ContentsReader.maximumConfigSize {
            try copy(file, wanted, flag)
            return true
        }
        let failure = try link(file, wanted.digest)
        if failure == 0 { return true }
        switch policy {
        case .link:
            throw ImageStoreError(
                .cannotLink(path: file.path, reason: String(cString: strerror(failure))), subject: source.label)
        case .reflink: return try clone(file, wanted.digest)
        case .copy:
            if try clone(file, wanted.digest) { return true }
            try copy(file, wanted, flag)
            return true
        case .inPlace: return false
        }
    }

    /// Bytes whose digest was checked.
    func store(_ bytes: [UInt8], as digest: Digest) throws {
        try writeNew(as: digest) { new in
            try bytes.withUnsafeBytes { try new.write($0) }
            return true
        }
    }

    /// - Returns: 0, or the error number for which there is no link.
    private func link(_ file: borrowing OpenFile, _ digest: Digest) throws(ImageStoreError) -> Int32 {
        // Who wrote it may not have waited for the disk.
        try file.sync()
        let failure = folder(for: digest).link(file, as: digest.hex)
        guard failure == EEXIST else { return failure }
        // Another push was quicker, or what is there was cut short: the checked file takes its place.
        let name = Self.temporaryName()
        let second = incoming.link(file, as: name)
        guard second == 0 else { return second }
        // Two names of one file: a rename between them does nothing, and leaves both.
        defer { incoming.remove(name) }
        try incoming.move(name, to: folder(for: digest), as: digest.hex)
        return 0
    }

    /// - Returns: false if the file systems share no blocks.
    private func clone(_ file: borrowing OpenFile, _ digest: Digest) throws -> Bool {
        let descriptor = file.descriptor
        return try writeNew(as: digest) { new in
            let request: UInt = 0x4004_9409  // FICLONE, linux/fs.h
            return ioctl(new.descriptor, request, descriptor) == 0
        }
    }

    /// Copies and hashes at once: what gets the name has the digest.
    private func copy(_ file: borrowing OpenFile, _ wanted: Descriptor, _ flag: CancelFlag) throws {
        let path = label
        try writeNew(as: wanted.digest) { new in
            var hasher = DigestHasher(wanted.digest.algorithm)
            let copied = try file.forEachPiece { piece in
                try flag.check()
                hasher.update(piece)
                try new.write(piece)
            }
            guard copied == wanted.size else {
                throw ImageStoreError(
                    .blobSizes([.init(digest: wanted.digest, expected: wanted.size, found: copied)]), subject: path)
            }
            let found = hasher.finish()
            guard found == wanted.digest else {
                throw ImageStoreError(.digestMismatch(expected: wanted.digest, found: found), subject: path)
            }
            return true
        }
    }

    /// Writes a new file, waits for the disk, and only then gives it its name.
    ///
    /// - Parameter fill: returns false to leave it.
    @discardableResult
    private func writeNew(as digest: Digest, _ fill: (borrowing OpenFile) throws -> Bool) throws -> Bool {
        let name = Self.temporaryName()
        let file = try incoming.create(name)
        do {
            guard try fill(file) else {
                incoming.remove(name)
                return false
            }
            try file.sync()
            try incoming.move(name, to: folder(for: digest), as: digest.hex)
            return true
        } catch {
            incoming.remove(name)
            throw error
        }
    }
}
