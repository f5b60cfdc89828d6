/// The characters of a JSON5 document, and the reading of its smallest parts: spaces, words, numbers and texts.
struct JSON5Text {
    private let scalars: [Unicode.Scalar]
    /// What is read next.
    private(set) var place = 0

    /// - Throws: ``JSON5Fault`` with the line that is not UTF-8.
    init(_ bytes: [UInt8]) throws(JSON5Fault) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
            throw JSON5Fault(line: line + 1, column: nil, reason: "it is not UTF-8")
        }
        scalars = Array(text.unicodeScalars)
    }

    var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }
    mutating func advance() { place += 1 }

    /// What is next, for messages.
    var shown: String {
        guard let next else { return "the end" }
        return next.properties.generalCategory == .control ? "a control character" : "\"\(next)\""
    }

    /// A fault with its place; without one, what is next is at fault.
    func fault(_ reason: String, at fault: Int? = nil) -> JSON5Fault {
        var (line, start) = (1, 0)
        let end = min(fault ?? place, scalars.count)
        for index in 0..<end where scalars[index] == "\n" || (scalars[index] == "\r" && !isNewline(after: index)) {
            line += 1
            start = index + 1
        }
        return JSON5Fault(line: line, column: end - start + 1, reason: reason)
    }

    private func isNewline(after index: Int) -> Bool { index + 1 < scalars.count && scalars[index + 1] == "\n" }

    /// Spaces, line ends and comments.
    mutating func skipSpace() throws(JSON5Fault) {
        while let next {
            if next == "/" {
                try skipComment()
            } else if next.properties.isWhitespace || next == "\u{FEFF}" {
                place += 1
            } else if next == "#" {
                throw fault("a comment begins with //, not #")
            } else {
                return
            }
        }
    }

    private mutating func skipComment() throws(JSON5Fault) {
        let start = place
        place += 1
        if next == "/" {
            while let next, !Self.lineEnds.contains(next) { place += 1 }
        } else if next == "*" {
            place += 1
            while next != nil, next != "*" || place + 1 >= scalars.count || scalars[place + 1] != "/" { place += 1 }
            guard next != nil else { throw fault("this comment is never closed", at: start) }
            place += 2
        } else {
            throw fault("a comment begins with // or /*", at: start)
        }
    }

    private static let lineEnds: [Unicode.Scalar] = ["\n", "\r", "\u{2028}", "\u{2029}"]

    /// A key without quotes, or one of JSON5's own words; empty where there is none.
    mutating func word() -> String {
        var word = String.UnicodeScalarView()
        while let next,
            next == "$" || next == "_" || next.properties.isIDStart || (!word.isEmpty && next.properties.isIDContinue)
        {
            word.append(next)
            place += 1
        }
        return String(word)
    }

    // MARK: Numbers

    mutating func number() throws(JSON5Fault) -> Double {
        let start = place
        var digits = ""
        while let next, next.isASCII, next.properties.isAlphabetic || "0123456789+-.".unicodeScalars.contains(next) {
            digits.unicodeScalars.append(next)
            place += 1
        }
        guard let value = Self.value(of: digits) else {
            throw fault("\"\(digits.prefix(40))\" is not a number", at: start)
        }
        return value
    }

    private static func value(of text: String) -> Double? {
        let isNegative = text.hasPrefix("-")
        let rest = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
        guard let magnitude = magnitude(of: rest) else { return nil }
        return isNegative ? -magnitude : magnitude
    }

    private static func magnitude(of text: Substring) -> Double? {
        if text == "Infinity" { return .infinity }
        if text == "NaN" { return .nan }
        if text.hasPrefix("0x") || text.hasPrefix("0X") {
            let digits = text.dropFirst(2)
            guard digits.allSatisfy(\.isHexDigit) else { return nil }
            return UInt64(digits, radix: 16).map { Double($0) }
        }
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        func isDigits(_ text: Substring) -> Bool { text.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard mantissa.count <= 2, mantissa.allSatisfy(isDigits), mantissa.contains(where: { !$0.isEmpty }) else {
            return nil
        }
        // 010 is eight to some and ten to others.
        guard mantissa[0].count <= 1 || !mantissa[0].hasPrefix("0") else { return nil }
        var exponent = ""
        if parts.count == 2 {
            let digits = parts[1].hasPrefix("+") || parts[1].hasPrefix("-") ? parts[1].dropFirst() : parts[1]
            guard !digits.isEmpty, isDigits(digits) else { return nil }
            exponent = "e" + parts[1]
        }
        let fraction = mantissa.count == 2 && !mantissa[1].isEmpty ? mantissa[1] : "0"
        return Double("\(mantissa[0].isEmpty ? "0" : mantissa[0]).\(fraction)\(exponent)") ?? .infinity
    }

    // MARK: Texts

    /// A text in single or double quotes.
    mutating func quoted() throws(JSON5Fault) -> String {
        let start = place
        let quote = next
        var text = String.UnicodeScalarView()
        place += 1
        while let next, next != quote {
            guard next != "\n", next != "\r" else { break }
            let at = place
            var scalar = next
            if next == "\\" {
                guard let meant = try escaped() else { continue }
                scalar = meant
            } else {
                place += 1
            }
            guard scalar.properties.generalCategory != .control else {
                throw fault("a control character in a text", at: at)
            }
            text.append(scalar)
        }
        guard next == quote else { throw fault("this quote is not closed on its line", at: start) }
        place += 1
        return String(text)
    }

    /// - Returns: nil for a line that goes on.
    private mutating func escaped() throws(JSON5Fault) -> Unicode.Scalar? {
        let start = place
        place += 1
        guard let mark = next else { return nil }
        place += 1
        switch mark {
        case "\n", "\u{2028}", "\u{2029}": return nil
        case "\r":
            if next == "\n" { place += 1 }
            return nil
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{B}"
        case "0": return "\0"
        case "1"..."9": throw fault("\\\(mark) means nothing in a text", at: start)
        case "x":
            guard let code = hexadecimal(2) else { throw fault("\\x is followed by two hexadecimal digits", at: start) }
            return Unicode.Scalar(code)
        case "u": return try unicode(start)
        default: return mark
        }
    }

    /// `\uXXXX`, or two of them that make one character.
    private mutating func unicode(_ start: Int) throws(JSON5Fault) -> Unicode.Scalar {
        guard let first = hexadecimal(4) else { throw fault("\\u is followed by four hexadecimal digits", at: start) }
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, next == "\\", place + 1 < scalars.count, scalars[place + 1] == "u" else {
            throw fault("half a surrogate pair", at: start)
        }
        place += 2
        guard let second = hexadecimal(4), (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw fault("half a surrogate pair", at: start) }
        return scalar
    }

    private mutating func hexadecimal(_ count: Int) -> UInt32? {
        guard place + count <= scalars.count else { return nil }
        let digits = scalars[place..<place + count]
        guard digits.allSatisfy({ $0.isASCII && $0.properties.isASCIIHexDigit }) else { return nil }
        place += count
        return UInt32(String(String.UnicodeScalarView(digits)), radix: 16)
    }
}
