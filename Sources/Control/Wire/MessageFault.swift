/// Why some bytes are no Varlink message.
enum MessageFault: Error, Equatable, CustomStringConvertible {
    case tooLong(limit: Int)
    case notUTF8
    /// The offset is in bytes, from the message's start.
    case notJSON(offset: Int)
    case notAnObject
    case tooDeep(limit: Int)
    case duplicate(key: String)
    case missing(key: String)
    case wrongType(key: String)
    case contradiction

    var description: String {
        switch self {
        case .tooLong(let limit): "it is longer than \(limit) bytes"
        case .notUTF8: "it is not UTF-8"
        case .notJSON(let offset): "it is not JSON at byte \(offset)"
        case .notAnObject: "it is not a JSON object"
        case .tooDeep(let limit): "it is nested deeper than \(limit) levels"
        case .duplicate(let key): "it has the key '\(shortened(key))' twice"
        case .missing(let key): "it has no '\(key)'"
        case .wrongType(let key): "its '\(key)' is of the wrong type"
        case .contradiction: "it asks for 'oneway' and 'more' at once"
        }
    }
}

/// Text from outside as it may be shown: at most 200 characters, control characters replaced.
func shortened(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(200).map {
        $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "\u{FFFD}" : $0
    }
    var result = ""
    result.unicodeScalars.append(contentsOf: shown)
    return result.unicodeScalars.count < text.unicodeScalars.count ? result + "…" : result
}
