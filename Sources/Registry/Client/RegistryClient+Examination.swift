internal import HTTP

/// Finding out what is wrong.
extension RegistryClient {
    /// Goes the way of a push step by step, up to an upload that it opens and gives up: nothing is stored.
    ///
    /// - Parameters:
    ///   - repository: where it is tried whether pushing is allowed.
    ///   - mayCreate: whether it is no loss if the repository comes into being; no upload is opened otherwise.
    ///   - tell: called with each step as soon as it has been done. After one that is bad there are no more, but for
    ///     a login that may not be needed.
    public func examine(
        pushingTo repository: String, mayCreate: Bool = true, _ tell: (ExaminationStep) async throws -> Void
    ) async throws {
        guard try await examineConnection(tell) else { return }
        guard try await examineLogin(repository, tell) else { return }
        guard try await examineToken(repository, tell) else { return }
        guard mayCreate else {
            let text = "not tried: opening an upload may make a repository"
            try await tell(
                ExaminationStep(
                    .push, .doubtful, text, advice: "name one that is there: pushctl doctor \(domain)/REPOSITORY"))
            return
        }
        try await examinePush(repository, tell)
    }

    /// - Returns: whether it makes sense to go on.
    private func examineConnection(_ tell: (ExaminationStep) async throws -> Void) async throws -> Bool {
        let attempt = Attempt(.readManifest, "reach the registry", at: domain, repository: nil)
        let report = ConnectionReport()
        let answer: Result<HTTPResponse, RegistryError>
        do {
            let call = Courier.Call(method: .get, url: try url("/v2/", for: attempt), scopes: [], attempt: attempt)
            answer = .success(try await courier.sendAnonymously(call, report))
        } catch let error as HTTPError {
            answer = .failure(attempt.error(error))
        } catch let error as RegistryError {
            answer = .failure(error)
        }
        let authorities = courier.http.authorities.description
        var steps = Self.steps(
            of: report.details, isSecure: courier.endpoint.root.scheme == .https, authorities: authorities)
        switch answer {
        case .success(let response): steps.append(Self.step(of: response, report.details, attempt))
        case .failure(let error):
            // libcurl reports no time for a connection whose TLS failed.
            if error.isAboutTLS, steps.last?.kind == .resolve {
                let peer = report.details.peer ?? "the server"
                steps.append(ExaminationStep(.connect, .good, "connected to \(peer)"))
            }
            // To get through a proxy is part of getting there.
            if error.isAboutProxy, steps.last?.kind == .connect { steps.removeLast() }
            // What came last is what failed.
            let next: ExaminationStep.Kind =
                switch steps.last?.kind {
                case nil: .resolve
                case .resolve: .connect
                case .connect where error.isAboutTLS: .tls
                default: .api
                }
            var step = ExaminationStep(next, failed: error)
            if next == .tls, let authorities { step.text += "; authorities are taken from \(authorities)" }
            steps.append(step)
        }
        for step in steps { try await tell(step) }
        return steps.last?.outcome != .bad
    }

    private static func steps(
        of details: ConnectionReport.Details, isSecure: Bool, authorities: String?
    ) -> [ExaminationStep] {
        var steps: [ExaminationStep] = []
        guard let resolved = details.resolved else { return steps }
        let whose = details.proxy.map { " of the proxy \($0)" } ?? ""
        let address = details.peer.map { "the address\(whose) is \($0)" } ?? "the address\(whose) is known"
        steps.append(ExaminationStep(.resolve, .good, address, time: resolved))
        guard let connected = details.connected, let peer = details.peer else { return steps }
        let whom = details.proxy.map { "the proxy \($0)" } ?? peer
        steps.append(ExaminationStep(.connect, .good, "connected to \(whom)", time: connected - resolved))
        guard isSecure, let secured = details.secured, details.answered != nil else { return steps }
        let text =
            (details.certificate.map { "the certificate is good until \($0.expires), issued by \($0.issuer)" }
                ?? "TLS is ready") + (authorities.map { "; authorities are taken from \($0)" } ?? "")
        steps.append(ExaminationStep(.tls, .good, text, time: secured - connected))
        return steps
    }

