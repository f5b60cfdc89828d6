public import OCI

/// Where blobs lie in files under their digests.
public protocol ContentSource: Sendable {
    /// What errors call it: `oci:/srv/app`.
    var label: String { get }

    /// The absolute path of the blob's file, or nil where there is none.
    ///
    /// The file is a regular one inside the source, no link. A few system calls on a local file system: call it from
    /// where blocking is allowed if the source may lie on a network.
    func file(for digest: Digest) -> String?
}

/// Several sources as one: each blob comes from the first that has it, such as the spool before the layout.
public struct ContentSources: ContentSource, BlobOpening {
    private let sources: [any ContentSource]

    public init(_ sources: [any ContentSource]) { self.sources = sources }

    public var label: String { sources.last?.label ?? "nowhere" }

    public func file(for digest: Digest) -> String? {
        for source in sources { if let path = source.file(for: digest) { return path } }
        return nil
    }

    func openBlob(_ digest: Digest) throws(ImageStoreError) -> OpenFile? {
        for source in sources { if let file = try source.openForReading(digest) { return file } }
        return nil
    }
}
