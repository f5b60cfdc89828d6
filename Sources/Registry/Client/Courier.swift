internal import HTTP
internal import OCI

/// Carries one request to the registry and its answer back: with the right login, through redirects.
///
/// Credentials are sent to the registry's own origin only, and before the first body byte. A body from a file is never
/// repeated here: how much of it arrived is the upload's business.
struct Courier: Sendable {
    /// One question.
    struct Call: Sendable {
        var method: HTTPMethod
        var url: HTTPURL
        var headers: HTTPHeaders = [:]
        var body: HTTPBody = .none
        /// What the login must allow, the most important first.
        var scopes: [AccessScope]
        /// How long the request may take, its body included.
        var lifeNeeded: Duration = .zero
        /// The largest answer, in bytes.
        var responseBytes = 1 << 20
        /// Time for the answer beyond the usual, where the registry has much to do.
        var patience: Duration = .zero
        var progress: TransferProgress?
        /// Gets a successful answer's body.
        var sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?
        /// The most bytes that ``sink`` gets.
        var streamedBytes: Int64?
        var codedBodies = CodedBodies.decoded
        let attempt: Attempt

        fileprivate var kind: RequestGate.Kind {
            switch attempt.operation {
            case .putManifest, .putTag: .manifest
            // The first and the last request of an upload wait for no other, so that none is kept open for long.
            case .upload: .body
            case .readBlob where sink != nil: .body
            default: .check
            }
        }
    }

    let address: RegistryAddress
    let settings: RegistrySettings
    let tls: ServerTLS
    let http: HTTPClient
    let authenticator: Authenticator
    let gate: RequestGate
    let bandwidth: [BandwidthLimit]

    /// As it is known now.
    var endpoint: RegistryEndpoint { address.endpoint }

    /// The answer, with any status; a 401 or 403 only where a login can't help.
    ///
    /// A 401 to a request with a file for its body is returned too, as soon as the login was renewed.
    ///
    /// - Throws: `HTTPError` where there is no answer; ``RegistryError``; `CancellationError`.
    func send(_ call: Call) async throws -> HTTPResponse {
        try await withScheme(call) { try await sendWithLogin($0) }
    }

    private func sendWithLogin(_ call: Call) async throws -> HTTPResponse {
        var call = call
        var redirects = Redirects(method: call.method, scheme: call.url.scheme)
        var renewed: String?
        // Another request may find the other scheme meanwhile: this one's answers are judged by its own.
        let own = endpoint.origin
        let reach = Reach(own: own, trusted: settings.leadsTo)
        var within = try await within(reach, of: call)
        while true {
            let authorization: String?
            if let renewed { authorization = renewed } else { authorization = try await self.authorization(for: call) }
            var response = try await exchange(call, authorization, within: within)
            if call.url.origin == own { address.answered(from: response.place) } else { response.redirectedFrom = own }
            if call.url.origin == own, wantsLogin(response, call, sent: authorization) {
                // The second time this throws, and names the login that has no right; if not, nothing helps.
                let renewal = try await renew(call, response, sent: authorization)
                if case .file(let range) = call.body, range.length > 0 { return response }
                if renewed != nil { return response }
                renewed = renewal
                continue
            }
            switch redirects.next(after: response) {
            case .none: return response
            case .follow(let url):
                within = try step(reach, to: url, from: response.place, of: call, answeredBy: response)
                call.url = url
                renewed = nil
            case .refuse(let reason):
                let shown = EchoedSecrets(response).removed(from: reason)
                throw RegistryError(
                    .redirectRefused(reason: shown), call.attempt, answer: ServerAnswer(response))
            }
        }
    }

    /// As ``send(_:)``, with the lack of an answer as a ``RegistryError``.
    func ask(_ call: Call) async throws -> HTTPResponse {
        do { return try await send(call) } catch let error as HTTPError { throw call.attempt.error(error) }
    }

    /// The answer to a request without a login, on a connection of its own.
    ///
    /// - Throws: `HTTPError` where there is no answer; ``RegistryError``; `CancellationError`.
    func sendAnonymously(_ call: Call, _ report: ConnectionReport) async throws -> HTTPResponse {
        try await settle(report)
        return try await withScheme(call) { call in
            var request = try await request(for: call, nil)
            request.report = report
            return try await http.send(request)
        }
    }

