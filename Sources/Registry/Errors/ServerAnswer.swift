internal import FoundationEssentials
internal import HTTP
internal import OCI

/// An answer that did not do what was asked, as far as it can be understood, and bounded.
///
/// Read leniently: `message` and `detail` are optional, and `detail` may be any JSON.
///
/// Source: OCI distribution-spec 1.1, "Error Codes".
struct ServerAnswer: Sendable {
    let status: Int
    /// The code of the error that says most, at most 80 characters; to decide by, not to be shown.
    let code: String?
    /// The content that the registry names as missing.
    let unknownContent: [Digest]
    /// The messages of all errors and what `detail` adds in words; of a web page its title. At most 500 characters; to
    /// decide by, not to be shown.
    let message: String?
    /// The same without the secrets that the request was sent with; nil where ``elsewhere`` says it.
    let shownCode, shownMessage: String?
    /// Whether the answer comes from a registry: its error form, or the header that names the protocol.
    let isFromRegistry: Bool
    /// Whether it is a page for people: a proxy, a portal, a web server.
    let isPage: Bool
    /// The proxy that may have made the answer, where nothing in it shows that a registry did.
    let proxy: ProxyName?
    /// The server that the registry sent us to, where this is its answer.
    let elsewhere: HTTPOrigin?
    let requestID: String?
    let retryAfter: Duration?
    /// Whether it has a `WWW-Authenticate` header.
    let hasChallenge: Bool

    /// - Parameter now: seconds since 1970, for a `Retry-After` that is a date where the answer has no `Date`; nil: by
    ///   this machine's clock.
    init(_ response: HTTPResponse, now: Int64? = nil) {
        status = response.status
        let type = (response.headers["Content-Type"] ?? "").lowercased()
        let text = String(decoding: response.body.prefix(64 << 10), as: UTF8.self)
        let isPage = Self.isPage(response)
        let document = isPage ? nil : Self.parse(response.body)
        let secrets = EchoedSecrets(response)
        elsewhere = response.redirectedFrom.flatMap { $0 == response.url.origin ? nil : response.url.origin }
        // What a server says that the registry led to is not shown: the caller chose the registry, not that server.
        let isShown = elsewhere == nil
        func shown(_ text: String, limit: Int) -> String { Self.shown(secrets.removed(from: text), limit: limit) }
        let decisive = ErrorCode.mostSpecific(document?.errors.compactMap(\.code) ?? [])
        code = decisive.map { Self.shown($0, limit: 80) }
        shownCode = isShown ? decisive.map { shown($0, limit: 80) } : nil
        unknownContent =
            !isShown ? [] : document?.errors.filter { ErrorCode.isOfMissingContent($0.code) }.flatMap(\.digests) ?? []
        let says = document.map(\.text) ?? (isPage ? Self.title(of: text) : Self.plain(text, type: type))
        message = says.flatMap { $0.isEmpty ? nil : Self.shown($0, limit: 500) }
        shownMessage = isShown ? says.flatMap { $0.isEmpty ? nil : shown($0, limit: 500) } : nil
        isFromRegistry =
            document?.errors.isEmpty == false
            || response.headers["Docker-Distribution-Api-Version"]?.hasPrefix("registry/2.") == true
        self.isPage = isPage
        proxy = isFromRegistry ? nil : response.proxy
        requestID = ["X-Request-Id", "x-amzn-RequestId", "X-GitHub-Request-Id", "cf-ray", "X-Correlation-Id"].lazy
            .compactMap { isShown ? response.headers[$0] : nil }.first.map { shown($0, limit: 100) }
        let date = response.headers["Date"].flatMap(WireDate.http) ?? now ?? Int64(Date().timeIntervalSince1970)
        retryAfter =
            WireDate.retryAfter(response.headers["Retry-After"], now: date)
            ?? ([403, 429, 503].contains(status) ? message.flatMap(WaitInWords.init)?.duration : nil)
        hasChallenge = response.headers["WWW-Authenticate"] != nil
    }

    /// Whether an answer is a page for people.
    static func isPage(_ response: HTTPResponse) -> Bool {
        if (response.headers["Content-Type"] ?? "").lowercased().hasPrefix("text/html") { return true }
        let start = response.body.prefix(512).drop { $0 <= 0x20 }.prefix(15)
        let text = String(decoding: start, as: UTF8.self).lowercased()
        return text.hasPrefix("<!doctype html") || text.hasPrefix("<html")
    }

