internal import HTTP

/// Decides, step by step, how one blob gets into a registry. It does nothing itself: an event goes in, what to do next
/// comes out. It ends for every sequence of events.
///
/// What it holds to: a body is sent to a location once, and again only where the registry has said since how far it
/// got; the offset never goes back within a session; no byte beyond the blob's size is sent; a closing request whose
/// answer is missing is followed by looks for the blob, or by the question how far the upload got, before anything is
/// sent again.
///
/// Source: OCI distribution-spec 1.1, "Pushing blobs"; what registries do instead: `docs/registries.md`.
struct UploadMachine: Sendable {
    enum Action: Sendable {
        case startSession
        case askStatus(HTTPURL)
        case send(Body)
        /// Look whether the blob is there, after a wait.
        case lookForBlob(after: Duration)
        case checkLocalBlob
        /// `found`: seen there by a look.
        case finish(found: Bool)
        case giveUp(RegistryError)
    }

    /// One PATCH, or the closing PUT.
    struct Body: Sendable, Hashable {
        let location: HTTPURL
        let range: Range<Int64>
        /// A PUT, which names the digest.
        let closes: Bool

        /// Whether it brings the whole blob and closes.
        var isWholePut: Bool { closes && !range.isEmpty }
    }

    /// The session in use.
    struct Session: Sendable {
        var location: HTTPURL
        /// Bytes that the registry has taken: by its word, or by having accepted the requests that brought them.
        var confirmed: Int64
        /// End of the furthest body that was begun; nil where an earlier attempt may have sent anything.
        var sentUpTo: Int64?
        var chunkMinimum: Int64?
        /// PATCHes accepted since this attempt began.
        var patches = 0
        /// Whether nothing was ever sent into it.
        var isEmpty: Bool
        /// Whether the last body was begun and not accepted, so that the registry may hold a part of it.
        var isInterrupted: Bool
        /// Whether the registry has known it at any time since this attempt began.
        var wasSeen = false
        /// Whether the registry once reported a smaller offset than it had accepted.
        var wentBack = false
        /// Where a body was refused because of its offset.
        var refusedAt: Int64?
        var statusQuestions = 0
        var renewals = 0
    }

    enum Phase: Sendable {
        case running
        /// The session is gone; perhaps the blob was stored by it.
        case lookingAfterLoss
        /// A closing request may have been obeyed.
        case confirming(RegistryError, patience: Duration, waited: Duration, nextWait: Duration)
    }

    let size: Int64
    private let commitPatience: Duration
    var style: UploadStyle
    var session: Session?
    var phase = Phase.running
    /// Facts to report now; the executor takes them.
    var learned: [RegistryFact] = []
    /// Facts that hold if this upload succeeds in its present form.
    var suspected: [RegistryFact] = []
    var takesOnePatchOnly = false
    /// Whether the blob is wanted in a PATCH, before the closing PUT.
    var avoidsWholePut: Bool
    var sessionsLeft = Self.sessionLimit
    var lastError: RegistryError?
    var misfitsLeft = 1
    var vagueRefusalsLeft = 1
    var damagesLeft = 1
    /// Sessions that were gone at their first use.
    var forgotten = 0
    /// Whether the session was found to be gone when its status was asked after a body that was not accepted.
    var wasLostToABody = false

    static let sessionLimit = 3
    /// The smallest body that a 413 leads to, in bytes.
    static let smallestCap: Int64 = 16 << 10

    init(size: Int64, style: UploadStyle, session: UploadSession?, commitPatience: Duration) {
        self.size = size
        self.style = style
        avoidsWholePut = style == .patched
        self.commitPatience = commitPatience
        self.session = session.map { Self.adopt($0, size: size) } ?? nil
    }

    private static func adopt(_ kept: UploadSession, size: Int64) -> Session? {
        guard (0...size).contains(kept.offset) else { return nil }
        return Session(
            location: kept.location, confirmed: kept.offset, sentUpTo: kept.isFresh ? 0 : nil,
            chunkMinimum: kept.chunkMinimum, isEmpty: kept.isFresh, isInterrupted: !kept.isFresh)
    }