    /// How far a request reaches that begins at another server, as an upload that goes on there does.
    private func within(_ reach: Reach, of call: Call) async throws -> NetworkPlace? {
        if call.url.origin == reach.own { return nil }
        if !address.isLocated {
            // After a restart the registry's own address is not known yet: it is asked first.
            let url: HTTPURL
            do { url = try endpoint.url("/v2/") } catch {
                throw call.attempt.error(.addressInvalid(reason: error.description))
            }
            let question = Call(method: .get, url: url, scopes: [], attempt: call.attempt)
            address.answered(from: try await exchange(question, nil, within: nil).place)
        }
        return try step(reach, to: call.url, from: address.place, of: call, answeredBy: nil)
    }

    private func step(
        _ reach: Reach, to url: HTTPURL, from place: NetworkPlace?, of call: Call, answeredBy response: HTTPResponse?
    ) throws -> NetworkPlace? {
        switch reach.step(to: url, from: place) {
        case .follow(let within): return within
        case .refuse(let reason):
            let isElsewhere = response?.redirectedFrom != nil
            throw RegistryError(
                .leadsInside(to: isElsewhere ? nil : url.origin.authority, reason: reason), call.attempt,
                answer: response.map { ServerAnswer($0) })
        }
    }

    private func exchange(
        _ call: Call, _ authorization: String?, within: NetworkPlace?
    ) async throws -> HTTPResponse {
        var request = try await request(for: call, authorization)
        request.reach = within
        let asked = request
        return try await gate.pass(call.kind) {
            guard let sink = call.sink else { return try await http.send(asked) }
            return try await http.download(asked, into: sink)
        }
    }

    /// The request as it goes out, to the registry or to where it was redirected.
    func request(for call: Call, _ authorization: String?) async throws -> HTTPRequest {
        var request = HTTPRequest(
            method: call.method, url: call.url, headers: call.headers, body: call.body, tls: try await tls(for: call),
            proxy: settings.proxy, limits: settings.limits, progress: call.progress)
        if let authorization { request.headers["Authorization"] = authorization }
        request.limits.responseBytes = call.responseBytes
        request.limits.streamedBytes = call.streamedBytes
        request.limits.response += call.patience
        request.limits.answer += call.patience
        request.bandwidth = bandwidth
        request.codedBodies = call.codedBodies
        if case .bytes = call.body { request.isRepeatable = true }  // a manifest: the same bytes under the same name
        gate.apply(to: &request)
        return request
    }

    private func tls(for call: Call) async throws -> TLSOptions {
        do { return try await tls.options(for: call.url, of: endpoint.origin) } catch let problem
            as CertificateDirectories.Problem
        {
            throw call.attempt.error(.certificateFilesUnusable(reason: problem.reason))
        }
    }

    // MARK: - Login

    private func authorization(for call: Call) async throws -> String? {
        guard call.url.origin == endpoint.origin else { return nil }
        do {
            return try await authenticator.header(for: call.scopes, lifeNeeded: call.lifeNeeded)
        } catch let error as AuthenticationError {
            throw call.attempt.error(error)
        }
    }

    /// A 403 is about rights, and says so best after a look at the login that was used. ECR Public answers 400 where a
    /// token is too old.
    private func wantsLogin(_ response: HTTPResponse, _ call: Call, sent authorization: String?) -> Bool {
        switch response.status {
        case 401: true
        case 403 where authorization != nil:
            [.denied, .loginRejected].contains(
                RegistryError.Cause(of: ServerAnswer(response), to: call.attempt.operation))
        case 400 where authorization != nil: endpoint.domain == "public.ecr.aws"
        default: false
        }
    }

    private func renew(_ call: Call, _ response: HTTPResponse, sent authorization: String?) async throws -> String {
        do {
            return try await authenticator.answer(response, for: call.scopes, sent: authorization)
        } catch let error as AuthenticationError {
            throw call.attempt.error(error, answer: ServerAnswer(response))
        }
    }
}
