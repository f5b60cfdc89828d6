/// A pattern for image names: `*` stands for any characters but `/`, `**` for any at all, `?` for one but `/`.
public struct Glob: Sendable, Hashable, CustomStringConvertible {
    private enum Piece: Hashable {
        case byte(UInt8)
        case one, many, manyAcrossSlashes
    }

    public let description: String
    private let pieces: [Piece]

    /// - Returns: nil for an empty pattern or one of more than 512 bytes.
    public init?(_ pattern: String) {
        guard !pattern.isEmpty, pattern.utf8.count <= 512 else { return nil }
        description = pattern
        var pieces: [Piece] = []
        for byte in pattern.utf8 {
            switch byte {
            case UInt8(ascii: "*"):
                if pieces.last == .many {
                    pieces[pieces.count - 1] = .manyAcrossSlashes
                } else if pieces.last != .manyAcrossSlashes {
                    pieces.append(.many)
                }
            case UInt8(ascii: "?"): pieces.append(.one)
            default: pieces.append(.byte(byte))
            }
        }
        self.pieces = pieces
    }

    /// Whether the whole of `text` fits. Time is at most the product of both lengths, for every pattern.
    public func matches(_ text: String) -> Bool {
        // reachable[i]: the pieces so far can end just before byte i.
        let bytes = Array(text.utf8)
        var reachable = [Bool](repeating: false, count: bytes.count + 1)
        reachable[0] = true
        for piece in pieces {
            var next = [Bool](repeating: false, count: bytes.count + 1)
            switch piece {
            case .byte(let wanted):
                for place in bytes.indices where reachable[place] && bytes[place] == wanted { next[place + 1] = true }
            case .one:
                for place in bytes.indices where reachable[place] && bytes[place] != UInt8(ascii: "/") {
                    next[place + 1] = true
                }
            case .many, .manyAcrossSlashes:
                for place in 0...bytes.count {
                    let carried =
                        place > 0 && next[place - 1] && (piece == .manyAcrossSlashes || bytes[place - 1] != 0x2F)
                    next[place] = reachable[place] || carried
                }
            }
            reachable = next
        }
        return reachable[bytes.count]
    }
}
