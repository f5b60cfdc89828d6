import ImageStore
import OCI

/// An image or store that a request names and the push leaves out, and why.
public struct LeftOut: Sendable, Hashable {
    /// As it can be named: `oci:/srv/app:v1.0+build5`; or a store.
    public let image: String
    public let reason: String
    /// What a person can do.
    public let advice: String?
}

/// Every tag of a name.
extension Intake {
    struct TaggedImage: Sendable {
        let name: PublishedName
        let image: StoredImage
        let layout: OCILayout
    }

    struct AllTags: Sendable {
        var images: [TaggedImage] = []
        /// Entries that have the name and can't be pushed.
        var leftOut: [LeftOut] = []
    }

    /// Every image of the stores that has the name which `request` asks for, each under its own tag.
    ///
    /// - Throws: ``PushRefusal/tagGiven(_:)``, ``PushRefusal/nothingToPush(image:_:)``; `ImageStoreError` as for one
    ///   image: `ambiguous` where several names, or different images of one tag, match.
    func allTags(_ request: PushRequest, _ stores: LocalLayouts, _ settings: PublisherSettings) async throws -> AllTags
    {
        for destination in request.destinations where Self.hasTag(destination) {
            throw PushRefusal.tagGiven(destination)
        }
        let search: TagSearch
        switch try await stores.name(request.image) {
        case .layout(let directory, let ref):
            search = TagSearch(
                stores: stores, layouts: [stores.layout(in: directory)], ref: ref, request: request.image,
                settings: settings)
        case .named(let text):
            search = TagSearch(
                stores: stores, layouts: nil, ref: text, request: request.image, settings: settings)
        }
        return try await search.run()
    }

    /// Whether a name ends with a tag or a digest.
    static func hasTag(_ text: String) -> Bool {
        guard let slash = text.lastIndex(of: "/") else { return text.contains { ":@".contains($0) } }
        return text[slash...].contains { ":@".contains($0) }
    }
}

/// Goes through layouts for the images of one name.
private struct TagSearch {
    let stores: LocalLayouts
    /// One that was named; nil: the configured ones.
    let layouts: [OCILayout]?
    /// The name without a tag; nil: the only name that there is.
    let ref: String?
    let request: String
    let settings: PublisherSettings

    fileprivate struct Entry {
        let layout: OCILayout
        let names: [String]
        let content: Content
        let reading: PublishedName.Reading

        enum Content {
            case image(StoredImage)
            /// What can't be pushed, and why.
            case other(reason: String)
        }

        /// As it can be named in a command, unless it is very long.
        var text: String { names.first.map { "\(layout.storeID):\($0.prefix(200))" } ?? layout.storeID }

        var isImage: Bool { if case .image = content { true } else { false } }

        var name: PublishedName? {
            switch reading {
            case .name(let name), .unusable(let name, _): name
            case .nameless: nil
            }
        }
    }

    func run() async throws -> Intake.AllTags {
        var entries: [Entry] = []
        var unreadable: [(OCILayout, ImageStoreError)] = []
        for layout in layouts ?? stores.layouts where layouts != nil || layout.hasIndex {
            do { entries += try await self.entries(of: layout) } catch let error as ImageStoreError where layouts == nil
            {
                unreadable.append((layout, error))
            }
        }
        let chosen = try choose(entries)
        var found = try sort(chosen)
        found.leftOut += unreadable.map {
            LeftOut(image: $0.storeID, reason: $1.description, advice: $1.advice)
        }
        if found.images.isEmpty {
            if !chosen.isEmpty { throw PushRefusal.nothingToPush(image: request, found.leftOut) }
            if let first = unreadable.first { throw first.1 }
            if layouts == nil, let ref { throw await stores.notFound(ref, defaultTag: settings.defaultTag) }
            if ref == nil { throw PushRefusal.nothingToPush(image: request, []) }
            throw ImageStoreError(.imageNotFound(available: entries.flatMap(\.names)), subject: request)
        }
        return found
    }

