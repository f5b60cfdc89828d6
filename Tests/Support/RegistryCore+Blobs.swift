internal import OCI
internal import Synchronization

/// Blobs that are stored, and the list of tags.
extension RegistryCore {
    func blob(_ call: RegistryCall, _ repository: String, _ digest: Digest) -> Answer? {
        let method = call.head.method
        guard method == "GET" || method == "HEAD" else { return nil }
        if method == "HEAD", !profile.answersHead { return .refusal(405, "UNSUPPORTED") }
        let stored = state.withLock { state -> BlobData? in
            guard state.repositories[repository]?.blobs.contains(digest) == true,
                state.look(repository, digest.description)
            else { return nil }
            return state.blobs[digest]
        }
        var headers = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes")]
        if profile.sendsDigestHeader { headers.append(("Docker-Content-Digest", digest.description)) }
        guard let stored else {
            if let size = call.claimedSize, method == "HEAD" {
                state.withLock { _ = $0.lost.insert(digest) }
                return Answer(200, headers: headers, body: .absent(length: size))
            }
            return .refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        }
        let size = stored.size
        if method == "HEAD" { return Answer(200, headers: headers, body: .absent(length: size)) }
        guard let range = call.head.header("Range") else {
            return Answer(200, headers: headers, body: Self.content(stored, 0..<size))
        }
        guard let wanted = Self.byteRange(range, size: size) else {
            return .refusal(416, "RANGE_INVALID", headers: [("Content-Range", "bytes */\(size)")])
        }
        headers.append(("Content-Range", "bytes \(wanted.lowerBound)-\(wanted.upperBound - 1)/\(size)"))
        return Answer(206, headers: headers, body: Self.content(stored, wanted))
    }

    private static func content(_ data: BlobData, _ range: Range<Int64>) -> Answer.Body {
        let length = range.upperBound - range.lowerBound
        return .stream(length: length) { send in
            try data.read(from: range.lowerBound, length: length, send)
        }
    }

    /// One `bytes=a-b`, `bytes=a-` or `bytes=-n`.
    ///
    /// Source: RFC 9110, 14.1.2.
    private static func byteRange(_ text: String, size: Int64) -> Range<Int64>? {
        guard text.hasPrefix("bytes="), size > 0 else { return nil }
        let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2 else { return nil }
        if ends[0].isEmpty {
            guard let count = Int64(ends[1]), count > 0 else { return nil }
            return max(0, size - count)..<size
        }
        guard let first = Int64(ends[0]), (0..<size).contains(first) else { return nil }
        if ends[1].isEmpty { return first..<size }
        guard let last = Int64(ends[1]), last >= first else { return nil }
        return first..<min(last, size - 1) + 1
    }

    /// Pages by name; a `Link` while there is more.
    func tags(_ call: RegistryCall, _ repository: String) -> Answer {
        guard let all = state.withLock({ $0.repositories[repository]?.tags.keys.sorted() }) else {
            return .refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
        }
        let last = call.head.query("last") ?? ""
        var page = all.filter { $0 > last }
        var headers = [("Content-Type", "application/json")]
        if let text = call.head.query("n"), let count = Int(text), count >= 0, count < page.count {
            page = Array(page.prefix(count))
            if let end = page.last {
                headers.append(("Link", "</v2/\(repository)/tags/list?last=\(end)&n=\(count)>; rel=\"next\""))
            }
        }
        let list = page.map { "\"\($0)\"" }.joined(separator: ",")
        return Answer(200, headers: headers, #"{"name":"\#(repository)","tags":[\#(list)]}"#)
    }
}
