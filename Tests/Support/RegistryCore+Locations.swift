internal import FoundationEssentials
internal import OCI
internal import Synchronization

/// Where an upload goes on: the locations that are handed out, and what becomes of stale ones.
///
/// Source: the upload handlers of distribution 2.8 and 3, which seal the offset into the location.
extension RegistryCore {
    /// The query of a new location. Escapes and an item behind it show a client that re-encodes or sorts.
    private func seal(_ id: String, _ offset: Int64) -> String {
        let secret = Data("\(id)#\(offset)#\(UInt64.random(in: 0...(.max)))".utf8).base64EncodedString()
        let escaped = secret.replacing("+", with: "%2B").replacing("/", with: "%2f").replacing("=", with: "%3D")
        return "_state=\(escaped)&Part=~1"
    }

    /// `Location` and `Range` after anything that leaves the session open.
    func sessionHeaders(_ call: RegistryCall, _ id: String) -> [(String, String)] {
        guard let session = state.withLock({ $0.sessions[id] }) else { return [] }
        let size = session.data.size
        var target = "/v2/\(session.repository)/blobs/uploads/\(id)"
        if case .notSealed = profile.staleOffset {
        } else {
            let query = seal(id, size)
            state.withLock { $0.sealed[query] = (id, size) }
            target += "?" + query
        }
        let location =
            switch profile.location {
            case .relative: target
            case .absolute: "http://\(call.host)\(target)"
            case .otherScheme: "https://\(call.host)\(target)"
            case .otherHost(let host): "http://\(Self.authority(call, host: host))\(target)"
            }
        var headers = [("Location", location)]
        if let range = range(session) { headers.append(("Range", range)) }
        if case .held = profile.range { state.withLock { $0.sessions[id]?.told = size } }
        return headers
    }

    private func range(_ session: RegistryState.Session) -> String? {
        let last = max(session.data.size - 1, 0)
        switch profile.range {
        case .held: return "0-\(last)"
        case .firstChunk: return "0-\(max((session.firstChunkEnd ?? 1) - 1, 0))"
        case .lastChunk:
            guard let chunk = session.lastChunk, !chunk.isEmpty else { return "0-\(last)" }
            return "\(chunk.lowerBound)-\(chunk.upperBound - 1)"
        case .absent: return nil
        }
    }

    /// - Returns: the refusal of a location that is stale or was never handed out.
    func checkLocation(_ call: RegistryCall, _ id: String) -> Answer? {
        if case .notSealed = profile.staleOffset { return nil }
        let query = call.head.target.drop { $0 != "?" }.dropFirst()
        let items = query.split(separator: "&").filter { !$0.hasPrefix("digest=") }.joined(separator: "&")
        let (session, sealed) = state.withLock { ($0.sessions[id], $0.sealed[items]) }
        guard let sealed, sealed.upload == id else {
            if case .refused = profile.staleOffset, call.head.method == "GET", items.isEmpty { return nil }
            if session != nil { violate(.alteredLocation, call, "this location was not handed out") }
            return .refusal(404, "BLOB_UPLOAD_INVALID", "invalid secret")
        }
        guard let session else { return nil }
        guard sealed.offset != session.data.size else { return nil }
        switch profile.staleOffset {
        case .notSealed: return nil
        case .lost: return .refusal(404, "BLOB_UPLOAD_INVALID", "blob upload invalid")
        case .refused:
            if call.head.method == "GET" || call.head.method == "DELETE" { return nil }
            return .refusal(416, "RANGE_INVALID", "invalid content range")
        }
    }

    /// The authority under which `call` would have come in by another of this machine's names.
    static func authority(_ call: RegistryCall, host: String) -> String {
        host + call.host[(call.host.lastIndex(of: ":") ?? call.host.endIndex)...]
    }
}
