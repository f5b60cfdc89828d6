internal import HTTP
internal import OCI

/// The one place where an answer, or the lack of one, gets its meaning.
extension RegistryError.Cause {
    /// What an answer that did not do what was asked means. Pure: the same answer always means the same.
    ///
    /// The status decides first, the registry's code second, and words only where registries are known to say with
    /// them alone what has no code: that a tag can't be moved, that a quota is used up, that maintenance is going on.
    /// A status that the code never goes with is not believed: it is the first error's, and of several the one decides
    /// that says most.
    ///
    /// Source: OCI distribution-spec 1.1, "Error Codes", and what registries really send: `docs/registries.md`.
    init(of answer: ServerAnswer, to operation: Attempt.Operation) {
        if answer.status >= 400, answer.code == "TOOMANYREQUESTS" {
            self = .rateLimited
            return
        }
        switch ErrorCode.status(answer.status, with: answer.code, isRead: operation.isRead) {
        case ..<300: self = answer.isPage ? .notARegistry : .protocolViolation(reason: "HTTP status \(answer.status)")
        case 300..<400: self = .redirectRefused(reason: "HTTP status \(answer.status)")
        case 400: self = Self.badRequest(answer, operation)
        case 401: self = answer.hasChallenge || answer.isFromRegistry || !answer.isPage ? .loginRejected : .notARegistry
        case 402: self = .quotaExceeded
        case 403: self = Self.forbidden(answer, operation)
        case 404: self = Self.notFound(answer, operation)
        case 405: self = operation.isList ? .listingUnsupported : Self.notAllowed(answer, operation)
        case 408, 425: self = .timedOut(reason: "the registry gave up waiting: HTTP status \(answer.status)")
        case 409, 412: self = Self.conflict(answer, operation)
        // A web page is a proxy's, whose limit is for all bodies.
        case 413: self = operation.isManifestPut && !answer.isPage ? .manifestTooLarge : .bodyTooLarge
        case 406, 415: self = operation.isManifestPut ? .mediaTypeUnsupported : .requestRefused
        case 416: self = .offsetRefused
        case 429: self = .rateLimited
        case 501 where operation.isList: self = .listingUnsupported
        case 501, 505: self = operation.isManifestPut ? .manifestRefused : .pushUnsupported
        case 507: self = .quotaExceeded
        case 502, 503, 504, 520...527, 529, 530: self = answer.says("read only", "read-only") ? .readOnly : .unavailable
        case 511: self = .notARegistry
        case 500...: self = .serverError
        default: self = operation.isManifestPut ? .manifestRefused : .requestRefused
        }
    }

    private static func badRequest(_ answer: ServerAnswer, _ operation: Attempt.Operation) -> Self {
        if answer.says(
            "http request to an https server", "http request was sent to https port",
            "speaking plain http to an ssl-enabled server")
        {
            return .wantsTLS
        }
        if answer.says("no required ssl certificate", "ssl certificate error") { return .clientCertificateWanted }
        if operation.isManifestPut, let cause = refusedManifest(answer) { return cause }
        switch answer.code {
        case "NAME_INVALID": return .nameRefused
        case "NAME_UNKNOWN": return .repositoryMissing
        case "TAG_INVALID": return answer.saysImmutable ? .tagConflict(existing: nil) : .tagRefused
        case "MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN": return .referencesMissing
        case "UNAUTHORIZED": return .loginRejected
        case "DENIED": return forbidden(answer, operation)
        case "UNSUPPORTED": return notAllowed(answer, operation)
        case "DIGEST_INVALID", "SIZE_INVALID":
            return operation.isRead ? .requestRefused : operation.isManifestPut ? .manifestRefused : .contentRefused
        default: break
        }
        if operation == .putTag, answer.saysImmutable { return .tagConflict(existing: nil) }
        if operation.isManifestPut { return .manifestRefused }
        return operation.isUpload ? .uploadRefused : .requestRefused
    }

