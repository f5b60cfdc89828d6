internal import HTTP
internal import OCI

/// What an answer means to the machine. Pure: the same answer to the same question always means the same.
extension UploadMachine.Event {
    /// To the POST that opens an upload.
    static func start(_ response: HTTPResponse, _ endpoint: RegistryEndpoint, _ attempt: Attempt) -> Self {
        let answer = ServerAnswer(response)
        guard (200..<300).contains(response.status) else { return .failed(attempt.error(answer)) }
        guard response.status == 202 else {
            return .startMisfit(attempt.misfit(answer, "HTTP status \(response.status) to the opening of an upload"))
        }
        do {
            guard let session = try UploadSession(opening: response, endpoint, attempt) else {
                return .startMisfit(attempt.misfit(answer, "it opens an upload and does not say where"))
            }
            return .started(session)
        } catch {
            return .startMisfit(error)
        }
    }

    /// To the question how far an upload got.
    static func status(_ response: HTTPResponse, _ endpoint: RegistryEndpoint, _ attempt: Attempt) -> Self {
        let answer = ServerAnswer(response)
        switch response.status {
        case 200..<300:
            let headers = response.headers
            guard !answer.isPage, headers["Range"] != nil || headers["Location"] != nil || response.status == 204 else {
                return .failed(attempt.misfit(answer, "HTTP status \(response.status) for the state of an upload"))
            }
            do {
                let location = try UploadLocation.next(after: response, endpoint: endpoint, attempt: attempt)
                return .held(HeldRange(headers["Range"]), at: location)
            } catch {
                return .failed(error)
            }
        case 404 where answer.isPage: return .failed(attempt.error(answer))
        case 400, 404, 405, 410, 416: return .sessionGone(attempt.error(answer).with(.uploadLost))
        // The signature in the address has expired.
        case 401, 403: return isElsewhere(response, endpoint) ? lost(answer, attempt) : .failed(attempt.error(answer))
        default: return .failed(attempt.error(answer))
        }
    }

    /// To a PATCH or the closing PUT.
    ///
    /// - Parameters:
    ///   - digest: the blob's.
    ///   - isSentWhole: whether all of the body was on its way when the answer came.
    static func body(
        _ response: HTTPResponse, of body: UploadMachine.Body, isSentWhole: Bool, _ digest: Digest,
        _ endpoint: RegistryEndpoint, _ attempt: Attempt
    ) -> Self {
        let answer = ServerAnswer(response)
        if (200..<300).contains(response.status) {
            return body.closes
                ? closed(response, answer, digest, attempt) : taken(response, answer, endpoint, attempt)
        }
        let error = attempt.error(answer)
        switch error.cause {
        case .contentRefused: return .contentRefused(error)
        case .uploadLost: return .sessionGone(error)
        // Artifactory's answer to a PUT that brings the blob.
        case .contentMissing: return body.isWholePut ? .refused(error) : .sessionGone(error.with(.uploadLost))
        case .offsetRefused: return .offsetRefused(error, wanted: wantedByte(answer))
        case .bodyTooLarge: return .tooLarge(error)
        case .uploadRefused, .requestRefused, .pushUnsupported: return .refused(error)
        case .loginRejected, .denied:
            if isElsewhere(response, endpoint) { return lost(answer, attempt) }
            return response.status == 401 ? .loginRenewed(error) : .failed(error)
        case .unavailable, .serverError, .timedOut:
            // What is not all there can't have been stored: no look will find it.
            guard body.closes, isSentWhole else { return .failed(error) }
            return .unconfirmed(error, patiently: ![500, 503].contains(response.status))
        default: return .failed(error)
        }
    }

    /// To a PATCH or the closing PUT that got no answer.
    static func noAnswer(_ failure: HTTPError, to body: UploadMachine.Body, _ attempt: Attempt) -> Self {
        let error = attempt.error(failure)
        if failure.isOfPooledConnection { return .connectionLost(error) }
        guard body.closes, failure.bytesSent >= body.range.upperBound - body.range.lowerBound else {
            return .failed(error)
        }
        switch failure.cause {
        case .responseTimedOut, .answerTooSlow, .stalled, .tooSlow: return .unconfirmed(error, patiently: true)
        case .connectionBroken, .responseTooLarge, .headersTooLarge, .malformedResponse, .contentCoding:
            return .unconfirmed(error, patiently: false)
        default: return .failed(error)
        }
    }