    private static func step(
        of response: HTTPResponse, _ details: ConnectionReport.Details, _ attempt: Attempt
    ) -> ExaminationStep {
        let answer = ServerAnswer(response)
        let time = details.answered.map { $0 - (details.secured ?? details.connected ?? .zero) }
        switch response.status {
        case 200 where !answer.isPage:
            return ExaminationStep(.api, .good, "a registry answers, and asks for no login", time: time)
        case 401 where answer.hasChallenge:
            let challenges = Challenge.parse(response.headers.values("WWW-Authenticate"))
            let schemes = challenges.map(\.scheme).joined(separator: ", ")
            return ExaminationStep(
                .api, .good, "a registry answers, and asks for a login (\(schemes.isEmpty ? "unknown" : schemes))",
                time: time)
        case 401: return ExaminationStep(.api, .doubtful, "it asks for a login and does not say how", time: time)
        case 404: return ExaminationStep(.api, failed: attempt.error(.notARegistry), time: time)
        default: return ExaminationStep(.api, failed: attempt.error(answer), time: time)
        }
    }

    private func examineLogin(
        _ repository: String, _ tell: (ExaminationStep) async throws -> Void
    ) async throws -> Bool {
        let attempt = attempt(.startUpload, "log in", repository)
        do {
            let (login, time) = try await timed { try await courier.authenticator.login(for: repository) }
            if let login {
                let user = login.user.map { "user \($0)" } ?? "a token"
                try await tell(ExaminationStep(.login, .good, "\(user), from \(login.origin)", time: time))
            } else {
                let places = courier.authenticator.places
                let searched = places.isEmpty ? "" : "; looked for in \(places.joined(separator: ", "))"
                try await tell(
                    ExaminationStep(
                        .login, .doubtful, "there is none: the registry is asked anonymously" + searched,
                        advice: "pushctl login \(domain)", time: time))
            }
            return true
        } catch let error as AuthenticationError {
            try await tell(ExaminationStep(.login, failed: attempt.error(error)))
            return false
        }
    }

    private func examineToken(
        _ repository: String, _ tell: (ExaminationStep) async throws -> Void
    ) async throws -> Bool {
        let attempt = attempt(.startUpload, "get a token", repository)
        do {
            let call = Courier.Call(
                method: .get, url: try url("/v2/", for: attempt), scopes: [.push(repository)], attempt: attempt)
            let (response, time) = try await timed { try await courier.ask(call) }
            // A token for one repository is none for the registry as a whole, to some.
            guard response.status < 500 else { throw attempt.error(ServerAnswer(response)) }
            let place = await courier.authenticator.tokenServer
            let text = place.map { "a token was issued by \($0)" } ?? "no token is needed"
            try await tell(ExaminationStep(.token, .good, text, time: time))
            return true
        } catch let error as RegistryError {
            try await tell(ExaminationStep(.token, failed: error))
            return false
        }
    }

    private func examinePush(
        _ repository: String, _ tell: (ExaminationStep) async throws -> Void
    ) async throws {
        do {
            let (session, time) = try await timed { try await startUpload(repository) }
            await cancelUpload(repository, session)
            try await tell(
                ExaminationStep(.push, .good, "allowed: an upload to \(repository) was opened and given up", time: time)
            )
        } catch let error as RegistryError {
            try await tell(ExaminationStep(.push, failed: error))
        }
    }

    private func timed<Value>(_ body: () async throws -> Value) async throws -> (Value, Duration) {
        let start = ContinuousClock.now
        let value = try await body()
        return (value, ContinuousClock.now - start)
    }
}

extension RegistryError {
    fileprivate var isAboutProxy: Bool {
        switch cause {
        case .proxyUnknown, .proxyUnreachable, .proxyLogin, .proxyForbids, .proxyFailed: true
        default: false
        }
    }

    fileprivate var isAboutTLS: Bool {
        switch cause {
        case .certificateUntrusted, .certificateExpired, .certificateNotYetValid, .certificateForOtherHost,
            .clientCertificateWanted, .certificateFilesUnusable, .speaksPlainHTTP, .tlsFailed:
            true
        default: false
        }
    }
}
