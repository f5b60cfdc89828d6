/// A request's first line and headers, as they came.
public struct RequestHead: Sendable {
    public let method: String
    /// Path and query, bytes as sent.
    public let target: String
    /// In the order of arrival, names as sent.
    public let headers: [(name: String, value: String)]

    /// The first value under `name`, whatever its case.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// Nil where the header is absent; a head with a malformed one is never made.
    public var contentLength: Int64? { header("Content-Length").flatMap { Int64($0) } }

    /// The part before the question mark, as sent.
    public var path: String { String(target.prefix { $0 != "?" }) }

    /// The query's items in order, percent-decoded; an item without `=` has an empty value.
    public var query: [(name: String, value: String)] {
        guard let mark = target.firstIndex(of: "?") else { return [] }
        return Self.formItems(target[target.index(after: mark)...])
    }

    /// The first value of a query item.
    public func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The items of a query or of an `application/x-www-form-urlencoded` body.
    static func formItems(_ text: Substring) -> [(name: String, value: String)] {
        text.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (decoded(parts[0]), parts.count == 2 ? decoded(parts[1]) : "")
        }
    }

    /// Percent and plus signs resolved; what is no escape stays as it is.
    static func decoded(_ text: Substring) -> String {
        var rest = Array(text.utf8)[...]
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What breaks RFC 9112 in a request, or goes beyond what this server takes.
    struct Malformed: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// - Parameter text: everything up to the empty line, without it.
    /// - Throws: ``Malformed`` for anything that a strict HTTP/1.1 server refuses.
    init(parsing text: [UInt8]) throws(Malformed) {
        guard text.allSatisfy({ $0 >= 0x20 || $0 == 0x0D || $0 == 0x0A || $0 == 0x09 }) else {
            throw Malformed("a control character in the head")
        }
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        guard lines.allSatisfy({ !$0.utf8.contains(0x0A) && !$0.utf8.contains(0x0D) }) else {
            throw Malformed("a lone CR or LF in the head")
        }
        let first = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard first.count == 3, first[2] == "HTTP/1.1", first[1].hasPrefix("/") else {
            throw Malformed("the request line is \"\(lines[0].prefix(200))\"")
        }
        guard !first[0].isEmpty, first[0].utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
            throw Malformed("the method is \"\(first[0].prefix(50))\"")
        }
        guard first[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !first[1].contains("#") else {
            throw Malformed("the target is \"\(first[1].prefix(200))\"")
        }
        var headers: [(name: String, value: String)] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex,
                line[..<colon].utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw Malformed("the header line \"\(line.prefix(100))\"") }
            let value = line[line.index(after: colon)...]
            let trimmed = value.drop { $0 == " " || $0 == "\t" }
            headers.append((String(line[..<colon]), String(trimmed)))
        }
        method = String(first[0])
        target = String(first[1])
        self.headers = headers
        try checkFraming()
    }

    private func checkFraming() throws(Malformed) {
        func values(_ name: String) -> [String] {
            headers.filter { $0.name.lowercased() == name }.map(\.value)
        }
        guard values("host").count == 1 else { throw Malformed("\(values("host").count) Host headers") }
        guard values("transfer-encoding").isEmpty else {
            throw Malformed("a Transfer-Encoding; this server wants a Content-Length")
        }
        let lengths = values("content-length")
        guard lengths.count <= 1 else { throw Malformed("several Content-Length headers") }
        if let length = lengths.first {
            guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }), Int64(length) != nil else {
                throw Malformed("the Content-Length \"\(length.prefix(50))\"")
            }
        }
    }
}
