public import OCI
public import System

/// Where blobs lie in files under their digests.
public protocol ContentSource: Sendable {
    /// What errors call it: `oci:/srv/app`.
    var label: String { get }

    /// Whether nothing is believed of its content until it was hashed: it belongs to a user, not to the daemon.
    var mustBeHashed: Bool { get }

    /// The absolute path of the blob's file, or nil where there is none.
    ///
    /// The file is a regular one inside the source, no link. A few system calls on a local file system: call it from
    /// where blocking is allowed if the source may lie on a network.
    func file(for digest: Digest) -> String?

    /// The open file to send a blob from, looked at once more: it may have been written again meanwhile.
    ///
    /// - Returns: nil where there is none any more.
    /// - Throws: ``ImageStoreError`` where what is there is not the blob at the moment.
    func fileToSend(_ blob: BlobNode) async throws -> ReadableFile?

    /// Whether the file still has its digest, after a registry found another. Reads it whole.
    func isIntact(_ file: ReadableFile, _ blob: BlobNode) async throws -> Bool
}

extension ContentSource {
    public var mustBeHashed: Bool { false }

    public func fileToSend(_ blob: BlobNode) async throws -> ReadableFile? { try await plainFile(of: blob) }

    /// The blob's file, where no link led to it.
    fileprivate func plainFile(of blob: BlobNode) async throws -> ReadableFile? {
        try await FileWork.run(.quick) { _ throws(ImageStoreError) in
            guard let file = try openForReading(blob.descriptor), !file.isLinked else { return nil }
            return try file.shared()
        }
    }

    public func isIntact(_ file: ReadableFile, _ blob: BlobNode) async throws -> Bool {
        try await rehash(file, expecting: blob.descriptor.digest)
    }
}

/// Several sources as one: each blob comes from the first that has it, such as the spool before the layout.
public struct ContentSources: ContentSource, BlobOpening {
    private let sources: [any ContentSource]

    public init(_ sources: [any ContentSource]) { self.sources = sources }

    public var label: String { sources.last?.label ?? "nowhere" }
    public var mustBeHashed: Bool { sources.contains(where: \.mustBeHashed) }

    public func file(for digest: Digest) -> String? {
        for source in sources { if let path = source.file(for: digest) { return path } }
        return nil
    }

    /// The first file that is as long as it has to be: one that was cut short is made good by the next source.
    func openBlob(_ content: Descriptor) throws(ImageStoreError) -> OpenFile? {
        for source in sources {
            if let file = try source.openForReading(content), try file.status().size == content.size { return file }
        }
        for source in sources { if let file = try source.openForReading(content) { return file } }
        return nil
    }

    public func fileToSend(_ blob: BlobNode) async throws -> ReadableFile? {
        guard let spool = sources.first as? Spool else { return try await plainFile(of: blob) }
        return try await spool.fileToSend(blob, from: ContentSources(Array(sources.dropFirst())))
    }

    public func isIntact(_ file: ReadableFile, _ blob: BlobNode) async throws -> Bool {
        let isIntact = try await rehash(file, expecting: blob.descriptor.digest)
        if !isIntact, let spool = sources.first as? Spool { spool.doubt(blob.descriptor.digest) }
        return isIntact
    }
}