    /// The session as it is to be kept; nil if there is none.
    var kept: UploadSession? {
        session.map {
            UploadSession(
                location: $0.location, offset: $0.confirmed, chunkMinimum: $0.chunkMinimum, isFresh: $0.isEmpty)
        }
    }

    mutating func start() -> Action {
        guard let session else { return openSession() }
        return session.isEmpty ? proceed() : askStatus()
    }

    // MARK: - Next steps

    /// Sends what comes next, from the confirmed offset.
    mutating func proceed() -> Action {
        guard let session else { return openSession() }
        let start = session.confirmed
        if start == size { return send(start..<size, closes: true) }
        let limit = pieceLimit(session)
        if session.isEmpty, start == 0, !avoidsWholePut, size <= limit { return send(0..<size, closes: true) }
        if takesOnePatchOnly, start > 0 || size > limit {
            // The rest would need another PATCH, so this session can't be completed.
            guard size <= limit else { return giveUp(with: .bodyTooLarge) }
            return replaceSession()
        }
        return send(start..<(start + min(limit, size - start)), closes: false)
    }

    /// The most bytes of one body.
    func pieceLimit(_ session: Session) -> Int64 {
        guard case .chunked(let piece) = style else { return .max }
        return max(piece, session.chunkMinimum ?? 0, 1)
    }

    private mutating func send(_ range: Range<Int64>, closes: Bool) -> Action {
        guard var session else { return openSession() }
        session.isEmpty = session.isEmpty && range.isEmpty
        session.isInterrupted = !range.isEmpty
        session.sentUpTo = session.sentUpTo.map { max($0, range.upperBound) }
        self.session = session
        return .send(Body(location: session.location, range: range, closes: closes))
    }

    /// Asks how far the session got; gives it up where asking has led nowhere.
    mutating func askStatus() -> Action {
        guard let location = session?.location else { return openSession() }
        session?.statusQuestions += 1
        guard session?.statusQuestions ?? 0 <= 3 else { return replaceSession() }
        return .askStatus(location)
    }

    mutating func replaceSession() -> Action {
        session = nil
        return openSession()
    }

    mutating func openSession() -> Action {
        phase = .running
        guard sessionsLeft > 0, forgotten < Self.sessionLimit else {
            return giveUp(with: forgotten >= Self.sessionLimit ? .uploadsForgotten : .uploadLost)
        }
        sessionsLeft -= 1
        return .startSession
    }

    /// Begins to look for the blob, patiently: 0, 1, 2, 4, 8, 15, 15, … seconds apart.
    mutating func confirm(_ error: RegistryError, patiently: Bool) -> Action {
        let patience = patiently ? commitPatience : min(commitPatience, .seconds(3))
        phase = .confirming(error, patience: patience, waited: .zero, nextWait: .seconds(1))
        return .lookForBlob(after: .zero)
    }

    /// The next look, or the end of patience.
    mutating func lookAgain() -> Action {
        guard case .confirming(let error, let patience, let waited, let nextWait) = phase else { return openSession() }
        let wait = min(nextWait, patience - waited)
        guard wait > .zero else {
            phase = .running
            return .giveUp(error)
        }
        phase = .confirming(
            error, patience: patience, waited: waited + wait, nextWait: min(nextWait * 2, .seconds(15)))
        return .lookForBlob(after: wait)
    }

    mutating func finish(found: Bool) -> Action {
        if !found { learned += suspected }
        session = nil
        return .finish(found: found)
    }

    /// Ends with what went wrong last, seen as `cause`.
    func giveUp(with cause: RegistryError.Cause) -> Action {
        guard let lastError else {
            // Only reached after a failure, and every failure is noted; the type can't say so.
            let attempt = Attempt(.upload, "upload a blob", at: "the registry", repository: nil)
            return .giveUp(attempt.error(.internalFailure(reason: "an upload ended without a reason")))
        }
        return .giveUp(lastError.with(cause))
    }
}
