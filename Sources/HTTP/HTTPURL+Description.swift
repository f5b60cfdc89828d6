extension HTTPURL: CustomStringConvertible, CustomReflectable {
    /// Query items of the registry protocol, whose values hold no secret.
    private static let shownItems: Set<Substring> = ["digest", "mount", "from", "scope", "service", "n", "last"]

    /// For logs and errors: all values of the query but the protocol's own are `…`, and so is what is very long.
    public var description: String {
        var text = origin.description + shortened(path, to: 512)
        if let query {
            let items = query.split(separator: "&", omittingEmptySubsequences: true).prefix(16).map(shown)
            text += "?" + items.joined(separator: "&")
        }
        return text
    }

    /// What `dump` and the default descriptions of types around it show.
    public var customMirror: Mirror { Mirror(self, children: ["url": description], displayStyle: .struct) }

    private func shown(_ item: Substring) -> String {
        guard let equals = item.firstIndex(of: "=") else { return "…" }
        let name = item[..<equals]
        let value = item[item.index(after: equals)...]
        return shortened(name, to: 40) + "=" + (Self.shownItems.contains(name) ? shortened(value, to: 256) : "…")
    }
}

/// At most `limit` characters, the last one `…` if there were more.
func shortened(_ text: some StringProtocol, to limit: Int) -> String {
    text.count <= limit ? String(text) : text.prefix(limit - 1) + "…"
}
