internal import OCI

/// All configured layouts, asked as one store.
public struct LocalLayouts: Sendable {
    public let layouts: [OCILayout]
    private let rights: StoreRights

    /// - Parameter rights: those with which a layout is opened that is named directly.
    public init(_ layouts: [OCILayout], as rights: StoreRights = .daemon) {
        self.layouts = layouts
        self.rights = rights
    }

    /// Reads a name that a user gave, as the user may look at the paths that it may mean.
    ///
    /// - Throws: ``ImageStoreError``: `nameInvalid`, `notSupported`.
    public func name(_ text: String) async throws(ImageStoreError) -> ImageName {
        try await ImageName.read(text, as: rights)
    }

    /// Finds an image by the name a user gave.
    ///
    /// A layout that is named directly need not be among the configured ones. Other names are looked for in all of
    /// them; one that cannot be read matters only if no other has the image.
    ///
    /// - Throws: ``ImageStoreError``: as ``OCILayout/resolve(_:defaultTag:)``; `ambiguous` also where two layouts have
    ///   different images of that name.
    public func find(
        _ name: ImageName, defaultTag: String = "latest"
    ) async throws -> (image: StoredImage, layout: OCILayout) {
        switch name {
        case .layout(let directory, let ref):
            let layout = layout(in: directory)
            return (try await layout.resolve(ref, defaultTag: defaultTag), layout)
        case .named(let text):
            return try await find(text, defaultTag: defaultTag)
        }
    }

    /// The layout in a directory, which need not be a configured one.
    public func layout(in directory: String) -> OCILayout {
        let path = ImageName.tidied(directory)
        return layouts.first { $0.directory == path } ?? OCILayout(directory: path, rights: rights)
    }

    private func find(_ name: String, defaultTag: String) async throws -> (image: StoredImage, layout: OCILayout) {
        var matches: [(image: StoredImage, layout: OCILayout)] = []
        var unreadable: ImageStoreError?
        for layout in layouts {
            do {
                matches.append((try await layout.resolve(name, defaultTag: defaultTag), layout))
            } catch let error as ImageStoreError {
                switch error.cause {
                case .imageNotFound, .closedToCaller: continue
                case .ambiguous: throw error
                default: unreadable = unreadable ?? error
                }
            }
        }
        guard let first = matches.first else {
            if let unreadable { throw unreadable }
            throw await notFound(name, defaultTag: defaultTag)
        }
        guard matches.allSatisfy({ $0.image.root.digest == first.image.root.digest }) else {
            throw ImageStoreError(.ambiguous(candidates: matches.map { "\($0.image.storeID):\(name)" }), subject: name)
        }
        return first
    }

    /// The error that no store has it. It names another store of this machine that has an image of this name.
    public func notFound(_ name: String, defaultTag: String) async -> ImageStoreError {
        let places = layouts.map(\.storeID).joined(separator: ", ")
        let subject = places.isEmpty ? name : "\(name) in \(places)"
        // What other users' stores have is looked for with the daemon's rights only.
        if !rights.isOfUser, let foreign = await ForeignImage.look(for: name, defaultTag: defaultTag) {
            return ImageStoreError(.imageElsewhere(foreign), subject: subject)
        }
        return ImageStoreError(.imageNotFound(available: []), subject: subject)
    }
}
