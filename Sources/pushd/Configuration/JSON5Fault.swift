import FoundationEssentials

/// Where a document stops being JSON5, in words.
enum JSON5Fault {
    /// The decoder tells the line only in the text of an error inside its error; failing that, the end of the longest
    /// part that brackets and quotes leave intact says little, so nothing more is said.
    static func place(in bytes: [UInt8], _ error: any Error) -> String {
        guard String(validating: bytes, as: UTF8.self) != nil else { return "it is not UTF-8" }
        guard case .dataCorrupted(let context)? = error as? DecodingError else { return "it cannot be read" }
        let text = context.underlyingError.map { String(describing: $0) } ?? context.debugDescription
        // "… around line 3, column 14."
        let words = text.split(whereSeparator: { " ,.\"()".contains($0) })
        if let at = words.firstIndex(of: "line"), at + 3 < words.count, let line = Int(words[at + 1]),
            words[at + 2] == "column", let column = Int(words[at + 3])
        {
            return "look at line \(line), column \(column)"
        }
        return "it ends too early, or a bracket or quote is left open"
    }
}
