public import OCI

/// An OCI image layout: a directory with `oci-layout`, `index.json` and `blobs`.
public final class OCILayout: ContentSource {
    /// Absolute, without a trailing slash.
    public let directory: String
    /// `oci:` and the directory.
    public var storeID: String { "oci:" + directory }
    public var label: String { storeID }

    /// - Parameters:
    ///   - directory: absolute.
    ///   - blobs: where the blobs lie if not in the layout's own `blobs` (skopeo's `--shared-blob-dir`).
    public init(directory: String, blobs: String? = nil) {
        self.directory = directory
    }

    /// What `index.json` lists, in its order.
    ///
    /// - Throws: ``ImageStoreError``: `layoutInvalid`, `indexUnreadable`, `unsafePath`, `system`.
    public func images() async throws -> [StoredImage] { [] }

    /// The image that `name` means; nil means the only one there is.
    ///
    /// - Parameter defaultTag: stands in for a tag where `name` has neither tag nor digest.
    /// - Throws: ``ImageStoreError``: as ``images()``, and `imageNotFound`, `ambiguous`.
    public func resolve(_ name: String?, defaultTag: String = "latest") async throws -> StoredImage {
        throw ImageStoreError(.imageNotFound(available: []), subject: name ?? directory)
    }

    public func file(for digest: Digest) -> String? { nil }
}
