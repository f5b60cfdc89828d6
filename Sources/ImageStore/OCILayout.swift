internal import FoundationEssentials
internal import Glibc
public import OCI

/// An OCI image layout: a directory with `oci-layout`, `index.json` and `blobs`.
///
/// Its writers replace `index.json` in place, without a lock: what cannot be parsed now may be whole a moment later.
/// Source: OCI image-spec 1.1, image-layout.md.
public final class OCILayout: ContentSource, BlobOpening {
    /// Absolute, without a trailing slash.
    public let directory: String
    /// `oci:` and the directory.
    public var storeID: String { "oci:" + directory }
    public var label: String { storeID }

    /// Those with which all of it is opened.
    let rights: StoreRights
    public var mustBeHashed: Bool { rights.isOfUser }

    private let blobs: BlobFiles
    /// How long an unreadable `index.json` is read again.
    private let patience: Duration

    /// - Parameters:
    ///   - directory: absolute. It may be a link; in it only blobs and their directories may.
    ///   - blobs: where the blobs lie if not in the layout's own `blobs` (skopeo's `--shared-blob-dir`).
    public convenience init(directory: String, blobs: String? = nil, rights: StoreRights = .daemon) {
        self.init(directory: directory, blobs: blobs, rights: rights, patience: .seconds(1))
    }

    init(directory: String, blobs: String? = nil, rights: StoreRights = .daemon, patience: Duration) {
        self.directory = ImageName.tidied(directory)
        self.rights = rights
        self.blobs = BlobFiles(
            trusted: blobs ?? self.directory, inner: blobs == nil ? ["blobs"] : [], followsLinks: true, rights: rights)
        self.patience = patience
    }

    /// Whether there is anything to read yet: a layout may be watched before it is made.
    public var hasIndex: Bool { FileStatus(of: directory + "/index.json") != nil }

    /// What `index.json` lists, in its order.
    ///
    /// - Throws: ``ImageStoreError``: `layoutInvalid`, `indexUnreadable`, `unsafePath`, `system`; `CancellationError`.
    public func images() async throws -> [StoredImage] { try await contents().images }

    /// What `index.json` lists, also what can't be pushed.
    ///
    /// - Throws: as ``images()``.
    public func contents() async throws -> LayoutContents {
        let index = try await index()
        return LayoutContents(
            images: index.entries.map { StoredImage(storeID: storeID, names: $0.names, root: $0.root) },
            others: index.others.map { LayoutContents.Other(names: $0.names, reason: $0.reason) })
    }

    /// The image that `name` means; nil means the only one there is.
    ///
    /// Looked for in this order: either annotation as it is; `NAME@DIGEST` or `@DIGEST`; the same reference spelled
    /// otherwise; a short name that ends a full one; the directory's own name with a tag that the layout knows. The last
    /// entry of a name counts.
    ///
    /// - Parameter defaultTag: stands in for a tag where `name` has neither tag nor digest.
    /// - Throws: ``ImageStoreError``: as ``images()``, and `imageNotFound`, `ambiguous`, `entryNotSupported`.
    public func resolve(_ name: String?, defaultTag: String = "latest") async throws -> StoredImage {
        let index = try await index()
        let subject = name.map { "\(storeID):\($0)" } ?? storeID
        var match = index.find(name, defaultTag: defaultTag)
        if match.isNone, let tag = ownTag(in: name, defaultTag: defaultTag) {
            match = index.find(tag, defaultTag: defaultTag)
        }
        switch match {
        case .found(let entry): return StoredImage(storeID: storeID, names: entry.names, root: entry.root)
        case .none:
            throw ImageStoreError(.imageNotFound(available: index.entries.flatMap(\.names)), subject: subject)
        case .other(let other): throw ImageStoreError(.entryNotSupported(reason: other.reason), subject: subject)
        case .several(let candidates): throw ImageStoreError(.ambiguous(candidates: candidates), subject: subject)
        }
    }

