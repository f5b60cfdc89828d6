/// One kind of misbehaviour, and the requests that it befalls.
///
/// Only requests that the registry would let in count: one that is sent away for its missing login meets no fault.
///
/// ```swift
/// Fault(.uploadBody, .cut(afterBodyBytes: 9 << 20))                    // the next body
/// Fault(.manifest, method: "PUT", nth: 2, .respond(Answer(500)))       // the second manifest
/// Fault(.blob, method: "HEAD", times: .max, .respond(Answer(403)))     // every look
/// ```
public struct Fault: Sendable {
    public enum Action: Sendable {
        // Instead of serving the request, before its body is read.
        case respond(Answer)
        /// 307, or another `status`, to the same path and query at `base`, such as `http://127.0.0.1:4000`.
        case redirect(to: String, status: Int = 307)
        /// Bytes instead of an answer, then the end.
        case garbage([UInt8])

        // While the body comes. Without a body, or when it is shorter: at its end, before the request is served.
        case cut(afterBodyBytes: Int64, Exchange.CutKind = .reset)
        case answerEarly(afterBodyBytes: Int64, Answer)
        case stall(afterBodyBytes: Int64, until: TestGate)
        /// Reads no faster than this.
        case slow(bytesPerSecond: Int64)
        /// Flips a bit of the body's byte at this place before it is stored.
        case corrupt(bodyByte: Int64)

        // The request is served, and then:
        /// Another answer: a gateway's 502 although the blob was stored, for example.
        case replaceAnswer(Answer)
        /// No answer, only the end of the connection.
        case loseAnswer(Exchange.CutKind = .fin)
        case stallAnswer(until: TestGate)
        case delayAnswer(Duration)
        /// The connection ends after so many bytes of the answer's body.
        case truncateAnswer(afterBytes: Int64)
        /// A body of so many spaces, under the true status.
        case oversizedAnswer(bytes: Int)
        case oversizedHeaders(bytes: Int)
        /// A wrong `Range`, `Docker-Content-Digest`, `Location`, …
        case setHeader(String, String)
        case removeHeader(String)

        // What the registry knows is changed:
        /// The upload session named in the request is forgotten first.
        case expireSession
        /// HEAD of an absent blob says that it is there, with this size.
        case claimPresent(size: Int64)
        /// What this PUT commits is not to be seen by so many GETs and HEADs.
        case hideCommit(looks: Int)
    }

    public var kind: RequestKind?
    public var method: String?
    public var repository: String?
    /// Bytes of the request's body at least.
    public var minimumBody: Int64
    /// The first matching request that is hit, counted from 1.
    public var nth: Int
    /// How many matching requests in a row are hit.
    public var times: Int
    public var action: Action

    /// - Parameter kind: nil for any.
    public init(
        _ kind: RequestKind?, method: String? = nil, repository: String? = nil, minimumBody: Int64 = 0, nth: Int = 1,
        times: Int = 1, _ action: Action
    ) {
        self.kind = kind
        self.method = method
        self.repository = repository
        self.minimumBody = minimumBody
        self.nth = nth
        self.times = times
        self.action = action
    }

    func matches(kind: RequestKind, method: String, repository: String?, bodyLength: Int64) -> Bool {
        bodyLength >= minimumBody && (self.kind?.covers(kind) ?? true) && (self.method ?? method) == method
            && (self.repository == nil || self.repository == repository)
    }
}

/// Faults by chance, the same ones in the same order for a seed: for tests that run until everything went through.
public struct RandomFaults: Sendable {
    public var seed: UInt64
    /// The chance that a body is cut at a random place.
    public var cut = 0.0
    /// The chance of a 500 instead of service.
    public var serverError = 0.0
    /// The chance that a request is served and its answer lost.
    public var loseAnswer = 0.0
    /// The chance that the session named in a request was forgotten.
    public var expireSession = 0.0

    public init(
        seed: UInt64, cut: Double = 0, serverError: Double = 0, loseAnswer: Double = 0, expireSession: Double = 0
    ) {
        self.seed = seed
        self.cut = cut
        self.serverError = serverError
        self.loseAnswer = loseAnswer
        self.expireSession = expireSession
    }
}
