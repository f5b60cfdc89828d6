extension HTTPURL {
    /// Where a `Location` found in an answer from this address leads.
    ///
    /// Path segments `.` and `..` are removed as RFC 3986 asks; the query's bytes and order stay. A reference of another
    /// scheme than http and https is refused.
    ///
    /// - Parameter location: absolute, or relative in any of the forms of RFC 3986 section 4.2; at most 8 KiB.
    /// - Throws: ``HTTPURLError`` about `location`.
    ///
    /// Source: RFC 3986, section 5.2.2, strict.
    public func resolving(_ location: String) throws(HTTPURLError) -> HTTPURL {
        try Self.checkBytes(of: location)
        let reference = location.prefix { $0 != "#" }
        if Self.hasScheme(reference) {
            let url = try HTTPURL(parsing: location)
            return url.with(target: Self.normalized(url.target[...]))
        }
        if reference.hasPrefix("//") {
            let (authority, target) = Self.splitAuthority(reference.dropFirst(2))
            let url = try HTTPURL(scheme: scheme, authority: authority, target: target, text: location)
            return url.with(target: Self.normalized(url.target[...]))
        }
        if reference.isEmpty { return self }
        if reference.hasPrefix("?") { return with(target: String(path) + reference) }
        if reference.hasPrefix("/") { return with(target: Self.normalized(reference)) }
        // Section 5.2.3: the reference replaces what follows the last slash of the path.
        let path = path
        let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return with(target: Self.normalized(Substring(String(directory) + reference)))
    }

    private func with(target: String) -> HTTPURL {
        HTTPURL(scheme: scheme, host: host, port: port, target: target)
    }

    /// Whether a colon comes before the first `/` or `?`, after a letter and letters, digits, `+`, `-`, `.` (section 3.1).
    /// What has such a colon but no scheme before it, `1:2` say, is no legal relative path either: section 4.2.
    private static func hasScheme(_ reference: Substring) -> Bool {
        reference.prefix { $0 != "/" && $0 != "?" }.utf8.contains(UInt8(ascii: ":"))
    }

    /// Path and query with the dot segments of the path removed.
    private static func normalized(_ target: Substring) -> String {
        let path = target.prefix { $0 != "?" }
        return removingDotSegments(path) + target[path.endIndex...]
    }

    /// Section 5.2.4, for a path that starts with `/`. Segments that are empty count as segments.
    private static func removingDotSegments(_ path: Substring) -> String {
        var kept: [Substring] = []
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            switch segment {
            case ".", "..":
                if segment == "..", !kept.isEmpty { kept.removeLast() }
                if index == segments.count - 1 { kept.append("") }  // "/a/b/.." is the directory "/a/"
            default:
                kept.append(segment)
            }
        }
        return "/" + kept.joined(separator: "/")
    }
}
