internal import Glibc
internal import OCI

/// A source whose files this module opens by itself, checked and without a second look-up by path.
protocol BlobOpening: Sendable {
    /// - Returns: the blob's regular file, or nil if there is none.
    /// - Throws: ``ImageStoreError``: `unsafePath`, `system`.
    func openBlob(_ digest: Digest) throws(ImageStoreError) -> OpenFile?
}

/// The tree `ALGORITHM/HEX` under a directory of blobs, entered step by step: no link in it is followed.
struct BlobFiles: BlobOpening {
    /// The directory that is trusted as it is, links in its path included.
    let trusted: String
    /// Directories from there to the algorithms', none of which may be a link.
    let inner: [String]

    func openBlob(_ digest: Digest) throws(ImageStoreError) -> OpenFile? {
        guard var directory = try OpenFile.open(trusted, O_RDONLY | O_DIRECTORY) else { return nil }
        for name in inner + [digest.algorithm.rawValue] {
            guard let next = try directory.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return nil }
            directory = next
        }
        // Not blocking: a named pipe would wait for a writer.
        guard let file = try directory.open(digest.hex, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return nil }
        guard try file.status().isRegular else {
            throw ImageStoreError(.unsafePath(path: file.path), subject: file.path)
        }
        return file
    }

    func file(for digest: Digest) -> String? {
        guard let file = try? openBlob(digest) else { return nil }
        return file.path
    }
}

extension ContentSource {
    func openForReading(_ digest: Digest) throws(ImageStoreError) -> OpenFile? {
        if let opener = self as? any BlobOpening { return try opener.openBlob(digest) }
        guard let path = file(for: digest) else { return nil }
        guard let file = try OpenFile.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return nil }
        guard try file.status().isRegular else { throw ImageStoreError(.unsafePath(path: path), subject: path) }
        return file
    }
}
