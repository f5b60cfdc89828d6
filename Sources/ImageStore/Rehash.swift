internal import Glibc
public import OCI

/// Whether a file's bytes still hash to their name. Tells a damaged blob from damage on the way to the registry.
///
/// - Throws: ``ImageStoreError`` where the file cannot be read; `CancellationError` within a few milliseconds.
public func rehash(file path: String, expecting digest: Digest) async throws -> Bool {
    try await FileWork.run(.long) { flag in
        guard let file = try OpenFile.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else {
            throw ImageStoreError.system("open", path, ENOENT)
        }
        return try file.digest(digest.algorithm, flag) == digest
    }
}
