internal import OCI

/// A source whose files this module opens by itself, checked and without a second look-up by path.
protocol BlobOpening: Sendable {
    /// - Returns: the blob's regular file, or nil if there is none.
    /// - Throws: ``ImageStoreError``: `unsafePath`, `linkUnproven`, `system`.
    func openBlob(_ content: Descriptor) throws(ImageStoreError) -> OpenFile?
}

/// The tree `ALGORITHM/HEX` under a directory of blobs, entered step by step.
struct BlobFiles: BlobOpening {
    /// The directory that is trusted as it is, links in its path included.
    let trusted: String
    /// Directories from there to the algorithms'.
    let inner: [String]
    /// Whether links in it are followed, as Bazel writes them: what they lead to is marked, and has to be proven.
    let followsLinks: Bool
    var rights = StoreRights.daemon

    func openBlob(_ content: Descriptor) throws(ImageStoreError) -> OpenFile? { try open(content.digest) }

    private func open(_ digest: Digest) throws(ImageStoreError) -> OpenFile? {
        guard var directory = try OpenFile.open(trusted, isDirectory: true, as: rights) else { return nil }
        for name in inner + [digest.algorithm.rawValue] {
            guard let next = try step(name, in: directory, isDirectory: true) else { return nil }
            directory = next
        }
        guard let file = try step(digest.hex, in: directory, isDirectory: false) else { return nil }
        guard try file.status().isRegular else {
            throw ImageStoreError(.unsafePath(path: file.path), subject: file.path)
        }
        return file
    }

    private func step(
        _ name: String, in directory: borrowing OpenFile, isDirectory: Bool
    ) throws(ImageStoreError) -> OpenFile? {
        if followsLinks { return try directory.openFollowing(name, isDirectory: isDirectory) }
        return try directory.open(name, isDirectory: isDirectory)
    }

    func file(for digest: Digest) -> String? {
        guard let file = try? open(digest), !file.isLinked else { return nil }
        return file.path
    }
}

extension ContentSource {
    func openForReading(_ content: Descriptor) throws(ImageStoreError) -> OpenFile? {
        if let opener = self as? any BlobOpening { return try opener.openBlob(content) }
        guard let path = file(for: content.digest) else { return nil }
        guard let file = try OpenFile.open(path, isDirectory: false, refusingLink: true) else { return nil }
        guard try file.status().isRegular else { throw ImageStoreError(.unsafePath(path: path), subject: path) }
        return file
    }
}
