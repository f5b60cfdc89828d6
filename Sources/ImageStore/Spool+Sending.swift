internal import Glibc
internal import OCI
internal import Synchronization
internal import System

/// What is sent from: a kept layer may be one file with the store's, and written in place since.
extension Spool {
    private enum State {
        /// As it was when it was kept.
        case whole(ReadableFile)
        /// Written since, or doubted: only its hash tells.
        case written(ReadableFile, FileStatus)
        /// Of another length.
        case damaged(FileStatus)
        case absent
    }

    /// The open file to send a blob from.
    ///
    /// Where the kept one is damaged or gone the store is looked at again, and what it has is kept anew.
    /// - Throws: ``ImageStoreError``: `fileChanged` where what is kept was written over; as
    ///   ``withPinned(_:from:isolation:_:)`` for what the store has; `CancellationError`.
    func fileToSend(_ blob: BlobNode, from store: any ContentSource) async throws -> ReadableFile {
        let digest = blob.descriptor.digest
        let damaged: FileStatus?
        let look = await FileWork.run(.quick) { _ in
            Result { () throws(ImageStoreError) in try self.state(of: blob.descriptor) }
        }
        switch try look.get() {
        case .whole(let file): return file
        case .written(let file, let status):
            if try await rehash(file, expecting: digest) {
                known.withLock { $0[digest] = status }
                return file
            }
            damaged = status
        case .damaged(let status): damaged = status
        case .absent: damaged = nil
        }
        return try await whileWriting([digest]) {
            try await FileWork.run(.long) { flag in try self.takeAgain(blob, from: store, damaged: damaged, flag) }
        }
    }

    private func state(of content: Descriptor) throws(ImageStoreError) -> State {
        guard let open = try openBlob(content) else { return .absent }
        let status = try open.status()
        guard status.size == content.size else { return .damaged(status) }
        let file = try open.shared()
        switch known.withLock({ $0[content.digest] }) {
        case nil: return .whole(file)
        case .some(nil): return .written(file, status)
        case .some(.some(let before)):
            return status.isSameContent(as: before) ? .whole(file) : .written(file, status)
        }
    }

    /// Blocks.
    ///
    /// - Parameter damaged: what the spool has and is not the blob.
    private func takeAgain(
        _ blob: BlobNode, from store: any ContentSource, damaged old: FileStatus?, _ flag: CancelFlag
    ) throws -> ReadableFile {
        let digest = blob.descriptor.digest
        let path = "\(folder(for: digest).path)/\(digest.hex)"
        let changed = old.map { _ in ImageStoreError(.fileChanged(path: path), subject: path) }
        guard let found = try store.openForReading(blob.descriptor) else {
            throw changed ?? ImageStoreError(.blobsMissing([digest]), subject: store.label)
        }
        let status = try found.status()
        if let old, let changed, status.inode == old.inode, status.device == old.device { throw changed }
        if store.mustBeHashed {
            try keepProven(blob, from: store, replacing: true, flag)
        } else if try !keep(blob, from: store, flag) {
            return try found.shared()  // it has to stay where it is
        }
        try syncFolders(of: [digest])
        guard let kept = try openBlob(blob.descriptor) else {
            throw ImageStoreError(.blobsMissing([digest]), subject: label)
        }
        return try kept.shared()
    }

    /// The kept file was found to be something else although it looks as it did.
    func doubt(_ digest: Digest) { known.withLock { $0[digest] = .some(nil) } }
}

extension FileStatus {
    /// Whether nothing was written since. The time of the inode's own change says less: links come and go.
    func isSameContent(as before: FileStatus) -> Bool {
        device == before.device && inode == before.inode && size == before.size && modified == before.modified
    }
}