    /// What `MANIFEST_INVALID` is about, where words tell; distribution has no codes for size and type.
    private static func refusedManifest(_ answer: ServerAnswer) -> Self? {
        guard answer.code == nil || answer.code == "MANIFEST_INVALID" || answer.code == "UNSUPPORTED" else {
            return nil
        }
        if answer.says("too large", "exceeds the", "exceeds maximum", "maximum size", "size limit") {
            return .manifestTooLarge
        }
        if answer.says("media type", "mediatype", "content-type", "content type", "unsupported manifest") {
            return .mediaTypeUnsupported
        }
        return nil
    }

    private static func forbidden(_ answer: ServerAnswer, _ operation: Attempt.Operation) -> Self {
        // GHCR's limit on what comes at once.
        if answer.says("rate limit", "too many requests") { return .rateLimited }
        if answer.saysReadOnly { return .readOnly }
        if answer.says("quota", "exceed the configured upper limit", "insufficient storage", "payment required") {
            return .quotaExceeded
        }
        if operation == .putTag, answer.saysImmutable { return .tagConflict(existing: nil) }
        if answer.says("authorization token has expired") { return .loginRejected }
        return .denied
    }

    private static func notFound(_ answer: ServerAnswer, _ operation: Attempt.Operation) -> Self {
        if answer.isPage || (!answer.isFromRegistry && answer.says("page not found")) { return .notARegistry }
        switch (answer.code, operation) {
        case ("BLOB_UPLOAD_UNKNOWN", _), ("BLOB_UPLOAD_INVALID", _), (nil, .upload): return .uploadLost
        case ("NAME_UNKNOWN", .startUpload), ("NAME_UNKNOWN", .mount), (_, .startUpload): return .repositoryMissing
        case ("MANIFEST_BLOB_UNKNOWN", _), ("BLOB_UNKNOWN", .putManifest), ("BLOB_UNKNOWN", .putTag),
            ("MANIFEST_UNKNOWN", .putManifest), ("MANIFEST_UNKNOWN", .putTag):
            return .referencesMissing
        case (_, .putManifest), (_, .putTag): return .repositoryMissing
        case (_, .listRepositories): return .listingUnsupported
        case ("NAME_UNKNOWN", .upload): return .repositoryMissing
        default: return .contentMissing
        }
    }

    private static func notAllowed(_ answer: ServerAnswer, _ operation: Attempt.Operation) -> Self {
        if answer.saysReadOnly { return .readOnly }
        if operation == .putTag, answer.saysImmutable { return .tagConflict(existing: nil) }
        return answer.code == "DENIED" ? .denied : .pushUnsupported
    }

    private static func conflict(_ answer: ServerAnswer, _ operation: Attempt.Operation) -> Self {
        switch operation {
        case .putTag: .tagConflict(existing: nil)
        case .putManifest: .manifestRefused
        // Two writers, or an earlier request of ours that is still being served.
        case .startUpload, .mount, .upload: .serverError
        // A policy, such as Harbor's against vulnerable images.
        case .readBlob, .readManifest, .listTags, .listRepositories, .createRepository: .denied
        }
    }

