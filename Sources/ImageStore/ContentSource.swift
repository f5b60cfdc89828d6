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
