import Control
import OCI
import Publisher
import PushQueue
import Registry

/// What the control socket offers about registries: logins, pauses, limits, and what is known of them.
extension DaemonService {
    func login(_ input: Login.Input) async throws -> Login.Output {
        try await translatingErrors {
            let registry = try await self.registry(ofLogin: input.registry)
            let password = Secret(input.password)
            let isAsked = try await check(input.user, password, at: registry)
            let place = try await keeping { try await $0.store(user: input.user, password: password, for: registry) }
            await publisher.record(NewEvent(.login, registry: registry, message: "as \(input.user)"))
            let jobs = try await publisher.loggedIn(at: registry)
            return Login.Output(
                registry: registry, place: place, jobs: jobs.map { Int($0) }, asked: isAsked ? nil : false)
        }
    }

    func logout(_ input: Logout.Input) async throws -> Logout.Output {
        try await translatingErrors {
            let registry = try await self.registry(ofLogin: input.registry)
            let place = try await keeping { try await $0.erase(registry) }
            if place != nil { await publisher.record(NewEvent(.logout, registry: registry)) }
            await publisher.forgetLogin(at: registry)
            return Logout.Output(
                registry: registry, place: place, remaining: try? await publisher.placeOfLogin(at: registry))
        }
    }

    /// - Returns: whether the registry asked for the login.
    private func check(_ user: String, _ password: Secret, at registry: String) async throws -> Bool {
        do { return try await publisher.checkLogin(user, password, at: registry) } catch let error as RegistryError
            where error.cause == .loginRejected
        {
            let says = error.serverMessage.map { "; it says: \($0)" } ?? ""
            throw ControlError(
                .registryFailed,
                "wrong user or password: \(registry) rejected the login of \(user)\(says)",
                advice: "type them again; where the account has a second factor, use an access token as the password",
                code: error.code)
        }
    }

    /// As docker users name it: an address is taken too.
    private func registry(ofLogin text: String?) async throws -> String {
        guard let text, text.contains("/") else { return try await registry(text) }
        return try await registry(LoginAddress(text)?.registry ?? text)
    }

    private func keeping<Value>(_ body: (CredentialStore) async throws -> Value) async throws -> Value {
        do { return try await body(logins()) } catch let failure as CredentialStore.Failure {
            throw ControlError(.failed, failure.description, advice: failure.advice, code: "login-not-kept")
        }
    }

    /// A registry's name as image names have it; the default one where none is given.
    func registry(_ text: String?) async throws -> String {
        guard let text else { return await publisher.defaultRegistry }
        guard let reference = try? ImageReference(parsing: text + "/x/y"), reference.path == "x/y" else {
            throw ControlError(
                .referenceInvalid, "\"\(text.prefix(200))\" is not a registry", advice: "write HOST[:PORT]")
        }
        return reference.domain
    }

    func pause(_ input: Pause.Input) async throws -> Pause.Output {
        try await translatingErrors {
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            await publisher.pause(name)
            return Pause.Output(registries: await activity())
        }
    }

    func resume(_ input: Resume.Input) async throws -> Resume.Output {
        try await translatingErrors {
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            await publisher.resume(name)
            return Resume.Output(registries: await activity())
        }
    }

    func limit(_ input: Limit.Input) async throws -> Limit.Output {
        try await translatingErrors {
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            switch input.change {
            case "set": await publisher.limitBandwidth(.set(Int64(input.bytesPerSecond ?? 1)), of: name)
            case "lift": await publisher.limitBandwidth(.lift, of: name)
            case "default": await publisher.limitBandwidth(.useConfigured, of: name)
            default: break
            }
            return Limit.Output(limits: await publisher.bandwidthInForce.map(LimitInfo.init))
        }
    }

    func registries(_ input: Registries.Input) async throws -> Registries.Output {
        try await translatingErrors {
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            if input.forget == true, let name { try await publisher.forgetRegistry(name) }
            let states = try await publisher.registryStates(named: name, withLogins: input.brief != true)
            return Registries.Output(registries: states.map(RegistryInfo.init))
        }
    }

    func doctor(_ input: Doctor.Input) -> AsyncThrowingStream<Doctor.Output, any Error> {
        let (steps, continuation) = AsyncThrowingStream.makeStream(of: Doctor.Output.self)
        let task = Task {
            do {
                try await translatingErrors {
                    if let text = input.registry {
                        let (name, repository) = try await patient(text)
                        try await examine(name, repository: repository, continuation)
                        continuation.yield(Doctor.Output(registry: name))
                    } else {
                        try await examineAll(continuation)
                        continuation.yield(Doctor.Output(registry: ""))
                    }
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
        return steps
    }

    private typealias DoctorReplies = AsyncThrowingStream<Doctor.Output, any Error>.Continuation

    private func examine(_ registry: String, repository: String?, _ replies: DoctorReplies) async throws {
        try await publisher.examine(registry, repository: repository) { step in
            replies.yield(Doctor.Output(registry: registry, step: DoctorStep(step)))
        }
    }

    private func examineAll(_ replies: DoctorReplies) async throws {
        let installation = Installation(
            stateDirectory: stateDirectory, socket: socket, stores: await stores(),
            loginFiles: loginFiles(), now: Clock.now)
        let desk = InstallationDesk()
        for part in installation.parts {
            replies.yield(Doctor.Output(registry: "", step: await desk.look(part)))
        }
        for registry in try await publisher.registryStates(named: nil, withLogins: false) {
            try await examine(registry.activity.name, repository: nil, replies)
        }
    }

    /// The registry to look at, and the repository where there is one.
    private func patient(_ text: String) async throws -> (String, String?) {
        guard text.contains("/") else { return (try await registry(text), nil) }
        let reference = try remote(text)
        return (reference.domain, reference.path)
    }

    /// What goes on at registries, and those of them that say how much they may still be asked.
    func activity() async -> [RegistryInfo] {
        let allowances = await publisher.allowances
        let active = await publisher.activity
        let quiet = Set(allowances.keys).subtracting(active.map(\.name)).map {
            RegistryActivity(name: $0)
        }
        return (active + quiet).sorted { $0.name < $1.name }
            .map { RegistryInfo($0, allowance: allowances[$0.name]) }
    }
}