    /// The tag of `DIRECTORY:TAG`: what a layout calls only `1` is called so elsewhere, by rules too.
    private func ownTag(in name: String?, defaultTag: String) -> String? {
        guard let name, let own = StoredImage.name(ofDirectory: directory) else { return nil }
        if name == own { return defaultTag }
        return name.hasPrefix(own + ":") ? String(name.dropFirst(own.count + 1)) : nil
    }

    public func file(for digest: Digest) -> String? { blobs.file(for: digest) }

    func openBlob(_ content: Descriptor) throws(ImageStoreError) -> OpenFile? { try blobs.openBlob(content) }

    /// Reads `index.json`, again and again for a while if a writer is at work.
    private func index() async throws -> LayoutIndex {
        let end = ContinuousClock.now + patience
        while true {
            let look = await Self.look(at: directory, rights)
            if case .success(let index) = look { return index }
            if case .failure(let error) = look, !error.mayBeUnfinished || ContinuousClock.now >= end { throw error }
            try await Task.sleep(for: min(patience / 20, .milliseconds(50)))
        }
    }

    private static func look(
        at directory: String, _ rights: StoreRights
    ) async -> Result<LayoutIndex, ImageStoreError> {
        await FileWork.run(.quick) { _ in
            Result { () throws(ImageStoreError) in try readIndex(of: directory, as: rights) }
        }
    }

    /// Blocks. Reads and checks both files at the layout's top as they are now.
    static func readIndex(
        of directory: String, as rights: StoreRights = .daemon
    ) throws(ImageStoreError) -> LayoutIndex {
        func invalid(_ reason: String) -> ImageStoreError {
            ImageStoreError(.layoutInvalid(reason: reason), subject: "oci:" + directory)
        }
        guard let top = try OpenFile.open(directory, isDirectory: true, as: rights) else {
            throw invalid("it does not exist")
        }
        guard let marker = try readFile("oci-layout", in: top, limit: 1 << 16) else {
            throw invalid("it has no file oci-layout")
        }
        let version = try? JSONDecoder().decode(LayoutFile.self, from: Data(marker.bytes)).imageLayoutVersion
        guard let version else { throw invalid("its file oci-layout holds no imageLayoutVersion") }
        guard version.hasPrefix("1.") else { throw invalid("its version is \(version.prefix(20)), not 1") }
        guard let file = try readFile("index.json", in: top, limit: LayoutIndex.maximumSize) else {
            throw invalid("it has no index.json")
        }
        do throws(LayoutIndex.Unreadable) {
            guard file.isWhole else { throw LayoutIndex.Unreadable(reason: "it is being written") }
            return try LayoutIndex(parsing: file.bytes)
        } catch {
            throw ImageStoreError(.indexUnreadable(reason: error.reason), subject: "oci:" + directory)
        }
    }

    /// - Returns: the bytes, and whether the file stood still while it was read; nil if there is none.
    private static func readFile(
        _ name: String, in directory: borrowing OpenFile, limit: Int
    ) throws(ImageStoreError) -> (bytes: [UInt8], isWhole: Bool)? {
        guard let file = try directory.open(name, isDirectory: false) else { return nil }
        let before = try file.status()
        guard before.isRegular else { throw ImageStoreError(.unsafePath(path: file.path), subject: file.path) }
        guard before.size <= Int64(limit) else {
            throw ImageStoreError(.layoutInvalid(reason: "\(name) has \(before.size) bytes"), subject: directory.path)
        }
        let bytes = try file.readAll(limit: limit)
        let after = try file.status()
        return (bytes, after.size == Int64(bytes.count) && after.modified == before.modified)
    }
}

/// All that a layout lists.
public struct LayoutContents: Sendable {
    /// Content that is no image, or an entry that can't be read.
    public struct Other: Sendable {
        public let names: [String]
        /// Why it can't be pushed, as the end of "it ".
        public let reason: String
    }

    public let images: [StoredImage]
    public let others: [Other]
}

private struct LayoutFile: Decodable { var imageLayoutVersion: String }
