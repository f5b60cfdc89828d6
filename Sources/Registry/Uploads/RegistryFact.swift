/// What a registry has shown of itself by its behaviour, to be remembered for the next upload.
public enum RegistryFact: Sendable, Hashable {
    /// An upload whose body broke off is gone, so that only finished chunks can be gone on from.
    case brokenBodyLosesSession
    /// Bodies of more bytes are refused, by the registry or a proxy before it.
    case maximumBody(Int64)
    /// An upload takes one PATCH only.
    case secondPatchRefused
    /// The closing PUT can't bring the blob: it wants a PATCH before it.
    case wholePutRefused

    /// For the database. Stable.
    public var name: String {
        switch self {
        case .brokenBodyLosesSession: "broken-body-loses-session"
        case .maximumBody: "maximum-body"
        case .secondPatchRefused: "second-patch-refused"
        case .wholePutRefused: "whole-put-refused"
        }
    }

    /// For the database: the number of bytes, or `yes`.
    public var value: String {
        if case .maximumBody(let bytes) = self { return String(bytes) }
        return "yes"
    }
}

/// How the bytes of a blob are to be sent.
public enum UploadStyle: Sendable, Hashable {
    /// In the closing PUT: two requests for a blob, with the POST.
    case whole
    /// In one PATCH, then an empty PUT.
    case patched
    /// In PATCHes of so many bytes, then an empty PUT; a blob that fits into one goes whole.
    case chunked(Int64)

    /// What suits a blob at a registry of which `facts` are known, by ``RegistryFact/name`` and ``RegistryFact/value``.
    ///
    /// - Parameters:
    ///   - size: the blob's, in bytes.
    ///   - chunkSize: what to lose at most, in bytes, where a broken body loses the whole session.
    public init(size: Int64, chunkSize: Int64, facts: [String: String]) {
        let single: UploadStyle = facts["whole-put-refused"] == nil ? .whole : .patched
        let maximum = facts["maximum-body"].flatMap(Int64.init).flatMap { $0 > 0 ? $0 : nil }
        var piece = maximum
        if facts["broken-body-loses-session"] != nil { piece = min(piece ?? chunkSize, chunkSize) }
        let inPieces = facts["second-patch-refused"] == nil
        self = if let piece, inPieces, size > piece { .chunked(max(piece, 1)) } else { single }
    }
}
