import FoundationEssentials
import PushQueue
import Registry
import Synchronization
import System
import TestSupport
import Testing

@testable import Publisher

@Suite("A push to a repository that is missing")
struct RepositoryCreationTests {
    private static let login = OneLogin(user: "me", password: Secret("pass word"), origin: "/auth.json")

    /// A registry that has only what a command has written into the file `made`, one repository a line.
    ///
    /// - Parameter script: what `sh` runs, with that file as `$0` and the repository as `$1`.
    private static func with(
        _ script: String, _ body: @Sendable (Bench, TestRegistry, _ made: () -> [String]) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            let file = directory.file("made")
            let made: @Sendable () -> [String] = {
                let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
                return text.split(separator: "\n").map(String.init)
            }
            let gate: @Sendable (Exchange) throws -> Bool = { exchange in
                let path = exchange.head.target.dropFirst("/v2/".count)
                guard exchange.head.method == "POST", let end = path.firstRange(of: "/blobs/uploads/") else {
                    return false
                }
                if made().contains(String(path[..<end.lowerBound])) { return false }
                try exchange.send(.refusal(404, "NAME_UNKNOWN", "The repository does not exist in the registry"))
                return true
            }
            try await TestRegistry.with(profile: .ecr, beside: gate) { registry in
                let command = try RepositoryCommand(["/bin/sh", "-c", script, file, "{repository}"])
                try await Bench.with(Self.creating(.command(command), at: registry)) {
                    try await body($0, registry, made)
                }
                #expect(registry.violations.isEmpty, "\(registry.violations)")
            }
        }
    }

    private static func creating(
        _ creation: RepositoryCreation, at registry: TestRegistry
    ) -> (inout PublisherSettings) -> Void {
        { settings in
            var own = settings.registry
            own.createRepository = creation
            settings.registries[registry.address] = own
        }
    }

    @Test("goes on in the same attempt after the command has made it, once for all that need it")
    func command() async throws {
        try await Self.with("echo \"$1\" >> \"$0\"") { bench, registry, made in
            for number in 1...4 {
                try bench.image(
                    "app:\(number)", layers: [try bench.builder.addLayer(size: 90_000, seed: UInt64(number))])
            }
            var jobs: [JobID] = []
            for number in 1...4 {
                jobs.append(try await bench.push("app:\(number)", to: "\(registry.address)/team/app:\(number)"))
            }
            for job in jobs {
                let ended = try await bench.settled(job)
                #expect(ended.job.state == .succeeded, "\(String(describing: ended.job.error))")
                #expect(ended.job.attempts == 1 && ended.job.failures == 0)
            }
            #expect(made() == ["team/app"])
            #expect(bench.log.count { if case .repositoryMade(_, "team/app") = $0 { true } else { false } } == 1)
        }
    }

    @Test("of a member is left missing where the configuration does not allow him the daemon's means, and else made")
    func member() async throws {
        try await Self.with("echo \"$1\" >> \"$0\"") { bench, registry, made in
            try bench.image("app:1", layers: [try bench.builder.addLayer(size: 9000)])
            let caller = Caller(identity: UserIdentity(uid: 1000, gid: 1000), pid: 1)
            func push(_ repository: String) async throws -> Job {
                let allowed = [try DestinationPattern("\(registry.address)/ci/**")]
                let job = try await bench.push("app:1", to: "\(registry.address)/\(repository):1") {
                    $0.rights = .member(caller, allowed: allowed)
                    $0.login = .given(user: "me", password: Secret("x"))
                }
                return try await bench.settled(job).job
            }
            let other = try await push("team/app")
            #expect(other.state == .blocked, "\(String(describing: other.error))")
            #expect(made().isEmpty)
            let own = try await push("ci/app")
            #expect(made() == ["ci/app"])
            #expect(own.state == .succeeded, "\(String(describing: own.error))")
        }
    }

    @Test("stays blocked with the command's own words where that fails, and says what to do")
    func commandFails() async throws {
        try await Self.with("[ -e \"$0\" ] || { echo AccessDenied: not you >&2; exit 254; }") { bench, registry, made in
            try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
            let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/team/app:1"))
            #expect(ended.job.state == .blocked)
            let error = try #require(ended.job.error)
            #expect(error.code == "repository-creation-refused")
            #expect(error.message.contains("exit status 254, and it says: AccessDenied: not you"), "\(error.message)")
            #expect(error.advice?.contains("pushctl retry") == true)
        }
    }

    @Test("goes on where the command fails because somebody else was quicker")
    func quicker() async throws {
        let script = "echo \"$1\" >> \"$0\"; echo RepositoryAlreadyExistsException >&2; exit 254"
        try await Self.with(script) { bench, registry, _ in
            try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
            let ended = try await bench.publish("app:1", to: registry.address + "/team/app:1")
            #expect(ended.job.attempts == 1)
        }
    }

    @Test("waits and is tried again where the command is well and the registry does not notice")
    func unnoticed() async throws {
        let looks = Mutex(0)
        let beside: @Sendable (Exchange) throws -> Bool = { exchange in
            guard exchange.head.method == "POST",
                looks.withLock({
                    $0 += 1; return $0
                }) <= 8
            else { return false }
            try exchange.send(.refusal(404, "NAME_UNKNOWN"))
            return true
        }
        try await TestRegistry.with(beside: beside) { registry in
            let command = try RepositoryCommand(["/bin/true"])
            try await Bench.with(Self.creating(.command(command), at: registry)) { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
                let ended = try await bench.publish("app:1", to: registry.address + "/team/app:1")
                #expect(ended.job.attempts > 1)
                let attempts = try await bench.publisher.attempts(of: ended.job.id)
                #expect(attempts.first?.error?.code == "repository-creation-failed")
            }
        }
    }

    @Test("to Docker Hub: it is private before the registry sees a first byte, and an existing one stays public")
    func hub() async throws {
        let interface = HubInterface(
            user: "me", password: "pass word", namespaces: ["team"], repositories: ["team/old": false])
        try await ScriptedServer.with({ try interface.handle($0) }) { hub in
            let service = TestTokenService(user: "me", password: "pass word")
            try await TestRegistry.with(authentication: .bearer(service)) { registry in
                try await Bench.with(
                    Self.creating(.hub(.private), at: registry), credentials: Self.login, hub: hub.url()
                ) { bench in
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
                    try await bench.publish("app:1", to: registry.address + "/team/app:1")
                    try await bench.publish("app:1", to: registry.address + "/team/old:1")
                    #expect(interface.repositories == ["team/app": true, "team/old": false])
                    let made = try #require(hub.requests.first { $0.target == "/v2/namespaces/team/repositories" })
                    let first = try #require(registry.requests.first)
                    #expect(try #require(made.endedAt) <= first.at)
                    #expect(hub.problems.isEmpty, "\(hub.problems)")
                }
            }
        }
    }

    @Test("to Docker Hub: nothing is pushed while its interface can't tell whether the repository is there")
    func hubAway() async throws {
        let interface = HubInterface(user: "me", password: "pass word", namespaces: ["team"])
        interface.fail(with: Answer(503), Answer(503))
        try await ScriptedServer.with({ try interface.handle($0) }) { hub in
            try await TestRegistry.with { registry in
                try await Bench.with(
                    Self.creating(.hub(.private), at: registry), credentials: Self.login, hub: hub.url()
                ) { bench in
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
                    let ended = try await bench.publish("app:1", to: registry.address + "/team/app:1")
                    #expect(ended.job.attempts == 3)
                    let made = try #require(hub.requests.first { $0.target == "/v2/namespaces/team/repositories" })
                    #expect(try #require(made.endedAt) <= (try #require(registry.requests.first).at))
                }
            }
        }
    }

    @Test("to Harbor: its project is made, and the push goes on")
    func harbor() async throws {
        let interface = HarborInterface(user: "me", password: "pass word")
        let beside: @Sendable (Exchange) throws -> Bool = { exchange in
            if try interface.handle(exchange) { return true }
            // As Harbor answers whatever a project is missing for.
            guard interface.projects["team"] == nil else { return false }
            try exchange.send(
                Answer(
                    401,
                    headers: [("Content-Type", "application/json"), ("WWW-Authenticate", "Basic realm=\"harbor\"")],
                    #"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized to access repository: team/app, action: push"}]}"#
                ))
            return true
        }
        let registryLogin = TestAuthentication.basic(user: "me", password: "pass word")
        try await TestRegistry.with(authentication: registryLogin, beside: beside) { registry in
            try await Bench.with(
                Self.creating(.harbor(.private), at: registry), credentials: Self.login
            ) { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
                let ended = try await bench.publish("app:1", to: registry.address + "/team/app:1")
                #expect(ended.job.attempts == 1)
                #expect(interface.projects == ["team": false])
            }
        }
    }

    @Test("and no setting is blocked, and told how to make it and of the setting")
    func withoutSetting() async throws {
        try await TestRegistry.with(profile: .ecr.with { $0.wantsRepositoryFirst = true }) { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 90_000)])
                let ended = try await bench.settled(try await bench.push("app:1", to: registry.address + "/team/app:1"))
                #expect(ended.job.state == .blocked && ended.job.error?.code == "repository-missing")
                let advice = try #require(ended.job.error?.advice)
                #expect(advice.contains("create \(registry.address)/team/app first"), "\(advice)")
                #expect(advice.contains("createRepository"), "\(advice)")
            }
        }
    }
}
