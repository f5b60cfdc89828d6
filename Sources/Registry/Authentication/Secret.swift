/// A password or token. Only ``revealed()`` returns it.
///
/// It is not `Codable`, and its descriptions, its mirror and `dump` hold nothing of it, not even the length: a log line
/// or an error text that takes in more than it should still gives nothing away.
public struct Secret: Hashable, Sendable {
    private let text: String

    public init(_ text: String) { self.text = text }

    /// The secret itself: only for a header or form field that goes to the one server that it is for.
    public func revealed() -> String { text }

    public var isEmpty: Bool { text.isEmpty }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "…" }
    public var debugDescription: String { "…" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
