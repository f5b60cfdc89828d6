internal import OCI

/// A destination with variables in it: `registry.example/mirror/{name}:{tag}`.
public struct DestinationTemplate: Sendable, Hashable, CustomStringConvertible {
    enum Variable: String, CaseIterable, Sendable {
        /// The image's repository and its tag.
        case name, tag
        /// The hexadecimal digits of the digest of what is pushed, as it is on this machine: a registry may be given its
        /// manifests in another format.
        case digest
        /// The machine that the image is for, `arm64` or `armv7`; an image for several is pushed once for each.
        case arch
    }

    private enum Piece: Hashable {
        case text(Substring)
        case variable(Variable)
    }

    public let description: String
    private let pieces: [Piece]

    /// - Parameter aliases: the template may begin with one of these in a registry's place.
    /// - Throws: ``TemplateError`` unless filling it in gives a qualified destination, or one that an alias stands for.
    public init(_ text: String, aliases: Aliases = Aliases()) throws(TemplateError) {
        guard text.utf8.count <= 512 else {
            throw TemplateError(template: String(text.prefix(80)), reason: "it is too long")
        }
        description = text
        pieces = try Self.pieces(of: text)
        let example = try self.text { variable in
            switch variable {
            case .name, .tag, .arch: variable.rawValue
            case .digest: String(repeating: "0", count: 64)
            }
        }
        let own = PublishedName(name: "name", tag: "tag")
        if try aliases.expansion(of: example, own: own, defaultTag: "tag") == nil { _ = try reference(example) }
    }

    private static func pieces(of text: String) throws(TemplateError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            guard let close = rest[open...].firstIndex(of: "}") else {
                throw TemplateError(template: text, reason: "a { has no }")
            }
            let name = rest[rest.index(after: open)..<close]
            guard let variable = Variable(rawValue: String(name)) else {
                let known = Variable.allCases.map { "{\($0.rawValue)}" }
                throw TemplateError(
                    template: text,
                    reason:
                        "{\(name)} is not known: \(known.dropLast().joined(separator: ", ")) and \(known.last ?? "") are"
                )
            }
            pieces += [.text(rest[..<open]), .variable(variable)]
            rest = rest[rest.index(after: close)...]
        }
        return pieces + [.text(rest)]
    }

    func uses(_ variable: Variable) -> Bool { pieces.contains(.variable(variable)) }

    /// The text with each variable's value in its place. What stands in a value is no variable.
    func text(_ value: (Variable) throws(TemplateError) -> String) throws(TemplateError) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .variable(let variable): text += try value(variable)
            }
        }
        return text
    }

    /// - Parameter text: the template, filled in.
    /// - Throws: ``TemplateError`` unless it is a qualified destination.
    func reference(_ text: String) throws(TemplateError) -> ImageReference {
        let reference: ImageReference
        do { reference = try ImageReference(parsing: text) } catch {
            throw TemplateError(template: description, reason: error.description)
        }
        guard reference.isQualified else {
            throw TemplateError(template: description, reason: "it must begin with the registry: HOST/REPOSITORY:TAG")
        }
        return reference
    }
}

/// A destination template that cannot be used, at all or for an image.
public struct TemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    public let template: String
    public let reason: String

    public var description: String { "destination \"\(template)\": \(reason)" }
}
