public import HTTP
public import OCI

/// Why something asked of a registry was not done, and what follows from it.
///
/// Every failure of ``RegistryClient`` is one of these, apart from `CancellationError`. What follows from a cause is a
/// property of it and never guessed from a text.
public struct RegistryError: Error, Sendable, CustomStringConvertible {
    /// What happened. Reasons are short, bounded and without control characters or secrets.
    public enum Cause: Sendable, Hashable {
        // The registry was not reached.

        /// The name servers say that there is no such host.
        case hostUnknown
        /// The name servers don't answer.
        case resolverFailed
        case unreachable(reason: String)
        case connectionBroken(reason: String)
        case timedOut(reason: String)
        // The proxy before it refused the connection, or failed.

        /// There is no host of the proxy's name.
        case proxyUnknown(ProxyName)
        case proxyUnreachable(ProxyName, reason: String)
        case proxyLogin(ProxyName)
        case proxyForbids(ProxyName)
        case proxyFailed(ProxyName, reason: String)

        // It was reached, and can't be trusted or understood.

        case certificateUntrusted, certificateExpired, certificateNotYetValid, certificateForOtherHost
        case clientCertificateWanted
        /// What lies in a directory of certificates can't be used.
        case certificateFilesUnusable(reason: String)
        /// HTTPS was spoken to a plain HTTP port, and the other way round.
        case speaksPlainHTTP, wantsTLS
        case tlsFailed(reason: String)
        /// The registry's name is no host and port.
        case addressInvalid(reason: String)

        // The registry does not let this login in.

        case loginMissing, loginRejected
        /// A login is stored and can't be used as it is; ``RegistryError/authentication`` says why.
        case loginUnusable
        /// The login is good, or none is needed, but this is not allowed to it.
        case denied
        case tokenServerDown
        /// The program that keeps the login failed.
        case loginHelperFailed

        // The registry can't now.

        case rateLimited
        /// 502, 503, 504 and the like: the registry as a whole is away.
        case unavailable
        /// 500 and the like: this request failed.
        case serverError
        /// Closed for writing, for a time.
        case readOnly
        /// Space or a plan's allowance is used up.
        case quotaExceeded

        // What answers is not, or does not act like, a registry.

        case notARegistry
        /// An answer, usually a success, that means nothing in the protocol.
        case protocolViolation(reason: String)
        case redirectRefused(reason: String)
        /// It leads to a server further inside the own network than it is; nil where another server leads there.
        case leadsInside(to: String?, reason: String)
        /// The registry names another digest for bytes than they have, or gave other bytes than were asked for.
        case digestMismatch(found: Digest?)

        // It refuses what was asked for.

        case repositoryMissing
        /// It was to be made, and a person must act before it can be.
        case repositoryCreationRefused(reason: String, advice: String)
        /// It was to be made, and that may go better later.
        case repositoryCreationFailed(reason: String)
        case nameRefused, tagRefused
        /// The tag can't be moved and holds another manifest; nil where it could not be read.
        case tagConflict(existing: Digest?)
        /// The tag for the list of what refers to a manifest holds something else.
        case referrersTagTaken(tag: String)
        case manifestRefused, manifestTooLarge
        /// It wants layers that were not sent because of their type.
        case withheldLayersWanted([Digest], haveAddresses: Bool)
        /// It stores manifests under digests of other algorithms only.
        case digestAlgorithmRefused(Digest.Algorithm)
        /// It does not know manifests, or layers, of this type.
        case mediaTypeUnsupported
        /// A manifest names blobs or manifests that the registry does not have, even if it said before that it has them.
        case referencesMissing
        /// There is no such blob or manifest.
        case contentMissing
        case pushUnsupported
        /// It does not tell which repositories it has.
        case listingUnsupported
        case requestRefused

        // An upload went wrong.

        /// The registry no longer knows the upload.
        case uploadLost
        /// The registry forgot several uploads right after it had opened them.
        case uploadsForgotten
        case uploadRefused
        case offsetRefused
        /// A body is larger than the registry, or a proxy before it, takes.
        case bodyTooLarge
        /// What arrived has not the blob's digest; the local blob was not looked at yet.
        case contentRefused
        /// What arrived has not the blob's digest, and the local blob has.
        case damagedOnTheWay
        case localBlobDamaged

