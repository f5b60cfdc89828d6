import OCI

/// Fills destinations in, and looks up what aliases stand for. Pure.
struct Addressing: Sendable {
    /// A destination, and what of the image goes there.
    struct Place: Sendable, Hashable {
        let destination: ImageReference
        let part: ImageParts.Part
    }

    let aliases: Aliases
    /// For a destination that says no tag.
    let defaultTag: String

    /// Whether these can only be filled in after a look into the image.
    func lookIntoImages(_ templates: [DestinationTemplate]) -> Bool {
        aliases.lookIntoImages || templates.contains { $0.uses(.arch) || $0.uses(.digest) }
    }

    /// Where a rule sends an image.
    func places(
        of templates: [DestinationTemplate], for image: PublishedName, _ parts: ImageParts
    ) throws(TemplateError) -> [Place] {
        var places: [Place] = []
        for template in templates {
            for part in try self.parts(of: template, parts) {
                let text = try fill(template, image, part)
                if let expansion = try aliases.expansion(of: text, own: image, defaultTag: defaultTag) {
                    places += try self.places(of: expansion, part.machine == nil ? parts : parts.only(part))
                } else {
                    places.append(try place(template, text, image, part))
                }
            }
        }
        return places
    }

    /// Where what an alias stands for is.
    func places(of expansion: Aliases.Expansion, _ parts: ImageParts) throws(TemplateError) -> [Place] {
        var places: [Place] = []
        for template in expansion.templates {
            for part in try self.parts(of: template, parts) {
                places.append(try place(template, try fill(template, expansion.name, part), expansion.name, part))
            }
        }
        return places
    }

    private func parts(of template: DestinationTemplate, _ parts: ImageParts) throws(TemplateError) -> [ImageParts.Part]
    {
        guard template.uses(.arch) else { return [parts.whole] }
        switch parts.machines {
        case .success(let machines): return machines
        case .failure(let reason): throw TemplateError(template: template.description, reason: reason.description)
        case nil: throw TemplateError(template: template.description, reason: "the image was not looked into")
        }
    }

    private func fill(
        _ template: DestinationTemplate, _ name: PublishedName, _ part: ImageParts.Part
    ) throws(TemplateError) -> String {
        try template.text { variable in
            switch variable {
            case .name: name.name
            case .tag: name.tag
            case .digest: part.digest.hex
            case .arch: part.machine ?? ""
            }
        }
    }

    private func place(
        _ template: DestinationTemplate, _ text: String, _ name: PublishedName, _ part: ImageParts.Part
    ) throws(TemplateError) -> Place {
        let reference = try template.reference(text).withDefaultTag(name.tag)
        if let digest = reference.digest, digest != part.digest {
            throw TemplateError(
                template: template.description, reason: "it wants \(digest), and \(part.digest) would go there")
        }
        return Place(destination: reference, part: part)
    }
}

extension ImageParts {
    /// As if the image were for this kind of machine alone.
    func only(_ part: Part) -> ImageParts { ImageParts(whole: part, machines: .success([part])) }
}
