/// The header fields of a message, in order. Names are compared without regard to case.
public struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    public typealias Field = (name: String, value: String)

    /// All fields as they came or will be sent.
    public private(set) var fields: [Field] = []

    public init() {}

    /// Keeps the order, and repeated names.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { (name: $0.0, value: $0.1) }
    }

    /// The first value of that name; nil if there is none. Setting replaces all values of the name, nil removes them.
    public subscript(_ name: String) -> String? {
        get { fields.first { Self.matches($0.name, name) }?.value }
        set {
            if let newValue { set(name, newValue) } else { fields.removeAll { Self.matches($0.name, name) } }
        }
    }

    /// All values of that name, in order.
    public func values(_ name: String) -> [String] {
        fields.filter { Self.matches($0.name, name) }.map(\.value)
    }

    /// The codings of the body besides `identity`, from the first that was applied to the last; nil where there is none.
    public var contentCoding: String? {
        let names = values("Content-Encoding").flatMap { $0.split(separator: ",") }
            .map { $0.lowercased().filter { $0.isASCII && !$0.isWhitespace } }
            .filter { !$0.isEmpty && $0 != "identity" }
        return names.isEmpty ? nil : shortened(names.joined(separator: ", "), to: 80)
    }

    public mutating func add(_ name: String, _ value: String) { fields.append((name: name, value: value)) }

    /// Replaces all values of that name.
    public mutating func set(_ name: String, _ value: String) {
        fields.removeAll { Self.matches($0.name, name) }
        add(name, value)
    }

    /// Continues the newest value: a folded line, RFC 9112 section 5.2.
    mutating func extendLast(with text: String) {
        guard let last = fields.indices.last else { return }
        fields[last].value += " " + text
    }

    /// Header names are ASCII; other letters are compared as they are.
    private static func matches(_ one: String, _ other: String) -> Bool {
        one.utf8.count == other.utf8.count && zip(one.utf8, other.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

extension HTTPHeaders: CustomStringConvertible, CustomReflectable {
    private static let secret: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "set-cookie", "location", "link", "docker-upload-uuid",
    ]

    /// For logs: credentials, cookies and addresses, which may be signed, are left out.
    public var description: String {
        fields.map { "\($0.name): \(Self.secret.contains($0.name.lowercased()) ? "…" : shortened($0.value, to: 256))" }
            .joined(separator: "\n")
    }

    /// What `dump` and the default descriptions of types around it show.
    public var customMirror: Mirror { Mirror(self, children: ["fields": description], displayStyle: .struct) }
}
