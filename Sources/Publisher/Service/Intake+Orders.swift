import ImageStore
import OCI
import Registry

/// Resolves a request: which images go to which destinations.
extension Intake {
    /// A destination as it was written, understood.
    private enum Target {
        case place(ImageReference)
        case alias(Aliases.Expansion)
    }

    /// What would be pushed where; each destination once.
    ///
    /// - Throws: ``PushRefusal``, `ImageStoreError`, `CancellationError`.
    func orders(
        _ request: PushRequest, stores: LocalLayouts, settings: PublisherSettings, credentials: any CredentialProvider
    ) async throws -> (orders: [Order], leftOut: [LeftOut]) {
        do {
            return try await allOrders(request, stores, settings, credentials)
        } catch let error as ImageStoreError { throw error.aiming(at: request.destinations) }
    }

    private func allOrders(
        _ request: PushRequest, _ stores: LocalLayouts, _ settings: PublisherSettings,
        _ credentials: any CredentialProvider
    ) async throws -> (orders: [Order], leftOut: [LeftOut]) {
        // Only where the daemon acts for its own user does the given login choose the namespace: a member's push goes
        // where everybody's goes.
        let credentials: any CredentialProvider =
            if let login = request.login, request.actsAs == nil {
                PushLoginProvider(login: login)
            } else {
                credentials
            }
        var orders: [Order] = []
        var leftOut: [LeftOut] = []
        if request.allTags {
            let all = try await allTags(request, stores, settings)
            leftOut = all.leftOut
            for tagged in all.images {
                var one = request
                one.image = tagged.name.description
                orders += try await self.orders(
                    one, tagged.image, tagged.layout, settings, credentials, tag: tagged.name.tag)
            }
        } else {
            let name = try await stores.name(request.image)
            let (image, layout) = try await stores.find(name, defaultTag: settings.defaultTag)
            orders = try await self.orders(request, image, layout, settings, credentials, tag: nil)
        }
        let registries = Set(orders.map(\.destination.domain)).sorted()
        // A login is for one registry, and must not be shown to another.
        if case .given? = request.login, registries.count > 1 {
            throw PushRefusal.loginForSeveral(registries: registries)
        }
        let all = try Self.distinct(orders)
        for order in all { try request.checkRights(at: order.destination) }
        return (all, leftOut)
    }

    /// The orders of a rule.
    ///
    /// - Throws: ``TemplateError`` where the image can't fill its destinations in; ``PushRefusal``, `ImageStoreError`.
    func orders(
        _ image: StoredImage, named name: PublishedName, by rules: [PublishRule], in layout: OCILayout,
        _ settings: PublisherSettings
    ) async throws -> [Order] {
        let templates = rules.flatMap(\.destinations)
        let addressing = settings.addressing
        var parts = ImageParts(root: image.root.digest)
        if addressing.lookIntoImages(templates) { parts = try await .read(image, in: layout, platforms: []) }
        return try Self.distinct(
            try addressing.places(of: templates, for: name, parts).map { place in
                Order(
                    image: name.description, destination: place.destination.normalised(settings.names), layout: layout,
                    stored: image, platforms: place.part.platforms, format: settings.format(at: place.destination))
            })
    }

    /// - Parameter tag: in place of the one that each destination has; nil: as written.
    private func orders(
        _ request: PushRequest, _ image: StoredImage, _ layout: OCILayout, _ settings: PublisherSettings,
        _ credentials: any CredentialProvider, tag: String?
    ) async throws -> [Order] {
        let own = PublishedName(names: image.names, directory: layout.directory, defaultTag: settings.defaultTag)
        let defaults = DefaultDestination(settings, credentials)
        var targets: [Target] = []
        if request.destinations.isEmpty {
            targets = [try await ownTarget(of: image, in: layout, own, request, settings, defaults)]
        } else {
            for text in request.destinations {
                targets.append(try await target(text, own, image, in: layout, request, settings, defaults))
            }
        }

        let addressing = settings.addressing
        var parts = ImageParts(root: image.root.digest)
        let hasAlias = targets.contains { if case .alias = $0 { true } else { false } }
        if hasAlias, settings.aliases.lookIntoImages {
            parts = try await .read(image, in: layout, platforms: request.platforms)
        }
        return try targets.flatMap { target in
            switch target {
            case .place(let place):
                let destination = tag.map { place.withTag($0) } ?? place
                return [order(request, destination, layout, image, request.platforms, settings)]
            case .alias(let expansion):
                let named = tag.map { expansion.with(tag: $0) } ?? expansion
                let places = try refusing { () throws(TemplateError) in try addressing.places(of: named, parts) }
                return places.map {
                    let platforms = $0.part.platforms.isEmpty ? request.platforms : $0.part.platforms
                    return order(request, $0.destination, layout, image, platforms, settings)
                }
            }
        }
    }

    private func order(
        _ request: PushRequest, _ destination: ImageReference, _ layout: OCILayout, _ image: StoredImage,
        _ platforms: [Platform], _ settings: PublisherSettings
    ) -> Order {
        Order(
            image: request.image, destination: destination.normalised(settings.names), layout: layout, stored: image,
            platforms: platforms,
            format: request.format ?? settings.format(at: destination))
    }