    private func entries(of layout: OCILayout) async throws -> [Entry] {
        func reading(_ names: [String]) -> PublishedName.Reading {
            PublishedName.read(names: names, directory: layout.directory, defaultTag: settings.defaultTag)
        }
        let contents = try await layout.contents()
        return contents.images.map {
            Entry(layout: layout, names: $0.names, content: .image($0), reading: reading($0.names))
        }
            + contents.others.map {
                Entry(
                    layout: layout, names: $0.names, content: .other(reason: "it " + $0.reason),
                    reading: reading($0.names))
            }
    }

    /// The entries that have the name.
    private func choose(_ entries: [Entry]) throws -> [Entry] {
        guard let ref else {
            let named = entries.filter { $0.name != nil }
            let names = Set(named.filter(\.isImage).compactMap { $0.name?.name })
            guard names.count <= 1 else {
                throw ImageStoreError(.ambiguous(candidates: named.compactMap(\.names.first)), subject: request)
            }
            return named
        }
        // Behind a layout: `oci:DIR:TAG`, `oci:DIR:NAME:TAG`, `oci:DIR:@DIGEST`.
        guard !Intake.hasTag(ref) else { throw PushRefusal.tagGiven(request) }
        let wanted = try? ImageReference(parsing: ref)
        let exact = entries.filter { entry in
            guard let name = entry.name else { return false }
            if let wanted, wanted.isQualified { return entry.isSpelled(wanted) }
            return name.name == ref || wanted.map { entry.isSpelled($0) } == true
        }
        if !exact.isEmpty { return exact }
        if layouts != nil, entries.contains(where: { $0.names.contains(ref) }) { throw PushRefusal.tagGiven(request) }
        guard wanted?.isQualified == false else { return [] }
        // A short name for an image of any registry.
        let longer = entries.filter { $0.name?.name.hasSuffix("/" + ref) == true }
        guard Set(longer.compactMap { $0.name?.name }).count <= 1 else {
            throw ImageStoreError(.ambiguous(candidates: longer.compactMap(\.names.first)), subject: request)
        }
        return longer
    }

    private func sort(_ entries: [Entry]) throws -> Intake.AllTags {
        var result = Intake.AllTags()
        for entry in entries {
            switch (entry.content, entry.reading) {
            case (.image(let image), .name(let name)):
                if let other = result.images.first(where: { $0.name == name }) {
                    guard other.image.root.digest == image.root.digest else {
                        throw ImageStoreError(
                            .ambiguous(candidates: [other.layout, entry.layout].map { "\($0.storeID):\(name)" }),
                            subject: name.description)
                    }
                    continue
                }
                result.images.append(.init(name: name, image: image, layout: entry.layout))
            case (.image, .unusable(_, let reason)):
                let advice = PushRefusal.nothingToPush(image: entry.text, []).advice
                result.leftOut.append(LeftOut(image: entry.text, reason: reason, advice: advice))
            case (.other(let reason), _):
                let advice = ImageStoreError(.entryNotSupported(reason: ""), subject: entry.text).advice
                result.leftOut.append(LeftOut(image: entry.text, reason: reason, advice: advice))
            case (.image, .nameless): continue
            }
        }
        return result
    }
}

extension TagSearch.Entry {
    /// Whether one of its names is of that repository, as Docker reads it.
    fileprivate func isSpelled(_ wanted: ImageReference) -> Bool {
        names.contains { text in
            let name = (try? ImageReference(parsing: text)) ?? (try? ImageReference(parsing: Self.withoutTag(text)))
            return name?.name == wanted.name && (text.contains("/") || text.contains(":"))
        }
    }

    private static func withoutTag(_ text: String) -> String {
        let last = text.lastIndex(of: "/").map { text.index(after: $0) } ?? text.startIndex
        return text[last...].firstIndex(of: ":").map { String(text[..<$0]) } ?? text
    }
}
