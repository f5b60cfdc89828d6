/// What a test server sends back.
public struct Answer: Sendable {
    public var status: Int
    /// Sent as they stand, after `Content-Length` unless that is among them.
    public var headers: [(name: String, value: String)]
    public var body: Body
    /// Sends only so many bytes of the body, then cuts the connection. The length stays as announced.
    public var truncatedAfter: Int64?
    /// Closes the connection after the answer even where it could be kept.
    public var closesConnection = false

    public enum Body: Sendable {
        case bytes([UInt8])
        /// `length` bytes, which `produce` hands to its argument piece by piece.
        case stream(length: Int64, produce: @Sendable ((UnsafeRawBufferPointer) throws -> Void) throws -> Void)
        /// Only a length, as in the answer to HEAD.
        case absent(length: Int64)

        var length: Int64 {
            switch self {
            case .bytes(let bytes): Int64(bytes.count)
            case .stream(let length, _), .absent(let length): length
            }
        }
    }

    public init(_ status: Int, headers: [(String, String)] = [], body: Body) {
        self.status = status
        self.headers = headers.map { (name: $0.0, value: $0.1) }
        self.body = body
    }

    public init(_ status: Int, headers: [(String, String)] = [], _ text: String = "") {
        self.init(status, headers: headers, body: .bytes(Array(text.utf8)))
    }

    public mutating func setHeader(_ name: String, _ value: String?) {
        headers.removeAll { $0.name.lowercased() == name.lowercased() }
        if let value { headers.append((name, value)) }
    }

    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