    // MARK: - Parts

    /// A 2xx to the closing PUT. Only 201 says that the blob is stored.
    private static func closed(
        _ response: HTTPResponse, _ answer: ServerAnswer, _ digest: Digest, _ attempt: Attempt
    ) -> Self {
        guard response.status == 201, !answer.isPage else {
            let reason = "HTTP status \(response.status) to the closing of an upload, and the blob is not there"
            return .unconfirmed(attempt.misfit(answer, reason), patiently: true)
        }
        if let found = Digest.contradicting(digest, in: response) {
            return .contentRefused(RegistryError(.digestMismatch(found: found), attempt, answer: answer))
        }
        return .stored
    }

    /// A 2xx to a PATCH: 202, ECR's 201, or another one that at least looks like an upload's state.
    private static func taken(
        _ response: HTTPResponse, _ answer: ServerAnswer, _ endpoint: RegistryEndpoint, _ attempt: Attempt
    ) -> Self {
        let headers = response.headers
        let isUsual = response.status == 202 || response.status == 201
        guard !answer.isPage, isUsual || headers["Location"] != nil || headers["Range"] != nil else {
            return .failed(attempt.misfit(answer, "HTTP status \(response.status) to a part of an upload"))
        }
        do {
            let location = try UploadLocation.next(after: response, endpoint: endpoint, attempt: attempt)
            return .accepted(HeldRange(headers["Range"]), next: location)
        } catch {
            return .failed(error)
        }
    }

    private static func isElsewhere(_ response: HTTPResponse, _ endpoint: RegistryEndpoint) -> Bool {
        response.url.origin != endpoint.origin
    }

    private static func lost(_ answer: ServerAnswer, _ attempt: Attempt) -> Self {
        .sessionGone(attempt.error(answer).with(.uploadLost))
    }

    /// The byte that ECR names: `… the requested first byte is 0 instead of 11304960`.
    private static func wantedByte(_ answer: ServerAnswer) -> Int64? {
        guard let message = answer.message, let mark = message.firstRange(of: "instead of ") else { return nil }
        let digits = message[mark.upperBound...].prefix { $0.isASCII && $0.isNumber }
        return digits.utf8.count <= 18 ? Int64(digits) : nil
    }
}

extension UploadSession {
    /// The upload that a 202 opened; nil if it does not say where.
    init?(opening response: HTTPResponse, _ endpoint: RegistryEndpoint, _ attempt: Attempt) throws(RegistryError) {
        guard let location = try UploadLocation.next(after: response, endpoint: endpoint, attempt: attempt) else {
            return nil
        }
        let minimum = response.headers["OCI-Chunk-Min-Length"].flatMap(Int64.init)
        self.init(
            location: location, offset: 0, chunkMinimum: minimum.flatMap { (1...1 << 40).contains($0) ? $0 : nil },
            isFresh: true)
    }
}

extension Digest {
    /// The digest that the answer names, if it is another one of the same algorithm: of a blob's bytes, which are not
    /// held in memory, others can't be compared.
    ///
    /// Source: OCI distribution-spec 1.1, "Docker-Content-Digest".
    static func contradicting(_ digest: Digest, in response: HTTPResponse) -> Digest? {
        guard let named = named(in: response), named.algorithm == digest.algorithm, named != digest else { return nil }
        return named
    }

    /// The digest that the answer names, if it is not a digest of `bytes`; of another algorithm it is computed.
    ///
    /// - Parameter digest: of `bytes`.
    static func contradicting(_ digest: Digest, of bytes: [UInt8], in response: HTTPResponse) -> Digest? {
        guard let named = named(in: response), named != digest else { return nil }
        return named.algorithm != digest.algorithm && named.isOf(bytes) ? nil : named
    }

    private static func named(in response: HTTPResponse) -> Digest? {
        response.headers["Docker-Content-Digest"].flatMap { try? Digest(parsing: $0) }
    }
}
