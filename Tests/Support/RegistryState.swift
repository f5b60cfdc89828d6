internal import OCI

/// Everything that a test registry holds, guarded by one lock. Blobs' bytes have their own.
struct RegistryState: Sendable {
    struct StoredManifest: Sendable {
        let bytes: [UInt8]
        let mediaType: String
    }

    struct Repository: Sendable {
        var blobs: Set<Digest> = []
        var manifests: [Digest: StoredManifest] = [:]
        var tags: [String: Digest] = [:]
    }

    /// An upload that was opened and not closed yet.
    struct Session: Sendable {
        let repository: String
        var data: BlobData
        /// The offset that a client can know for sure; nil after a body broke off.
        var told: Int64? = 0
        var patches = 0
        var firstChunkEnd: Int64?
        var lastChunk: Range<Int64>?
        /// Body bytes taken in for it, broken ones included.
        var receivedBytes: Int64 = 0
        var isBusy = false
        var requests = 0
    }

    /// What is stored but not to be seen for a number of looks.
    struct Hidden: Hashable, Sendable {
        let repository: String
        let reference: String
    }

    struct Token: Sendable {
        /// Granted actions by repository.
        let grants: [String: Set<String>]
        let endsAt: ContinuousClock.Instant?
    }

    var repositories: [String: Repository] = [:]
    var blobs: [Digest: BlobData] = [:]
    var sessions: [String: Session] = [:]
    var nextSession = 1
    /// The query of each location handed out, with what is sealed in it.
    var sealed: [String: (upload: String, offset: Int64)] = [:]
    var hidden: [Hidden: Int] = [:]
    /// Blobs that the registry claimed to have, or lost: a manifest that wants them is no fault of the client's.
    var lost: Set<Digest> = []
    var receivedBytes: [Digest: Int64] = [:]
    var bodiesInFlight = 0
    var peakBodies = 0
    var violations: [Violation] = []
    var tokens: [String: Token] = [:]
    var nextToken = 1
    /// Requests that each of the profile's flakes could have met.
    var flakeCounts: [Int: Int] = [:]
    /// Instead of the profile's, as after an update of the registry.
    var mount: RegistryProfile.Mount?
    var authentication: TestAuthentication

    /// Whether a HEAD or GET may see it; counts as one look.
    mutating func look(_ repository: String, _ reference: String) -> Bool {
        let key = Hidden(repository: repository, reference: reference)
        guard let left = hidden[key] else { return true }
        hidden[key] = left > 1 ? left - 1 : nil
        return false
    }

    mutating func hide(_ repository: String, _ reference: String, looks: Int) {
        if looks > 0 { hidden[Hidden(repository: repository, reference: reference)] = looks }
    }

    func isHidden(_ repository: String, _ reference: String) -> Bool {
        hidden[Hidden(repository: repository, reference: reference)] != nil
    }
}

/// Something that a client did against the protocol, or that no client of ours should do.
public struct Violation: Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// Not HTTP/1.1, a missing length, a body where none belongs.
        case framing
        case unknownPath
        /// A missing or wrong `Content-Type`, or one that a manifest's `mediaType` denies.
        case contentType
        /// A malformed `Content-Range`, or one whose length is not the body's.
        case contentRange
        /// A chunk over bytes that the client was told are stored.
        case overlap
        case missingDigest
        /// A blob or manifest whose bytes have another digest.
        case wrongDigest
        /// A manifest that names what is not in the repository, or with another size.
        case missingReference
        case invalidManifest
        /// Credentials where they do not belong, or none that make sense.
        case authorization
        /// A request for a manifest without `Accept`.
        case accept
        /// A location that is not the one that was handed out.
        case alteredLocation
        /// Two bodies at a time for one upload.
        case concurrentBodies
    }

    public let kind: Kind
    /// The request's method and target, and what is wrong.
    public let description: String
}
