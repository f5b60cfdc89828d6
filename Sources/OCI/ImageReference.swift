/// The name of an image in a registry, read exactly as Docker reads it.
///
/// Source: the grammar and the normalisation of the distribution project's `reference` package.
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// Host and optional port as the user wrote them; `docker.io` where none was written.
    public let domain: String
    /// The repository in that registry: `team/app`, `library/ubuntu`.
    public let path: String
    /// Nil where none was written.
    public let tag: String?
    public let digest: Digest?
    /// Whether the registry was written out, `docker.io` included.
    public let isQualified: Bool

    /// - Throws: ``ImageReferenceError``, which names `text` and the rule that it breaks.
    public init(parsing text: String) throws(ImageReferenceError) {
        func fail(_ reason: ImageReferenceError.Reason) -> ImageReferenceError {
            ImageReferenceError(text: String(text.prefix(300)), reason: reason)
        }
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw fail(.empty) }
        guard bytes.count <= 1024, bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw fail(.malformed) }
        if bytes.count == 64, bytes.allSatisfy(Grammar.isLowerHex) { throw fail(.identifier) }

        let (named, digestText) = Self.cut(text, at: "@")
        let (domainText, remainder) = Self.splitDomain(named)
        let (pathText, tagText) = Self.cut(remainder, at: ":")
        if pathText.utf8.contains(where: { (0x41...0x5A).contains($0) }) { throw fail(.upperCase) }

        if let domainText { guard Grammar.isDomain(domainText) else { throw fail(.malformed) } }
        let domain = domainText == nil || domainText == "index.docker.io" ? "docker.io" : domainText ?? ""
        var path = pathText
        if domain == "docker.io", !path.utf8.contains(UInt8(ascii: "/")) { path = "library/" + path }
        guard Grammar.isPath(path) else { throw fail(.malformed) }
        guard path.utf8.count <= 255 else { throw fail(.tooLong) }
        if let tagText { guard Grammar.isTag(tagText) else { throw fail(.malformed) } }

        if let digestText {
            do { digest = try Digest(parsing: digestText) } catch { throw fail(.digest(error.description)) }
        } else {
            digest = nil
        }
        self.domain = domain
        self.path = path
        tag = tagText
        isQualified = domainText != nil
    }

    /// The same repository, tag and digest at a registry that is called otherwise.
    private init(_ other: ImageReference, domain: String) {
        self.domain = domain
        let isShort = domain == "docker.io" && !other.path.utf8.contains(UInt8(ascii: "/"))
        path = isShort ? "library/" + other.path : other.path
        isQualified = other.isQualified
        tag = other.tag
        digest = other.digest
    }

    /// The same repository with another ending.
    private init(_ other: ImageReference, tag: String) {
        domain = other.domain
        path = other.path
        isQualified = other.isQualified
        self.tag = tag
        digest = nil
    }

    /// Host, repository, tag and digest, as far as there are any.
    public var description: String {
        name + (tag.map { ":" + $0 } ?? "") + (digest.map { "@" + $0.description } ?? "")
    }

    /// Host and repository.
    public var name: String { domain + "/" + path }

    /// The same name with this tag where it has neither tag nor digest.
    ///
    /// - Parameter tag: one that passed ``isValidTag(_:)``.
    public func withDefaultTag(_ tag: String) -> ImageReference {
        self.tag == nil && digest == nil ? ImageReference(self, tag: tag) : self
    }

    /// The same repository under another tag.
    public func withTag(_ tag: String) -> ImageReference {
        ImageReference(self, tag: tag)
    }

    /// The same with the registry's one name, by which it is known wherever something is kept for it.
    public func normalised(_ names: RegistryNames) -> ImageReference {
        ImageReference(self, domain: names.name(of: domain))
    }

    public static func isValidTag(_ text: String) -> Bool { Grammar.isTag(text) }

    /// Splits at the first `mark`; the second part is nil where there is none.
    private static func cut(_ text: String, at mark: Character) -> (String, String?) {
        guard let place = text.firstIndex(of: mark) else { return (text, nil) }
        return (String(text[..<place]), String(text[text.index(after: place)...]))
    }

    /// The part before the first slash is a registry if it could not be part of a repository on Docker Hub.
    private static func splitDomain(_ text: String) -> (String?, String) {
        guard let slash = text.firstIndex(of: "/") else { return (nil, text) }
        let first = text[..<slash]
        let isDomain =
            first == "localhost" || first.contains(".") || first.contains(":")
            || first.utf8.contains { (0x41...0x5A).contains($0) }
        return isDomain ? (String(first), String(text[text.index(after: slash)...])) : (nil, text)
    }
}

extension ImageReference: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(parsing: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The productions of the reference grammar, over ASCII.
private enum Grammar {
    static func isLowerHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    static func isLowerOrDigit(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || isDigit(byte) }
    static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerOrDigit(byte) || (0x41...0x5A).contains(byte) }

    /// `host [":" digits]`; the host is labels joined by dots, or an IPv6 address in brackets.
    static func isDomain(_ text: String) -> Bool {
        var host = Substring(text)
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return false }
            let inside = text[text.index(after: text.startIndex)..<end].utf8
            guard !inside.isEmpty,
                inside.allSatisfy({
                    isDigit($0) || (0x61...0x66).contains($0) || (0x41...0x46).contains($0) || $0 == UInt8(ascii: ":")
                })
            else { return false }
            let rest = text[text.index(after: end)...]
            return rest.isEmpty || (rest.hasPrefix(":") && isPort(rest.dropFirst()))
        }
        if let colon = text.firstIndex(of: ":") {
            guard isPort(text[text.index(after: colon)...]) else { return false }
            host = text[..<colon]
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isPort(_ text: Substring) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isDigit) }

    static func isPath(_ text: String) -> Bool {
        text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { isComponent(Array($0.utf8)) }
    }

    /// Runs of lower-case letters and digits, joined by one dot, one or two underscores, or any number of hyphens.
    private static func isComponent(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
            return false
        }
        return bytes.split(whereSeparator: isLowerOrDigit).allSatisfy { separator in
            separator == [UInt8(ascii: ".")] || separator == [UInt8(ascii: "_")]
                || separator == [UInt8(ascii: "_"), UInt8(ascii: "_")]
                || separator.allSatisfy { $0 == UInt8(ascii: "-") }
        }
    }

    static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first) || first == UInt8(ascii: "_") else { return false }
        return text.utf8.count <= 128
            && text.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }
}

/// Why a text is not the name of an image.
public struct ImageReferenceError: Error, Sendable, CustomStringConvertible {
    public enum Reason: Sendable, Equatable {
        case empty, malformed, upperCase, identifier, tooLong
        case digest(String)
    }

    /// The text, shortened to 300 characters.
    public let text: String
    public let reason: Reason

    public var description: String {
        switch reason {
        case .empty: "an image name is missing"
        case .malformed: "\"\(text)\" is not an image name: it is written [HOST[:PORT]/]NAME[:TAG][@DIGEST]"
        case .upperCase: "\"\(text)\": the repository's name must be lower case"
        case .identifier: "\"\(text)\" is an image id, not a name: 64 hexadecimal digits are ambiguous"
        case .tooLong: "\"\(text)\": the repository's name has more than 255 characters"
        case .digest(let why): why
        }
    }
}
