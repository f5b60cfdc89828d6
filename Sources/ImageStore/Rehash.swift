public import OCI
public import System

/// Whether a file's bytes still hash to their name. Tells a damaged blob from damage on the way to the registry.
///
/// - Throws: ``ImageStoreError`` where the file cannot be read; `CancellationError` within a few milliseconds.
public func rehash(_ file: ReadableFile, expecting digest: Digest) async throws -> Bool {
    try await FileWork.run(.long) { flag in
        try OpenFile(sharing: file).digest(digest.algorithm, flag) == digest
    }
}
