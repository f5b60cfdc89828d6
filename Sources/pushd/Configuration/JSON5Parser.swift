/// Reads a JSON5 document, and says where it stops being one.
///
/// Foundation's decoder reads JSON5 too, but names neither line nor column, takes the first of two equal keys without
/// a word, and needs 16 seconds for a list as long as a configuration may be.
///
/// Stricter than the specification in two places: a key may stand only once in an object, and no text may hold control
/// characters, for most texts become paths and names.
///
/// Source: spec.json5.org.
struct JSON5Parser {
    /// No configuration needs a tenth of it; deeper ones would only exhaust the stack.
    static let depthLimit = 32

    private var text: JSON5Text
    private var depth = 0

    /// - Throws: ``JSON5Fault``.
    static func parse(_ bytes: [UInt8]) throws(JSON5Fault) -> ConfigurationValue {
        var parser = JSON5Parser(text: try JSON5Text(bytes))
        try parser.text.skipSpace()
        guard parser.text.next != nil else { throw parser.text.fault("it is empty; { } is the least") }
        let value = try parser.value()
        try parser.text.skipSpace()
        guard parser.text.next == nil else {
            throw parser.text.fault("the document has ended before \(parser.text.shown)")
        }
        return value
    }

    private mutating func value() throws(JSON5Fault) -> ConfigurationValue {
        guard let next = text.next else { throw text.fault("a value is missing") }
        switch next {
        case "{": return .object(try nested { parser throws(JSON5Fault) in try parser.object() })
        case "[": return .list(try nested { parser throws(JSON5Fault) in try parser.list() })
        case "\"", "'": return .text(try text.quoted())
        case "0"..."9", "+", "-", ".": return .number(try text.number())
        default:
            let start = text.place
            switch text.word() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            case "Infinity": return .number(.infinity)
            case "NaN": return .number(.nan)
            case "": throw text.fault("a value is wanted, not \(text.shown)")
            case let word: throw text.fault("\"\(word.prefix(40))\" is no value; a text stands in quotes", at: start)
            }
        }
    }

    private mutating func nested<Value>(
        _ body: (inout JSON5Parser) throws(JSON5Fault) -> Value
    ) throws(JSON5Fault) -> Value {
        guard depth < Self.depthLimit else { throw text.fault("it is nested deeper than \(Self.depthLimit) levels") }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func object() throws(JSON5Fault) -> [String: ConfigurationValue] {
        var values: [String: ConfigurationValue] = [:]
        let open = text.place
        text.advance()
        while !(try endsGroup("}", openedAt: open, isFirst: values.isEmpty)) {
            let start = text.place
            let key = try self.key()
            guard values[key] == nil else { throw text.fault("\"\(key.prefix(40))\" stands here twice", at: start) }
            try text.skipSpace()
            guard text.next == ":" else {
                throw text.fault("a colon is wanted after \"\(key.prefix(40))\", not \(text.shown)")
            }
            text.advance()
            try text.skipSpace()
            values[key] = try value()
        }
        return values
    }

    private mutating func key() throws(JSON5Fault) -> String {
        if text.next == "\"" || text.next == "'" { return try text.quoted() }
        let word = text.word()
        guard !word.isEmpty else { throw text.fault("a key is wanted, not \(text.shown)") }
        return word
    }

    private mutating func list() throws(JSON5Fault) -> [ConfigurationValue] {
        var values: [ConfigurationValue] = []
        let open = text.place
        text.advance()
        while !(try endsGroup("]", openedAt: open, isFirst: values.isEmpty)) { values.append(try value()) }
        return values
    }

    /// Goes on to the next member of a group, past its comma, or past the group's end. The last comma may be followed
    /// by the end.
    private mutating func endsGroup(
        _ end: Unicode.Scalar, openedAt open: Int, isFirst: Bool
    ) throws(JSON5Fault) -> Bool {
        try text.skipSpace()
        if !isFirst, text.next == "," {
            text.advance()
            try text.skipSpace()
        } else if !isFirst, let next = text.next, next != end {
            throw text.fault("a comma or \(end) is wanted, not \(text.shown)")
        }
        guard let next = text.next else {
            throw text.fault("this \(end == "}" ? "{" : "[") is never closed", at: open)
        }
        if next == end { text.advance() }
        return next == end
    }
}

/// Where a document stops being JSON5.
struct JSON5Fault: Error, Equatable, CustomStringConvertible {
    /// From 1.
    let line: Int
    /// From 1, in Unicode scalars; nil for the whole line.
    let column: Int?
    let reason: String

    var description: String { "line \(line)" + (column.map { ", column \($0)" } ?? "") + ": \(reason)" }
}
