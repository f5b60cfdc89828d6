internal import OCI
internal import Synchronization

/// A registry in memory: the service behind ``TestRegistry``, one call for each request.
final class RegistryCore: Sendable {
    let profile: RegistryProfile
    let verifiesDigests: Bool
    let keepsContent: Bool
    let faults = FaultPlan()
    let state: Mutex<RegistryState>

    init(profile: RegistryProfile, authentication: TestAuthentication, verifiesDigests: Bool, keepsContent: Bool) {
        self.profile = profile
        self.verifiesDigests = verifiesDigests
        self.keepsContent = keepsContent
        state = Mutex(RegistryState(authentication: authentication))
    }

    func handle(_ exchange: Exchange) throws {
        let call = RegistryCall(exchange)
        if let refusal = admit(call) { return try exchange.send(refusal) }
        if let answer = flake(call) ?? elsewhere(call) { return try exchange.send(answer) }
        let actions = faults.actions(
            kind: call.kind, method: call.head.method, repository: call.route.repository,
            bodyLength: call.head.contentLength ?? 0)
        for action in actions where try respondInstead(action, exchange) { return }
        call.prepare(actions)
        do {
            if call.head.contentLength ?? 0 == 0 { try call.readBody() }
            let answer = try serve(call)
            try send(answer, through: actions, exchange)
        } catch RegistryCall.Interruption.cut(let kind) {
            exchange.cut(kind)
        } catch RegistryCall.Interruption.answer(let answer) {
            try exchange.send(answer)
        }
    }

    /// Violations are refused, so that a client's mistake also shows in what it does next.
    func violate(_ kind: Violation.Kind, _ call: RegistryCall, _ what: String) {
        let violation = Violation(kind: kind, description: "\(call.head.method) \(call.head.target): \(what)")
        state.withLock { $0.violations.append(violation) }
    }

    /// What the profile answers instead of service.
    private func flake(_ call: RegistryCall) -> Answer? {
        for (number, flake) in profile.flakes.enumerated() where flake.kind.covers(call.kind) {
            let count = state.withLock { state in
                defer { state.flakeCounts[number, default: 0] += 1 }
                return state.flakeCounts[number, default: 0]
            }
            if count % flake.every == 0 { return flake.answer }
        }
        return nil
    }

    private func elsewhere(_ call: RegistryCall) -> Answer? {
        guard let host = profile.bodiesGoTo, call.kind == .uploadBody, call.head.contentLength ?? 0 > 0 else {
            return nil
        }
        let authority = Self.authority(call, host: host)
        guard call.host != authority else { return nil }
        return Answer(307, headers: [("Location", "http://\(authority)\(call.head.target)")], "")
    }

    private func respondInstead(_ action: Fault.Action, _ exchange: Exchange) throws -> Bool {
        switch action {
        case .respond(let answer): try exchange.send(answer)
        case .redirect(let base, let status):
            try exchange.send(Answer(status, headers: [("Location", base + exchange.head.target)]))
        case .garbage(let bytes): try exchange.sendRaw(bytes)
        default: return false
        }
        return true
    }

    private func serve(_ call: RegistryCall) throws -> Answer {
        if let limit = profile.maximumBody, let length = call.head.contentLength, length > limit {
            return .proxyPage(413, "Request Entity Too Large")
        }
        let method = call.head.method
        if ["GET", "HEAD"].contains(method), call.exchange.unread > 0 {
            violate(.framing, call, "a body")
            return .refusal(400, "UNSUPPORTED", "a body")
        }
        if ["POST", "PUT", "PATCH"].contains(method), call.head.contentLength == nil {
            violate(.framing, call, "no Content-Length")
            return .refusal(411, "SIZE_INVALID", "no Content-Length")
        }
        var answer: Answer?
        switch call.route {
        case .ping where method == "GET": answer = Answer(200, headers: [("Content-Type", "application/json")], "{}")
        case .token where method == "GET" || method == "POST": answer = try issueToken(call)
        case .manifest(let repository, let reference): answer = try manifest(call, repository, reference)
        case .blob(let repository, let digest): answer = blob(call, repository, digest)
        case .uploads(let repository) where method == "POST": answer = try startUpload(call, repository)
        case .upload(let repository, let session): answer = try upload(call, repository, session)
        case .tags(let repository) where method == "GET": answer = tags(call, repository)
        // The referrers API is newer than most registries.
        case .referrers where method == "GET": answer = Answer(404, "404 page not found\n")
        default: break
        }
        guard var answer else {
            violate(.unknownPath, call, "no such end point")
            return Answer(404, "404 page not found\n")
        }
        if call.route != .token { answer.setHeader("Docker-Distribution-API-Version", "registry/2.0") }
        return answer
    }

    private func send(_ served: Answer, through actions: [Fault.Action], _ exchange: Exchange) throws {
        var answer = served
        for action in actions {
            switch action {
            case .replaceAnswer(let other): answer = other
            case .loseAnswer(let kind): return exchange.cut(kind)
            case .stallAnswer(let gate): try exchange.wait(for: gate)
            case .delayAnswer(let duration): try exchange.delay(duration)
            case .truncateAnswer(let count): answer.truncatedAfter = count
            case .oversizedAnswer(let count):
                answer.body = .bytes([UInt8](repeating: UInt8(ascii: " "), count: count))
            case .oversizedHeaders(let count):
                answer.setHeader("X-Padding", String(repeating: "x", count: count))
            case .setHeader(let name, let value): answer.setHeader(name, value)
            case .removeHeader(let name): answer.setHeader(name, nil)
            default: break
            }
        }
        try exchange.send(answer)
    }
}
