/// What follows from a cause: for the queue, and for scripts.
extension RegistryError {
    public var disposition: Disposition {
        switch cause {
        // In the middle of a body it may be the body's own trouble.
        case .connectionBroken, .timedOut: isUnansweredQuestion ? .retryRegistry : .retry
        case .serverError, .notARegistry, .protocolViolation, .redirectRefused,
            .referencesMissing, .uploadLost, .uploadsForgotten, .uploadRefused, .offsetRefused, .contentRefused,
            .damagedOnTheWay, .internalFailure, .repositoryCreationFailed:
            .retry
        case .hostUnknown, .resolverFailed, .unreachable, .proxyUnknown, .proxyUnreachable, .proxyFailed,
            .certificateNotYetValid, .tlsFailed, .tokenServerDown, .loginHelperFailed, .rateLimited, .unavailable,
            .readOnly:
            .retryRegistry
        case .certificateUntrusted, .certificateExpired, .certificateForOtherHost, .clientCertificateWanted,
            .certificateFilesUnusable,
            .speaksPlainHTTP, .wantsTLS, .proxyLogin, .proxyForbids, .loginMissing, .loginRejected, .loginUnusable,
            .denied, .quotaExceeded, .repositoryMissing, .repositoryCreationRefused, .referrersTagTaken,
            .leadsInside:
            .waitForPerson
        case .addressInvalid, .digestMismatch, .nameRefused, .tagRefused, .tagConflict, .manifestRefused,
            .withheldLayersWanted, .digestAlgorithmRefused, .mediaTypeUnsupported,
            .manifestTooLarge, .contentMissing, .pushUnsupported,
            .listingUnsupported, .requestRefused, .bodyTooLarge:
            .fail
        case .localBlobDamaged, .localFileChanged:
            .waitForFile
        case .localFileUnreadable(_, let errno):
            Self.passingErrors.contains(errno) ? .retry : .waitForFile
        }
    }

    /// EINTR, EAGAIN, ENOMEM, ENFILE, EMFILE: this machine is short of something that comes back.
    private static let passingErrors: Set<Int32> = [4, 11, 12, 23, 24]

    /// The cause for scripts and the database. Stable: a released code keeps its spelling and meaning.
    public var code: String {
        switch cause {
        case .hostUnknown: "host-unknown"
        case .resolverFailed: "resolver-failed"
        case .unreachable: "registry-unreachable"
        case .connectionBroken: "connection-broken"
        case .timedOut: "timed-out"
        case .proxyUnknown: "proxy-unknown"
        case .proxyUnreachable: "proxy-unreachable"
        case .proxyLogin: "proxy-login"
        case .proxyForbids: "proxy-forbids"
        case .proxyFailed: "proxy-failed"
        case .certificateUntrusted: "certificate-untrusted"
        case .certificateExpired: "certificate-expired"
        case .certificateNotYetValid: "certificate-not-yet-valid"
        case .certificateForOtherHost: "certificate-for-other-host"
        case .clientCertificateWanted: "client-certificate-wanted"
        case .certificateFilesUnusable: "certificate-files-unusable"
        case .speaksPlainHTTP: "plain-http"
        case .wantsTLS: "tls-wanted"
        case .tlsFailed: "tls-failed"
        case .addressInvalid: "address-invalid"
        case .loginMissing: "login-missing"
        case .loginRejected: "login-rejected"
        case .loginUnusable: "login-unusable"
        case .denied: "denied"
        case .tokenServerDown: "token-server-down"
        case .loginHelperFailed: "login-helper-failed"
        case .rateLimited: "rate-limited"
        case .unavailable: "registry-unavailable"
        case .serverError: "server-error"
        case .readOnly: "registry-read-only"
        case .quotaExceeded: "quota-exceeded"
        case .notARegistry: "not-a-registry"
        case .protocolViolation: "protocol-violation"
        case .redirectRefused: "redirect-refused"
        case .leadsInside: "leads-inside"
        case .digestMismatch: "digest-mismatch"
        case .repositoryMissing: "repository-missing"
        case .repositoryCreationRefused: "repository-creation-refused"
        case .repositoryCreationFailed: "repository-creation-failed"
        case .nameRefused: "name-refused"
        case .tagRefused: "tag-refused"
        case .tagConflict: "tag-conflict"
        case .referrersTagTaken: "referrers-tag-taken"
        case .manifestRefused: "manifest-refused"
        case .withheldLayersWanted: "manifest-refused"
        case .digestAlgorithmRefused: "manifest-refused"
        case .manifestTooLarge: "manifest-too-large"
        case .mediaTypeUnsupported: "media-type-unsupported"
        case .referencesMissing: "references-missing"
        case .contentMissing: "content-missing"
        case .pushUnsupported: "push-unsupported"
        case .listingUnsupported: "listing-unsupported"
        case .requestRefused: "request-refused"
        case .uploadLost: "upload-lost"
        case .uploadsForgotten: "uploads-forgotten"
        case .uploadRefused: "upload-refused"
        case .offsetRefused: "offset-refused"
        case .bodyTooLarge: "body-too-large"
        case .contentRefused: "blob-refused"
        case .damagedOnTheWay: "blob-damaged-on-the-way"
        case .localBlobDamaged: "blob-damaged"
        case .localFileUnreadable: "file-unreadable"
        case .localFileChanged: "file-changed"
        case .internalFailure: "internal-failure"
        }
    }

    /// Whether making the repository may help: the registry says that it is missing, or refuses and says that it may be.
    public func mayBeMissing(_ repository: String) -> Bool {
        guard self.repository == repository else { return false }
        if cause == .repositoryMissing { return true }
        return cause == .denied && says("may not exist", "does not exist")
    }

    /// The same, after it was made: some registries take a while to notice.
    public var missingAfterCreation: RegistryError {
        with(
            .repositoryCreationFailed(reason: "the repository was made, and the registry still says that it is missing")
        )
    }
}
