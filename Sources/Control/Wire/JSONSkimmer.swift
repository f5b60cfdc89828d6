internal import FoundationEssentials

/// Walks over a JSON text once, holds it against the grammar, and tells where the members of its object stand.
///
/// The decoder of the method's own parameters runs only on what has passed here: a message from a stranger is bounded in
/// depth, has no key twice and nothing behind its end. It also saves decoding the envelope as a tree.
///
/// Source: RFC 8259.
struct JSONSkimmer {
    struct Member: Equatable {
        let key: String
        /// In bytes.
        let value: Range<Int>
    }

    private let bytes: UnsafeRawBufferPointer
    private let depthLimit: Int
    private var at = 0

    /// The members of the object that `bytes` hold, in their order.
    static func members(
        of bytes: UnsafeRawBufferPointer, depthLimit: Int
    ) throws(MessageFault) -> [Member] {
        guard isUTF8(bytes) else { throw .notUTF8 }
        var skimmer = JSONSkimmer(bytes: bytes, depthLimit: depthLimit)
        skimmer.skipSpace()
        guard skimmer.next == UInt8(ascii: "{") else {
            throw skimmer.next == nil ? .notJSON(offset: skimmer.at) : .notAnObject
        }
        var members: [Member] = []
        var seen: Set<String> = []  // a search in the list would take seconds for a message full of names
        try skimmer.object(depth: 1) { key, value throws(MessageFault) in
            let key = try string(bytes, key)
            guard seen.insert(key).inserted else { throw .duplicate(key: key) }
            members.append(Member(key: key, value: value))
        }
        skimmer.skipSpace()
        guard skimmer.at == bytes.count else { throw .notJSON(offset: skimmer.at) }
        return members
    }

    /// The text of the string that stands, with its quotes, at `range`.
    static func string(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(MessageFault) -> String {
        let inside = bytes[range].dropFirst().dropLast()
        guard inside.contains(UInt8(ascii: "\\")) else { return String(decoding: inside, as: UTF8.self) }
        // Escapes in keys are allowed and never seen; lone surrogates are not text.
        guard let text = try? JSONDecoder().decode(String.self, from: Data(bytes[range])) else {
            throw .notJSON(offset: range.lowerBound)
        }
        return text
    }

    private init(bytes: UnsafeRawBufferPointer, depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    private static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var all: UInt8 = 0
        for byte in bytes { all |= byte }
        return all < 0x80 || String(validating: bytes, as: UTF8.self) != nil
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private var fault: MessageFault { .notJSON(offset: at) }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func object(
        depth: Int, _ member: (_ key: Range<Int>, _ value: Range<Int>) throws(MessageFault) -> Void
    ) throws(MessageFault) {
        guard depth <= depthLimit else { throw .tooDeep(limit: depthLimit) }
        at += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            let key = at
            guard next == UInt8(ascii: "\"") else { throw fault }
            try string()
            let keyEnd = at
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault }
            skipSpace()
            let value = at
            try self.value(depth: depth)
            try member(key..<keyEnd, value..<at)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw fault }
    }

    private mutating func array(depth: Int) throws(MessageFault) {
        guard depth <= depthLimit else { throw .tooDeep(limit: depthLimit) }
        at += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        repeat {
            skipSpace()
            try value(depth: depth)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw fault }
    }

    private mutating func value(depth: Int) throws(MessageFault) {
        switch next {
        case UInt8(ascii: "{"): try object(depth: depth + 1) { _, _ in }
        case UInt8(ascii: "["): try array(depth: depth + 1)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
    }

    private mutating func word(_ word: StaticString) throws(MessageFault) {
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else { throw fault }
        }
    }

    private mutating func string() throws(MessageFault) {
        at += 1
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return
            case UInt8(ascii: "\\"):
                at += 1
                try escape()
            case 0..<0x20: throw fault
            default: at += 1
            }
        }
        throw fault
    }

    private mutating func escape() throws(MessageFault) {
        guard let byte = next else { throw fault }
        switch byte {
        case UInt8(ascii: "u"):
            at += 1
            for _ in 0..<4 {
                guard let digit = next, isHexDigit(digit) else { throw fault }
                at += 1
            }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 1
        default: throw fault
        }
    }

    private mutating func number() throws(MessageFault) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
    }

    private mutating func digits() throws(MessageFault) {
        let start = at
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
        guard at > start else { throw fault }
    }

    private func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
