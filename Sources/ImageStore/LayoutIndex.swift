internal import FoundationEssentials
internal import OCI

/// What an `index.json` lists: images and their names. Pure: bytes in, answers out.
///
/// Source: OCI image-spec 1.1, image-layout.md, "index.json file" and annotations.md.
struct LayoutIndex: Sendable {
    /// One image, with the names that it has at this moment.
    struct Entry: Sendable {
        /// `io.containerd.image.name`: a full name.
        var fullName: String?
        /// `org.opencontainers.image.ref.name`: a tag, or a full name, as the writer liked.
        var refName: String?
        let root: Descriptor

        var digest: String { root.digest.description }
    }

    /// An entry that is listed by name and is no image that can be pushed.
    struct Other: Sendable {
        var fullName: String?
        var refName: String?
        let digest: String
        /// Why not, as the end of "it ".
        let reason: String
    }

    /// Why the bytes are no index, in one sentence.
    struct Unreadable: Error { let reason: String }

    /// In the file's order. An entry whose name a later one took has no name here.
    let entries: [Entry]
    /// What is listed beside them: content of other types, and entries that can't be read.
    let others: [Other]

    /// The most that is read of an `index.json`, in bytes: some hundred thousand entries.
    static let maximumSize = 64 << 20

    init(parsing bytes: [UInt8]) throws(Unreadable) {
        let file: IndexFile
        do {
            file = try JSONDecoder().decode(IndexFile.self, from: Data(bytes))
        } catch {
            throw Unreadable(reason: ManifestError.explain(error))
        }
        do { try KnownMembers.check(bytes, as: .layoutIndex) } catch { throw Unreadable(reason: error.description) }
        let version = file.schemaVersion ?? 2
        guard version == 2 else { throw Unreadable(reason: "its schemaVersion is \(version), not 2") }
        var entries: [Entry] = []
        var others: [Other] = []
        var holders: [String: [Int]] = [:]
        for item in file.manifests ?? [] {
            guard case .readable(let root) = item, Self.isImage(root) else {
                if let other = Other(item) { others.append(other) }
                continue
            }
            let entry = Entry(
                fullName: root.annotations?["io.containerd.image.name"],
                refName: root.annotations?["org.opencontainers.image.ref.name"], root: root)
            // Some writers only ever append: the last entry of a name is the one that counts. Entries for several
            // platforms under one name do not replace each other.
            if let key = entry.names.first {
                for earlier in holders[key] ?? [] where Self.replaces(root, entries[earlier].root) {
                    entries[earlier].fullName = nil
                    entries[earlier].refName = nil
                }
                holders[key, default: []].append(entries.count)
            }
            entries.append(entry)
        }
        self.entries = entries
        self.others = others
    }

    private static func replaces(_ new: Descriptor, _ old: Descriptor) -> Bool {
        guard let mine = new.platform, let other = old.platform else { return true }
        return mine.normalised == other.normalised
    }

    private static func isImage(_ entry: Descriptor) -> Bool {
        entry.mediaType.mayBeImage && !entry.isAttached
    }
}

/// An entry of `index.json`, by what names are compared with.
protocol NamedEntry {
    var fullName: String? { get }
    var refName: String? { get }
    var digest: String { get }
}

extension LayoutIndex.Entry: NamedEntry {}
extension LayoutIndex.Other: NamedEntry {}

extension NamedEntry {
    /// Full ones first.
    var names: [String] {
        var names: [String] = []
        for name in [fullName, refName] { if let name, !name.isEmpty, !names.contains(name) { names.append(name) } }
        return names
    }
}

extension LayoutIndex.Other {
    /// - Returns: nil for an image, and for what is attached to one, which has no name of its own.
    fileprivate init?(_ item: IndexFile.Item) {
        switch item {
        case .readable(let entry):
            guard !entry.isAttached, !entry.mediaType.mayBeImage else { return nil }
            self.init(
                entry.annotations, digest: entry.digest.description,
                reason: "is of the type \(entry.mediaType.rawValue.prefix(100))")
        case .unreadable(let entry):
            let type = entry.mediaType ?? ""
            let isKnown = MediaType(type).mayBeImage
            self.init(
                entry.annotations, digest: entry.digest ?? "",
                reason: isKnown
                    ? "has a descriptor that can't be read, with the digest \((entry.digest ?? "").prefix(100))"
                    : "is of the type \(type.prefix(100))")
        }
    }

    private init(_ annotations: [String: String]?, digest: String, reason: String) {
        fullName = annotations?["io.containerd.image.name"]
        refName = annotations?["org.opencontainers.image.ref.name"]
        self.digest = digest
        self.reason = reason
    }
}

extension MediaType {
    /// Older writers leave the type out; what it is shows in the document.
    fileprivate var mayBeImage: Bool { isIndex || isImageManifest || isRetired || rawValue.isEmpty }
}

extension Descriptor {
    /// To an image: it has no name of its own.
    fileprivate var isAttached: Bool { annotations?["io.containerd.manifest.subject"] != nil || isAttestation }
}

private struct IndexFile: Decodable {
    var schemaVersion: Int?
    var manifests: [Item]?

    /// One entry that cannot be read, such as one with a digest of an algorithm to come, is no reason to lose the others.
    enum Item: Decodable {
        case readable(Descriptor), unreadable(Remains)

        init(from decoder: any Decoder) throws {
            if let descriptor = try? Descriptor(from: decoder) {
                self = .readable(descriptor)
            } else {
                self = .unreadable((try? Remains(from: decoder)) ?? Remains())
            }
        }
    }

    /// What can be read of such an entry.
    struct Remains: Decodable {
        var mediaType: String?
        var digest: String?
        var annotations: [String: String]?

        enum CodingKeys: CodingKey { case mediaType, digest, annotations }

        init() {}

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            mediaType = try? values.decode(String.self, forKey: .mediaType)
            digest = try? values.decode(String.self, forKey: .digest)
            annotations = try? values.decode([String: String].self, forKey: .annotations)
        }
    }
}