        // This machine failed.

        case localFileUnreadable(path: String, errno: Int32)
        case localFileChanged(path: String)
        case internalFailure(reason: String)
    }

    /// What the queue does next.
    public enum Disposition: Sendable, Hashable {
        /// The job, or one transfer of it, is tried again.
        case retry
        /// The registry as a whole is in trouble: nothing is asked of it for a while.
        case retryRegistry
        /// A person must do what ``RegistryError/advice`` says; nothing is lost until then.
        case waitForPerson
        /// A local file is not what it has to be, and may be whole again in a moment.
        case waitForFile
        case fail
    }

    public var cause: Cause
    /// What was to be done, as the end of "cannot …": `upload blob sha256:4f53cda18c2b… to team/app`.
    public internal(set) var attempt: String
    /// Host and port as the user wrote them.
    public let registry: String
    public internal(set) var repository: String?
    public internal(set) var digest: Digest?
    /// Of the manifest that was put.
    public let mediaType: MediaType?
    /// The HTTP status, where there was an answer.
    public let status: Int?
    /// The registry's own error code: `MANIFEST_INVALID`.
    public let serverCode: String?
    /// The content that the registry names as missing.
    public let unknownContent: [Digest]
    /// What the registry says, at most 500 characters, without control characters.
    public internal(set) var serverMessage: String?
    /// The number under which the registry's owner finds the request in its logs.
    public internal(set) var requestID: String?
    /// How long the registry asked to wait.
    public let retryAfter: Duration?
    /// The server that the registry sent us to and that refused, such as `https://storage.example`.
    public let elsewhere: String?
    /// The server that did not answer, where it is another one that the registry led to.
    public internal(set) var server: String?
    /// The proxy that handed the answer on, and may have made it up.
    public let proxy: ProxyName?
    /// Which login was used and where it came from, where that is the trouble.
    public internal(set) var authentication: AuthenticationError?

    /// What the registry says, in lower case and as it came, for ``says(_:)``: it may repeat a secret.
    private let words: Secret

    /// Whether any of `words`, in lower case, is in what the registry says.
    func says(_ words: String...) -> Bool {
        let said = self.words.revealed()
        return words.contains { said.contains($0) }
    }

    /// Why it was spoken to over TLS, or not, where that is the trouble; nil also where it is another server's.
    var schemeBasis: SchemeBasis?

    /// Whether it was a mere question, and there was no answer: any other would have met the same.
    private(set) var isUnansweredQuestion = false

    /// Whether the registry lacks content that it was believed to hold.
    public var isMissingContent: Bool { cause == .referencesMissing || cause == .contentMissing }

    public var description: String { "cannot \(attempt) at \(registry): \(explanation)" }

    init(_ cause: Cause, _ attempt: Attempt, answer: ServerAnswer? = nil, authentication: AuthenticationError? = nil) {
        self.cause = cause
        self.attempt = attempt.text
        registry = attempt.registry
        repository = attempt.repository
        digest = attempt.digest
        mediaType = attempt.mediaType
        status = answer?.status
        serverCode = answer?.shownCode
        unknownContent = answer?.unknownContent ?? []
        serverMessage = answer?.shownMessage ?? authentication?.serverMessage
        words = Secret((answer?.message ?? authentication?.serverMessage ?? "").lowercased())
        requestID = answer?.requestID
        retryAfter = answer?.retryAfter ?? authentication?.retryAfter
        proxy = answer?.proxy
        elsewhere = answer?.elsewhere?.description
        self.authentication = authentication
        isUnansweredQuestion = answer == nil && attempt.operation.isQuestion
    }

    /// The same refusal of a manifest, where what the registry lacks is layers that it was not given.
    ///
    /// - Parameter haveAddresses: whether the manifest says where else they are had.
    public func wanting(withheld layers: [Digest], haveAddresses: Bool) -> RegistryError {
        with(.withheldLayersWanted(layers, haveAddresses: haveAddresses))
    }

    /// The same failure, understood better.
    func with(_ cause: Cause) -> RegistryError {
        var copy = self
        copy.cause = cause
        return copy
    }
}
