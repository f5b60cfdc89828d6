internal import OCI
internal import Synchronization

/// What is sent from: a kept layer may be one file with the store's, and written in place since.
extension Spool {
    private enum State {
        /// As it was when it was kept.
        case whole(String)
        /// Written since, or doubted: only its hash tells.
        case written(String, FileStatus)
        /// Of another length.
        case damaged(String)
        case absent
    }

    /// The file to send a blob from.
    ///
    /// Where the kept one is damaged or gone the store is looked at again, and what it has is kept anew.
    /// - Throws: ``ImageStoreError``: `fileChanged` where what is kept was written over; as
    ///   ``withPinned(_:from:isolation:_:)`` for what the store has; `CancellationError`.
    func fileToSend(_ blob: BlobNode, from store: any ContentSource) async throws -> String {
        let digest = blob.descriptor.digest
        let damaged: String?
        switch await FileWork.run(.quick, { _ in self.state(of: blob.descriptor) }) {
        case .whole(let path): return path
        case .written(let path, let status):
            if try await rehash(file: path, expecting: digest) {
                known.withLock { $0[digest] = status }
                return path
            }
            damaged = path
        case .damaged(let path): damaged = path
        case .absent: damaged = nil
        }
        return try await whileWriting([digest]) {
            try await FileWork.run(.long) { flag in try self.takeAgain(blob, from: store, damaged: damaged, flag) }
        }
    }

    private func state(of content: Descriptor) -> State {
        guard let path = file(for: content.digest), let status = FileStatus(of: path) else { return .absent }
        guard status.size == content.size else { return .damaged(path) }
        switch known.withLock({ $0[content.digest] }) {
        case nil: return .whole(path)
        case .some(nil): return .written(path, status)
        case .some(.some(let before)):
            return status.isSameContent(as: before) ? .whole(path) : .written(path, status)
        }
    }

    /// Blocks.
    ///
    /// - Parameter damaged: what the spool has and is not the blob.
    private func takeAgain(
        _ blob: BlobNode, from store: any ContentSource, damaged: String?, _ flag: CancelFlag
    ) throws -> String {
        let digest = blob.descriptor.digest
        let old = damaged.flatMap { FileStatus(of: $0) }
        let changed = damaged.map { ImageStoreError(.fileChanged(path: $0), subject: $0) }
        guard let found = try store.openForReading(blob.descriptor) else {
            throw changed ?? ImageStoreError(.blobsMissing([digest]), subject: store.label)
        }
        let status = try found.status()
        if let old, let changed, status.inode == old.inode, status.device == old.device { throw changed }
        guard try keep(blob, from: store, flag) else { return found.path }  // it has to stay where it is
        try syncFolders(of: [digest])
        guard let path = file(for: digest) else { throw ImageStoreError(.blobsMissing([digest]), subject: label) }
        return path
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
