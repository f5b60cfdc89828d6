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

        var names: [String] {
            var names: [String] = []
            for name in [fullName, refName] { if let name, !name.isEmpty, !names.contains(name) { names.append(name) } }
            return names
        }
    }

    /// Why the bytes are no index, in one sentence.
    struct Unreadable: Error { let reason: String }

    /// In the file's order. An entry whose name a later one took has no name here.
    let entries: [Entry]

    /// The most that is read of an `index.json`, in bytes: some hundred thousand entries.
    static let maximumSize = 64 << 20

    init(parsing bytes: [UInt8]) throws(Unreadable) {
        let file: IndexFile
        do {
            file = try JSONDecoder().decode(IndexFile.self, from: Data(bytes))
        } catch {
            throw Unreadable(reason: ManifestError.explain(error))
        }
        let version = file.schemaVersion ?? 2
        guard version == 2 else { throw Unreadable(reason: "its schemaVersion is \(version), not 2") }
        var entries: [Entry] = []
        var holders: [String: [Int]] = [:]
        for case .image(let root) in file.manifests ?? [] where Self.isImage(root) {
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
    }

    private static func replaces(_ new: Descriptor, _ old: Descriptor) -> Bool {
        guard let mine = new.platform, let other = old.platform else { return true }
        return mine.normalised == other.normalised
    }

    /// Not what is attached to an image, nor content of other kinds.
    private static func isImage(_ entry: Descriptor) -> Bool {
        let type = entry.mediaType
        return (type.isIndex || type.isImageManifest || type.isRetired || type.rawValue.isEmpty)
            && entry.annotations?["io.containerd.manifest.subject"] == nil && !entry.isAttestation
    }
}

private struct IndexFile: Decodable {
    var schemaVersion: Int?
    var manifests: [Item]?

    /// One entry that cannot be read, such as one with a digest of an algorithm to come, is no reason to lose the others.
    enum Item: Decodable {
        case image(Descriptor), unreadable

        init(from decoder: any Decoder) throws {
            if let descriptor = try? Descriptor(from: decoder) { self = .image(descriptor) } else { self = .unreadable }
        }
    }
}
