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
        guard let file = try source.openForReading(wanted) else {
            throw ImageStoreError(.blobsMissing([wanted.digest]), subject: source.label)
        }
        let status = try file.status()
        let size = status.size
        guard size == wanted.size else {
            if file.isLinked { throw ImageStoreError(.linkUnproven(path: file.path), subject: file.path) }
            throw ImageStoreError(
                .blobSizes([.init(digest: wanted.digest, expected: wanted.size, found: size)]), subject: source.label)
        }
        if file.isLinked {
            // The link may lead to any file, which may change: what is kept is a copy that was hashed.
            try copyProven(file, wanted, flag)
            return true
        }
        // Small ones are copied: their writers do write them in place.
        if blob.role == .config, size <= ContentsReader.maximumConfigSize {
            try copy(file, wanted, flag)
            return true
        }
        if try clone(file, status, wanted) { return true }
        let failure = try link(file, wanted.digest)
        if failure == 0 {
            known.withLock { $0[wanted.digest] = status }
            return true
        }
        switch policy {
        case .link:
            throw ImageStoreError(
                .cannotLink(path: file.path, reason: String(cString: strerror(failure))), subject: source.label)
        case .copy:
            try copy(file, wanted, flag)
            return true
        case .reflink, .inPlace: return false
        }
    }

    /// Keeps what a user handed in, after it was hashed: as a clone (reflink), or else as a copy. It is never hard-linked,
    /// because the user may write to the file, nor left in place.
    ///
    /// - Parameter isDamaged: whether what the spool has under the name is to be replaced.
    func keepProven(
        _ blob: BlobNode, from source: any ContentSource, replacing isDamaged: Bool = false, _ flag: CancelFlag
    ) throws {
        let wanted = blob.descriptor
        if let inline = blob.inlineBytes {
            if isDamaged || !has(wanted) { try store(inline, as: wanted.digest) }
            return
        }
        guard let file = try source.openForReading(wanted) else {
            throw ImageStoreError(.blobsMissing([wanted.digest]), subject: source.label)
        }
        let before = try file.status()
        guard before.size == wanted.size else {
            throw ImageStoreError(
                .blobSizes([.init(digest: wanted.digest, expected: wanted.size, found: before.size)]),
                subject: source.label)
        }
        if isDamaged || !has(wanted) {
            if try !clone(file, before, wanted, hashing: flag) { try copy(file, wanted, flag) }
        } else if proven.withLock({ $0.has(wanted.digest, before) }) {
            return
        } else {
            // Another push has brought it: what is handed in has to be the same all the same.
            let found = try file.digest(wanted.digest.algorithm, flag)
            guard found == wanted.digest else {
                throw ImageStoreError(.digestMismatch(expected: wanted.digest, found: found), subject: source.label)
            }
        }
        if try file.status().isUntouched(since: before) { proven.withLock { $0.add(wanted.digest, before) } }
    }

    /// Copies what a link led to; says no more than that where it is something else.
    private func copyProven(_ file: borrowing OpenFile, _ wanted: Descriptor, _ flag: CancelFlag) throws {
        let path = file.path
        do { try copy(file, wanted, flag) } catch let error as ImageStoreError {
            switch error.cause {
            case .digestMismatch, .blobSizes: throw ImageStoreError(.linkUnproven(path: path), subject: path)
            default: throw error
            }
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
        synced(file.path)
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

    /// - Parameter flag: with it the blocks are hashed before they get the name.
    /// - Returns: false if the file systems share no blocks, which is tried once for each device.
    private func clone(
        _ file: borrowing OpenFile, _ status: FileStatus, _ wanted: Descriptor, hashing flag: CancelFlag? = nil
    ) throws -> Bool {
        guard !separate.withLock({ $0.contains(status.device) }) else { return false }
        let (descriptor, size, path) = (file.descriptor, wanted.size, file.path)
        return try writeNew(as: wanted.digest) { new in
            let request: UInt = 0x4004_9409  // FICLONE, linux/fs.h
            guard ioctl(new.descriptor, request, descriptor) == 0 else {
                if [EOPNOTSUPP, EXDEV, EINVAL, ENOTTY].contains(errno) {
                    _ = separate.withLock { $0.insert(status.device) }
                }
                return false
            }
            guard let flag else { return try new.status().size == size }
            guard let clone = try OpenFile.open(new.path, isDirectory: false, refusingLink: true) else { return false }
            let found = try clone.digest(wanted.digest.algorithm, flag)
            guard found == wanted.digest else {
                throw ImageStoreError(.digestMismatch(expected: wanted.digest, found: found), subject: path)
            }
            return true
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
            synced(file.path)
            try incoming.move(name, to: folder(for: digest), as: digest.hex)
            known.withLock { $0[digest] = nil }
            return true
        } catch {
            incoming.remove(name)
            throw error
        }
    }
}
