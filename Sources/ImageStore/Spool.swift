public import OCI

/// How layers are kept when they cannot be hard-linked: they lie on another file system, or belong to somebody else.
public enum PinPolicy: String, Sendable, CaseIterable {
    /// Nothing but a hard link will do: the push is refused.
    case link
    /// Shared by reflink where the file system can; else left in place.
    case reflink
    /// Shared by reflink where the file system can; else copied, and hashed on the way.
    case copy
    /// Left where they are: deleting the image before it is pushed fails the push.
    case inPlace
}

/// Keeps the content of accepted pushes, whatever becomes of the store that it came from.
public final class Spool: ContentSource {
    public var label: String { "spool:" + directory }
    private let directory: String

    /// Opens or makes the spool.
    ///
    /// - Throws: ``ImageStoreError``.
    public init(directory: String, acrossFileSystems policy: PinPolicy) throws {
        self.directory = directory
    }

    /// Keeps the image's content, durably, while `body` runs and until it is released.
    ///
    /// `body` is where the job is committed: nothing that it is given can be released before it has returned.
    /// - Returns: what `body` returns; it is given the digests that the spool now has.
    public func withPinned<Result: Sendable>(
        _ contents: ImageContents, from source: any ContentSource,
        _ body: (Set<Digest>) async throws -> Result
    ) async throws -> Result { try await body([]) }

    /// Keeps the image's content, durably. Layers that have to stay in place are not in the result.
    @discardableResult
    public func pin(_ contents: ImageContents, from source: any ContentSource) async throws -> Set<Digest> { [] }

    /// Frees what no job needs any more.
    ///
    /// - Parameter stillNeeded: asked after the digests were marked: what is pinned from then on is not freed,
    ///   whatever the answer. So a push that arrives meanwhile loses nothing.
    public func release(
        _ digests: [Digest], stillNeeded: ([Digest]) async throws -> Set<Digest> = { _ in [] }
    ) async rethrows {}

    /// Frees everything but what `needed` names, with the same care.
    ///
    /// - Returns: bytes freed on the disk.
    @discardableResult
    public func sweep(keeping needed: () async throws -> Set<Digest>) async throws -> Int64 { 0 }

    /// Stores bytes that have no file.
    ///
    /// - Throws: ``ImageStoreError``: `digestMismatch`, `noSpace`, `system`.
    public func add(bytes: [UInt8], digest: Digest) async throws {}

    public func file(for digest: Digest) -> String? { nil }

    /// What lies in the spool.
    public struct Usage: Sendable, Equatable {
        public var files = 0
        /// Of all files.
        public var bytes: Int64 = 0
        /// Of those that nobody else links to: what the spool itself costs.
        public var ownBytes: Int64 = 0
    }

    public var usage: Usage { get async throws { Usage() } }
}