    /// One order for each destination.
    ///
    /// - Throws: ``PushRefusal/destinationTwice(_:)`` where two orders would put different things there.
    private static func distinct(_ orders: [Order]) throws -> [Order] {
        var known: [ImageReference: Order] = [:]
        return try orders.filter { order in
            guard let earlier = known[order.destination] else {
                known[order.destination] = order
                return true
            }
            guard earlier.stored.root.digest == order.stored.root.digest, earlier.platforms == order.platforms else {
                throw PushRefusal.destinationTwice(order.destination)
            }
            return false
        }
    }

    // MARK: One destination

    /// Where the image's own names say that it belongs.
    private func ownTarget(
        of image: StoredImage, in layout: OCILayout, _ own: PublishedName?, _ request: PushRequest,
        _ settings: PublisherSettings, _ defaults: DefaultDestination
    ) async throws -> Target {
        let named = image.names.compactMap { try? ImageReference(parsing: $0) }
        for reference in named where reference.isQualified {
            return try resolved(reference.withDefaultTag(settings.defaultTag), settings)
        }
        for name in image.names where name.contains("/") {
            if let expansion = try expansion(name, own: nil, settings) { return .alias(expansion) }
        }
        // As rules read it: what has neither slash nor colon is a tag, and the layout's directory the name.
        guard let own, let first = try? ImageReference(parsing: own.description) else {
            if case .unusable(_, let reason) = PublishedName.read(
                names: image.names, directory: layout.directory, defaultTag: settings.defaultTag)
            {
                throw PushRefusal.nameUnusable(image: request.image, reason: reason)
            }
            throw PushRefusal.destinationMissing(image: request.image)
        }
        return try resolved(try await defaults.destination(for: first, as: request.image), settings)
    }

    /// - Parameter text: a reference, or an alias for one.
    private func target(
        _ text: String, _ own: PublishedName?, _ image: StoredImage, in layout: OCILayout, _ request: PushRequest,
        _ settings: PublisherSettings, _ defaults: DefaultDestination
    ) async throws -> Target {
        func check(_ wanted: Digest?) async throws {
            guard let wanted, request.platforms.isEmpty, try await !Self.isNamed(image, by: wanted, in: layout) else {
                return
            }
            throw PushRefusal.digestDiffers(wanted: wanted, image: image.root.digest)
        }
        if let expansion = try expansion(text, own: own, settings) {
            try await check(expansion.digest)
            return .alias(expansion)
        }
        let reference: ImageReference
        do { reference = try ImageReference(parsing: text) } catch { throw PushRefusal.destinationInvalid(error) }
        try await check(reference.digest)
        let destination = try await defaults.destination(for: reference, as: text)
        // The digest was a condition, which holds; what is pushed to is the tag.
        return try resolved(destination.tag.map { destination.withTag($0) } ?? destination, settings)
    }

    /// A digest by another algorithm than the layout's names the image if it is of the same bytes.
    private static func isNamed(_ image: StoredImage, by wanted: Digest, in layout: OCILayout) async throws -> Bool {
        if wanted.algorithm == image.root.digest.algorithm { return wanted == image.root.digest }
        let contents = try await ImageContents.read(root: image.root, from: layout)
        return contents.manifests.last?.isNamed(by: wanted) == true
    }

    /// A registry may be an alias, also the default one.
    private func resolved(_ reference: ImageReference, _ settings: PublisherSettings) throws -> Target {
        let expansion = try refusing { () throws(TemplateError) in
            try settings.aliases.expansion(of: reference, defaultTag: settings.defaultTag)
        }
        return expansion.map { .alias($0) } ?? .place(reference)
    }

    private func expansion(
        _ text: String, own: PublishedName?, _ settings: PublisherSettings
    ) throws -> Aliases.Expansion? {
        try refusing { () throws(TemplateError) in
            try settings.aliases.expansion(of: text, own: own, defaultTag: settings.defaultTag)
        }
    }

    private func refusing<Value>(_ body: () throws(TemplateError) -> Value) throws -> Value {
        do { return try body() } catch { throw PushRefusal.templateUnusable(error) }
    }
}

extension PushRequest {
    /// - Throws: ``PushRefusal/notAllowed(_:_:user:)`` for what a member may not ask for there.
    fileprivate func checkRights(at destination: ImageReference) throws(PushRefusal) {
        guard let rights else { return }
        if login == nil { try rights.check(.login, at: destination) }
        if force { try rights.check(.force, at: destination) }
        if priority > 0 { try rights.check(.priority, at: destination) }
    }
}

extension Aliases.Expansion {
    fileprivate func with(tag: String) -> Aliases.Expansion {
        Aliases.Expansion(templates: templates, name: PublishedName(name: name.name, tag: tag), digest: digest)
    }
}

extension PublisherSettings {
    var addressing: Addressing { Addressing(aliases: aliases, defaultTag: defaultTag) }
}
