public import HTTP

/// What a registry has shown of itself by its behaviour, to be remembered for the next upload.
public enum RegistryFact: Sendable, Hashable {
    /// Whether the registry drops an upload session when a body breaks off, so that an upload resumes only after a
    /// finished chunk. False: it has kept a part of the body.
    case brokenBody(losesSession: Bool)
    /// Its `Range` names fewer bytes than it had accepted, and it takes the next chunk at the accepted offset: its
    /// `Range` can't be relied on.
    case rangeUnreliable
    /// Pieces of an upload, but the last, have to have so many bytes.
    case minimumChunk(Int64)
    /// It took so many manifests in a second, and then refused one for being too many.
    case manifestRate(Int)
    /// Bodies of more bytes are refused, by the registry or a proxy before it.
    case maximumBody(Int64)
    /// An upload takes one PATCH only.
    case secondPatchRefused
    /// The closing PUT can't bring the blob: it wants a PATCH before it.
    case wholePutRefused
    /// It is of this machine, and speaks TLS or doesn't.
    case loopbackScheme(HTTPURL.Scheme)
    /// Whether it keeps the lists of what refers to its manifests: it says so when it takes one that has a subject.
    case keepsReferrers(Bool)

    /// For the database. Stable.
    public var name: String {
        switch self {
        case .brokenBody: "broken-body-loses-session"
        case .rangeUnreliable: "range-unreliable"
        case .minimumChunk: "minimum-chunk"
        case .manifestRate: "manifest-rate"
        case .maximumBody: "maximum-body"
        case .secondPatchRefused: "second-patch-refused"
        case .wholePutRefused: "whole-put-refused"
        case .loopbackScheme: Self.loopbackSchemeName
        case .keepsReferrers: "keeps-referrers"
        }
    }

    public static let loopbackSchemeName = "loopback-scheme"

    /// For the database: a number, `yes` or `no`, or a scheme.
    public var value: String {
        switch self {
        case .maximumBody(let bytes), .minimumChunk(let bytes): String(bytes)
        case .manifestRate(let count): String(count)
        case .brokenBody(let losesSession): losesSession ? "yes" : "no"
        case .loopbackScheme(let scheme): scheme.rawValue
        case .keepsReferrers(let keeps): keeps ? "yes" : "no"
        case .rangeUnreliable, .secondPatchRefused, .wholePutRefused: "yes"
        }
    }

    /// For people, from what the database has of it; nil for what this version does not know.
    public static func explanation(name: String, value: String) -> String? {
        switch name {
        case "broken-body-loses-session":
            value == "yes"
                ? "an upload that breaks off is lost: only whole pieces can be gone on from"
                : "an upload that breaks off goes on where it broke"
        case "maximum-body": "bodies of more than \(value) bytes are refused"
        case "minimum-chunk": "pieces of an upload have \(value) bytes at least"
        case "second-patch-refused": "an upload takes one piece only"
        case "whole-put-refused": "a blob has to come before the request that closes its upload"
        case loopbackSchemeName: value == "https" ? "it speaks TLS" : "it speaks plain HTTP, and no TLS"
        case "range-unreliable": "what it says of an upload's progress is not true"
        case "keeps-referrers":
            value == "yes"
                ? "it lists by itself what refers to an image"
                : "what refers to an image is listed under a tag, which pushd writes"
        case "manifest-rate": "it takes \(value) manifests a second"
        default: nil
        }
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
        if facts["broken-body-loses-session"] == "yes" {
            // The answer that opens an upload names it, but an upload may be resumed after a restart.
            let least = facts["minimum-chunk"].flatMap(Int64.init) ?? 0
            piece = min(piece ?? .max, max(chunkSize, least))
        }
        let inPieces = facts["second-patch-refused"] == nil
        self = if let piece, inPieces, size > piece { .chunked(max(piece, 1)) } else { single }
    }
}
