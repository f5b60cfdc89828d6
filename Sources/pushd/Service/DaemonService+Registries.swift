import Control
import OCI
import Publisher
import PushQueue
import Registry
import System

/// What the control socket offers about registries: logins, pauses, limits, and what is known of them.
extension DaemonService {
    func login(_ input: Login.Input, by caller: Caller) async throws -> Login.Output {
        try await translatingErrors {
            let rights = try await operatorRights(of: caller, for: "a login for all")
            let registry = try await self.registry(ofLogin: input.registry)
            let password = Secret(input.password)
            let isAsked = try await check(input.user, password, at: registry)
            let place = try await keeping { try await $0.store(user: input.user, password: password, for: registry) }
            await publisher.record(
                NewEvent(.login, registry: registry, message: "as \(input.user)", askedBy: Asker(rights.caller)))
            note("login", rights, "at \(registry) as \(input.user)")
            let jobs = try await publisher.loggedIn(at: registry)
            return Login.Output(
                registry: registry, place: place, jobs: jobs.map { Int($0) }, asked: isAsked ? nil : false)
        }
    }

    func logout(_ input: Logout.Input, by caller: Caller) async throws -> Logout.Output {
        try await translatingErrors {
            let rights = try await operatorRights(of: caller, for: "logging out for all")
            let registry = try await self.registry(ofLogin: input.registry)
            let place = try await keeping { try await $0.erase(registry) }
            if place != nil {
                await publisher.record(NewEvent(.logout, registry: registry, askedBy: Asker(rights.caller)))
            }
            note("logout", rights, "at \(registry)")
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

    func pause(_ input: Pause.Input, by caller: Caller) async throws -> Pause.Output {
        try await translatingErrors {
            let rights = try await operatorRights(of: caller, for: "pausing a registry")
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            await publisher.pause(name, by: Asker(rights.caller))
            note("pause", rights, name ?? "all registries")
            return Pause.Output(registries: await activity())
        }
    }

    func resume(_ input: Resume.Input, by caller: Caller) async throws -> Resume.Output {
        try await translatingErrors {
            let rights = try await operatorRights(of: caller, for: "resuming a registry")
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            await publisher.resume(name, by: Asker(rights.caller))
            note("resume", rights, name ?? "all registries")
            return Resume.Output(registries: await activity())
        }
    }

    func limit(_ input: Limit.Input, by caller: Caller) async throws -> Limit.Output {
        try await translatingErrors {
            let rights = try await operatorRights(of: caller, for: "the limit of bandwidth")
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            switch input.change {
            case "set": await publisher.limitBandwidth(.set(Int64(input.bytesPerSecond ?? 1)), of: name)
            case "lift": await publisher.limitBandwidth(.lift, of: name)
            case "default": await publisher.limitBandwidth(.useConfigured, of: name)
            default: break
            }
            if let change = input.change {
                let speed = input.bytesPerSecond.map { " to \($0) bytes a second" } ?? ""
                note("limit", rights, "\(change)\(speed) for \(name ?? "all registries")")
            }
            return Limit.Output(limits: await publisher.bandwidthInForce.map(LimitInfo.init))
        }
    }

    func registries(_ input: Registries.Input, by caller: Caller) async throws -> Registries.Output {
        try await translatingErrors {
            let name: String? = if let text = input.registry { try await registry(text) } else { nil }
            let rights = try await rights(of: caller)
            if input.forget == true, let name {
                _ = try await operatorRights(of: caller, for: "forgetting what is known of a registry")
                try await publisher.forgetRegistry(name)
                note("forget", rights, name)
            }
            let withLogins = input.brief != true && rights.isOperator
            let states = try await publisher.registryStates(named: name, withLogins: withLogins)
            return Registries.Output(registries: states.map { RegistryInfo($0, for: rights) })
        }
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