    /// Whether any of `words`, in lower case, is in what the registry says.
    func says(_ words: String...) -> Bool {
        guard let message = message?.lowercased() else { return false }
        return words.contains { message.contains($0) }
    }

    /// Whether it refuses a name for its algorithm: manifests have sha256 digests at nearly all registries.
    ///
    /// distribution answers 400 `DIGEST_INVALID` (distribution/distribution#4420).
    func refusesAlgorithm(of digest: Digest?) -> Bool {
        guard let digest, digest.algorithm != .sha256 else { return false }
        return [400, 404, 405, 501].contains(status) && ["DIGEST_INVALID", "UNSUPPORTED"].contains(code)
    }

    /// Safe to show: on one line, without control characters.
    static func shown(_ text: String, limit: Int) -> String {
        var shown = ""
        var length = 0
        for scalar in text.unicodeScalars {
            guard length < limit else { return shown + "…" }
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator:
                guard shown.last != " ", !shown.isEmpty else { continue }
                shown.append(" ")
            case .format, .surrogate, .privateUse, .unassigned: continue
            default: shown.unicodeScalars.append(scalar)
            }
            length += 1
        }
        while shown.last == " " { shown.removeLast() }
        return shown
    }

    private static func title(of page: String) -> String? {
        let lowered = page.lowercased()
        guard lowered.utf8.count == page.utf8.count, let start = lowered.firstRange(of: "<title>"),
            let end = lowered[start.upperBound...].firstRange(of: "</title>")
        else { return nil }
        return String(
            decoding: Array(
                page.utf8.dropFirst(
                    lowered.utf8.distance(
                        from: lowered.startIndex, to: start.upperBound)
                ).prefix(
                    lowered.utf8.distance(
                        from: start.upperBound, to: end.lowerBound))), as: UTF8.self)
    }

    /// Plain words, as Go's servers and proxies answer; binary content says nothing.
    private static func plain(_ text: String, type: String) -> String? {
        type.hasPrefix("text/plain") || type.isEmpty ? text : nil
    }

    // MARK: - JSON

    private static func parse(_ body: [UInt8]) -> Document? {
        guard body.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else { return nil }
        return try? JSONDecoder().decode(Document.self, from: Data(body))
    }

    private struct Document: Decodable {
        var errors: [Entry] = []
        var message: String?

        private enum Key: String, CodingKey { case errors, message, error }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            let lenient = (try? container.decode([Lenient].self, forKey: .errors)) ?? []
            errors = lenient.compactMap(\.entry)
            message =
                (try? container.decode(String.self, forKey: .message))
                ?? (try? container.decode(String.self, forKey: .error))
        }

        var text: String {
            guard !errors.isEmpty else { return message ?? "" }
            return errors.prefix(10).map(\.text).filter { !$0.isEmpty }.joined(separator: "; ")
        }
    }

    private struct Lenient: Decodable {
        let entry: Entry?
        init(from decoder: any Decoder) throws { entry = try? Entry(from: decoder) }
    }

    private struct Entry: Decodable {
        let code: String?
        let text: String

        /// Those that the words name.
        var digests: [Digest] {
            text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == ":")) }
                .compactMap { try? Digest(parsing: String($0)) }
        }

        private enum Key: String, CodingKey {
            case code, message, detail, description, reason, digest
            case capitalDetail = "Detail"
            case capitalDigest = "Digest"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            code = try? container.decode(String.self, forKey: .code)
            var parts: [String] = []
            func add(_ text: String?) {
                if let text, !text.isEmpty, !parts.contains(text) { parts.append(text) }
            }
            add(try? container.decode(String.self, forKey: .message))
            add(try? container.decode(String.self, forKey: .detail))
            if let detail = try? container.nestedContainer(keyedBy: Key.self, forKey: .detail) {
                for key in [Key.message, .description, .reason, .digest, .capitalDigest, .detail, .capitalDetail] {
                    add(try? detail.decode(String.self, forKey: key))
                }
            }
            text = parts.joined(separator: ": ")
        }
    }
}
