/// Finds the address of the next page in `Link` headers.
///
/// Several links may share one header, separated by commas; parameters may be quoted or not, and `rel` may hold several
/// words. Some registries leave out the `<` and `>` around the address. What cannot be read is passed over.
///
/// Source: RFC 8288, section 3.
enum LinkHeader {
    /// The target of the first link whose `rel` names `next`, as it stands there.
    static func next(in values: [String]) -> String? {
        for value in values {
            var rest = Substring(value)
            while let target = takeTarget(&rest) {
                let parameters = takeParameters(&rest)
                let isNext = parameters.contains { $0.name == "rel" && $0.value.split(separator: " ").contains("next") }
                if isNext, !target.isEmpty {
                    return String(target)
                }
            }
        }
        return nil
    }

    /// What stands between `<` and `>`, or before the first `;` where the brackets are left out; nil at the end.
    private static func takeTarget(_ rest: inout Substring) -> Substring? {
        rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
        guard let first = rest.first else { return nil }
        if first == "<" {
            guard let close = rest.firstIndex(of: ">") else { return nil }
            defer { rest = rest[rest.index(after: close)...] }
            return rest[rest.index(after: rest.startIndex)..<close]
        }
        let target = rest.prefix { $0 != ";" }
        rest = rest[target.endIndex...]
        return target.prefix { $0 != " " && $0 != "\t" }
    }

    /// The parameters up to the comma that ends a link, names and values in lower case.
    private static func takeParameters(_ rest: inout Substring) -> [(name: String, value: String)] {
        var parameters: [(String, String)] = []
        var text = ""
        var isQuoted = false
        func end() {
            let parts = text.split(separator: "=", maxSplits: 1).map { $0.lowercased().filter { $0 != "\"" } }
            if parts.count == 2 { parameters.append((trimmed(parts[0]), trimmed(parts[1]))) }
            text = ""
        }
        while let character = rest.popFirst() {
            if character == "\"" { isQuoted.toggle() }
            if !isQuoted, character == "," { break }
            if !isQuoted, character == ";" { end() } else { text.append(character) }
        }
        end()
        return parameters
    }

    private static func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
