/// One line for a person: text with meaning, turned into colours only on the way out.
///
/// Everything printed for people goes through here, so that no text from outside reaches a terminal unchecked and
/// widths are never counted with escape codes in them.
struct Line: Sendable, Equatable, ExpressibleByStringInterpolation {
    enum Style: Sendable, Equatable {
        case plain, bold, dim, good, bad, warning, accent

        /// Parameters of the terminal's "select graphic rendition" sequence.
        fileprivate var code: String {
            switch self {
            case .plain: ""
            case .bold: "1"
            case .dim: "2"
            case .good: "32"
            case .bad: "31"
            case .warning: "33"
            case .accent: "36"
            }
        }
    }

    private struct Part: Sendable, Equatable {
        var text: String
        var style: Style
    }

    private var parts: [Part] = []

    init() {}
    init(stringLiteral text: String) { append(text) }
    init(_ text: String, _ style: Style = .plain) { append(text, style) }

    /// Adds `text` without the characters that could steer a terminal.
    mutating func append(_ text: some StringProtocol, _ style: Style = .plain) {
        let text = text.printable
        guard !text.isEmpty else { return }
        if let last = parts.last, last.style == style {
            parts[parts.count - 1].text = last.text + text
        } else {
            parts.append(Part(text: text, style: style))
        }
    }

    mutating func append(_ line: Line) { parts += line.parts }

    func appending(_ text: String, _ style: Style = .plain) -> Line {
        var line = self
        line.append(text, style)
        return line
    }

    /// Fills up with spaces to `column`.
    mutating func pad(to column: Int) {
        let missing = column - width
        if missing > 0 { append(String(repeating: " ", count: missing)) }
    }

    /// Columns on a terminal.
    var width: Int { parts.reduce(0) { $0 + $1.text.displayWidth } }

    var text: String { parts.map(\.text).joined() }

    /// At most `width` columns; what was cut is marked with `ellipsis`. No character is cut in half.
    func truncated(to width: Int, ellipsis: String = "…") -> Line {
        guard self.width > width else { return self }
        var room = width - ellipsis.displayWidth
        guard room >= 0 else { return Line() }
        var result = Line()
        for part in parts {
            var end = part.text.startIndex
            while end < part.text.endIndex, part.text[end].displayWidth <= room {
                room -= part.text[end].displayWidth
                end = part.text.index(after: end)
            }
            result.append(part.text[..<end], part.style)
            if end < part.text.endIndex { break }
        }
        result.append(ellipsis, .dim)
        return result
    }

    /// Broken at spaces into lines of at most `width` columns, a longer word where it must be; all but the first are
    /// indented.
    func wrapped(width: Int, indent: Int = 0) -> [Line] {
        var lines: [Line] = []
        var line = Line()
        let margin = String(repeating: " ", count: indent)
        let room = max(width - indent, 1)
        for word in words(atMost: room) {
            if !line.parts.isEmpty, line.width + 1 + word.width > width {
                lines.append(line)
                line = Line(margin)
                line.append(word)
            } else {
                if !line.parts.isEmpty { line.append(" ") }
                line.append(word)
            }
        }
        return lines + [line]
    }

    /// This line as a heading, and behind it `text`, broken to stay in its column.
    ///
    /// - Parameter width: columns of the terminal; nil: nothing is broken.
    func followed(by text: Line, width: Int?) -> [Line] {
        let margin = Line(String(repeating: " ", count: self.width))
        let texts = width.map { text.wrapped(width: max($0 - self.width, 20)) } ?? [text]
        return texts.enumerated().map { place, text in
            var line = place == 0 ? self : margin
            line.append(text)
            return line
        }
    }

    /// What stands between spaces, each with its styles; in pieces of at most `width` columns.
    private func words(atMost width: Int) -> [Line] {
        var words: [Line] = []
        var word = Line()
        func finish() {
            if !word.parts.isEmpty { words.append(word) }
            word = Line()
        }
        for part in parts {
            for character in part.text {
                if character == " " {
                    finish()
                } else {
                    if word.width + character.displayWidth > width { finish() }
                    word.append(String(character), part.style)
                }
            }
        }
        finish()
        return words
    }

    /// - Parameter color: whether styles become escape sequences.
    func rendered(color: Bool) -> String {
        guard color else { return text }
        return parts.map { $0.style == .plain ? $0.text : "\u{1B}[\($0.style.code)m\($0.text)\u{1B}[0m" }.joined()
    }
}

extension StringProtocol {
    /// At most `width` columns, cut in the middle: of a destination the registry and the tag say most.
    func cutInTheMiddle(width: Int, ellipsis: String = "…") -> String {
        guard displayWidth > width else { return String(self) }
        let room = width - ellipsis.displayWidth
        guard room > 0 else { return "" }
        let tail = end(width: room - room * 2 / 5)
        let head = beginning(width: room - tail.displayWidth)
        return head + ellipsis + tail
    }

    private func beginning(width: Int) -> SubSequence {
        var (room, place) = (width, startIndex)
        while place < endIndex, self[place].displayWidth <= room {
            room -= self[place].displayWidth
            place = index(after: place)
        }
        return self[..<place]
    }

    private func end(width: Int) -> SubSequence {
        var (room, place) = (width, endIndex)
        while place > startIndex {
            let before = index(before: place)
            guard self[before].displayWidth <= room else { break }
            room -= self[before].displayWidth
            place = before
        }
        return self[place...]
    }

    /// Cut into lines of at most `width` columns, at spaces where there are any.
    func wrapped(width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ") {
            var word = Substring(word)
            if !line.isEmpty, line.displayWidth + 1 + word.displayWidth > width {
                lines.append(line)
                line = ""
            }
            while line.isEmpty, word.displayWidth > width {
                var (room, end) = (width, word.startIndex)
                while end < word.endIndex, word[end].displayWidth <= room {
                    room -= word[end].displayWidth
                    end = word.index(after: end)
                }
                guard end > word.startIndex else { break }
                lines.append(String(word[..<end]))
                word = word[end...]
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        if !line.isEmpty || lines.isEmpty { lines.append(line) }
        return lines
    }
}