    /// What the lack of an answer means.
    init(_ cause: HTTPError.Cause) {
        switch cause {
        case .unresolvable: self = .hostUnknown
        case .resolverFailed: self = .resolverFailed
        case .refused: self = .unreachable(reason: "nothing listens there (connection refused)")
        case .unreachable(let reason): self = .unreachable(reason: reason)
        case .connectTimedOut: self = .unreachable(reason: "no connection came about in time")
        case .responseTimedOut: self = .timedOut(reason: "the request was sent and no answer came in time")
        case .stalled(let seconds): self = .timedOut(reason: "no byte moved for \(seconds) s")
        case .tooSlow(let count, let seconds):
            self = .timedOut(reason: "only \(count) bytes moved in \(seconds) s")
        case .answerTooSlow: self = .timedOut(reason: "its answer began and did not end in time")
        case .connectionBroken(let reason): self = .connectionBroken(reason: reason)
        case .tlsUnknownAuthority: self = .certificateUntrusted
        case .tlsExpired: self = .certificateExpired
        case .tlsNotYetValid: self = .certificateNotYetValid
        case .tlsWrongHost: self = .certificateForOtherHost
        case .tlsClientCertificateWanted: self = .clientCertificateWanted
        case .tlsPlainHTTPServer: self = .speaksPlainHTTP
        case .tls(let reason): self = .tlsFailed(reason: reason)
        case .proxyUnknown(let proxy): self = .proxyUnknown(proxy)
        case .proxyUnreachable(let proxy, let reason): self = .proxyUnreachable(proxy, reason: reason)
        case .proxyLogin(let proxy): self = .proxyLogin(proxy)
        case .proxyForbids(let proxy): self = .proxyForbids(proxy)
        case .proxyFailed(let proxy, let reason): self = .proxyFailed(proxy, reason: reason)
        case .responseTooLarge(let limit): self = .protocolViolation(reason: "its answer has more than \(limit) bytes")
        case .headersTooLarge: self = .protocolViolation(reason: "its answer's headers are too large")
        case .malformedResponse(let reason): self = .protocolViolation(reason: "its answer is not HTTP: \(reason)")
        case .contentCoding(let coding):
            self = .protocolViolation(reason: "it comes in the coding \(coding), which was not asked for")
        case .localRead(let path, let errno): self = .localFileUnreadable(path: path, errno: errno)
        case .localFileChanged(let path): self = .localFileChanged(path: path)
        case .outOfReach(let address):
            self = .leadsInside(to: nil, reason: "which has the address \(address), further inside than its own")
        case .internalFailure(let reason): self = .internalFailure(reason: reason)
        }
    }

    init(_ cause: AuthenticationError.Cause) {
        switch cause {
        case .loginMissing: self = .loginMissing
        case .loginRejected: self = .loginRejected
        case .accessRefused, .tokenNotTaken, .tokenRefused: self = .denied
        // A proxy between here and the token server is no trouble of that server.
        case .tokenServerUnreachable(let error) where error.cause.proxy != nil: self.init(error.cause)
        case .tokenServerBusy, .tokenServerUnreachable, .tokenUnusable: self = .tokenServerDown
        case .helperFailed: self = .loginHelperFailed
        case .challengeUnusable, .realmUnsafe, .credentialUnusable, .credentialFileUnreadable, .helperMissing:
            self = .loginUnusable
        }
    }
}

extension Attempt {
    func error(_ error: HTTPError) -> RegistryError {
        var told = self.error(RegistryError.Cause(error.cause))
        let server = error.url.origin.authority
        if case .leadsInside(_, let reason) = told.cause { return told.with(.leadsInside(to: server, reason: reason)) }
        let names = RegistryNames()
        if names.name(of: server) != names.name(of: registry) { told.server = server }
        return told
    }

    /// - Parameter answer: the refusal that led to it, if there was one.
    func error(_ error: AuthenticationError, answer: ServerAnswer? = nil) -> RegistryError {
        RegistryError(RegistryError.Cause(error.cause), self, answer: answer, authentication: error)
    }
}

extension Attempt.Operation {
    var isManifestPut: Bool { self == .putManifest || self == .putTag }
    var isList: Bool { self == .listTags || self == .listRepositories }
    var isRead: Bool { self == .readBlob || self == .readManifest || isList }
    var isQuestion: Bool { isRead || self == .startUpload || self == .mount }
    var isUpload: Bool { self == .startUpload || self == .mount || self == .upload }
}

extension ServerAnswer {
    /// The words of registries whose tags are written once: ECR, Harbor, Nexus, Quay, Alibaba, Docker Hub, MSR.
    fileprivate var saysImmutable: Bool {
        code == "TAG_ALREADY_EXISTS"
            || says("immutable", "already exists", "cannot be overwritten", "does not allow updating", "write once")
    }

    fileprivate var saysReadOnly: Bool { says("read only", "read-only", "readonly", "is_readonly", "maintenance") }
}
