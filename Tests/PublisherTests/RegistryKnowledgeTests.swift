import FoundationEssentials
import OCI
import PushQueue
import Registry
import Synchronization
import System
import TestSupport
import Testing

@testable import Publisher

@Suite("What is known of registries")
struct RegistryKnowledgeTests {
    @Test("how many manifests a second one takes is learned from its 429, kept, and obeyed")
    func manifestRate() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                registry.faults.add(
                    Fault(.manifest, method: "PUT", .respond(Answer(429, headers: [("Retry-After", "0")]))))
                try await bench.publish("app:1", to: "\(registry.address)/a:1")
                let facts = try await bench.queue.facts(registry: registry.address)
                #expect(facts.first { $0.name == "manifest-rate" }?.value == "1")
                let state = try #require(try await bench.publisher.registryStates(named: registry.address).first)
                #expect(state.learned.contains { $0.name == "manifest-rate" })

                // Three more manifests, one a second: the tag may come no sooner than two seconds after the first.
                let arm = Platform(os: "linux", architecture: "arm64")
                let children = [
                    try bench.builder.addImage(layers: [], label: "amd"),
                    try bench.builder.addImage(layers: [], platform: arm),
                ]
                try bench.builder.addIndex(of: children, name: "multi:1")
                try bench.builder.writeIndexJSON()
                let start = ContinuousClock.now
                try await bench.publish("multi:1", to: "\(registry.address)/a:2")
                let last = try #require(registry.requests(.manifest, method: "PUT").last)
                #expect(last.at - start > .milliseconds(1990))
            }
        }
    }

    @Test("is forgotten by command, with what the registry is remembered to have, and found out anew")
    func forget() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let layer = try bench.builder.addLayer(size: 100_000)
                try bench.image("app:1", layers: [layer])
                try await bench.publish("app:1", to: "\(registry.address)/a:1")
                #expect(try await !bench.queue.facts(registry: registry.address).isEmpty)
                let names = try await bench.publisher.registryStates(named: nil).map(\.activity.name)
                #expect(names == [registry.address])

                try await bench.publisher.forgetRegistry(registry.address)
                #expect(try await bench.queue.facts(registry: registry.address).isEmpty)
                let state = try #require(try await bench.publisher.registryStates(named: registry.address).first)
                #expect(state.learned.isEmpty)

                // The registry was wiped, say: everything is sent again.
                registry.removeBlob(layer.digest, from: "a")
                try await bench.publish("app:1", to: "\(registry.address)/a:2") { $0.force = false }
                #expect(registry.bodyBytes(for: layer.digest) == 2 * layer.size)
                #expect(try await !bench.queue.facts(registry: registry.address).isEmpty)
            }
        }
    }

    @Test("includes how much it says that it may still be asked")
    func allowance() async throws {
        try await TestRegistry.with { registry in
            registry.faults.add(Fault(nil, times: .max, .setHeader("RateLimit-Limit", "100;w=21600")))
            registry.faults.add(Fault(nil, times: .max, .setHeader("RateLimit-Remaining", "76;w=21600")))
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                try await bench.publish("app:1", to: "\(registry.address)/a:1")
                let allowance = await bench.publisher.allowances[registry.address]
                #expect(allowance?.limit == 100)
                #expect(allowance?.remaining == 76)
                #expect(allowance?.window == .seconds(21_600))
            }
        }
    }

    @Test("an examination tries to push where a push succeeded last")
    func examinedRepository() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                let before = Recorder()
                try await bench.publisher.examine(registry.address, repository: nil) { before.add($0) }
                #expect(before.last?.text.contains("pushd-doctor") == true)
                try await bench.publish("app:1", to: "\(registry.address)/team/a:1")
                let after = Recorder()
                try await bench.publisher.examine(registry.address, repository: nil) { after.add($0) }
                #expect(after.last?.text.contains("team/a") == true)
            }
        }
    }
}

@Suite("A push with a login of its own")
struct PushLoginTests {
    private let authentication = TestAuthentication.basic(user: "caller", password: "callers-secret")

    @Test("uses it in place of the daemon's, for its own job only, and leaves it nowhere")
    func own() async throws {
        try await TestRegistry.with(authentication: authentication) { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                try await bench.publish("app:1", to: "\(registry.address)/a:1") {
                    $0.login = .given(user: "caller", password: Secret("callers-secret"))
                }
                #expect(registry.tags("a").keys.sorted() == ["1"])
                let other = try await bench.settled(try await bench.push("app:1", to: "\(registry.address)/b:1"))
                #expect(other.job.state == .blocked)
                #expect(other.job.error?.code == "login-missing")
                let root = bench.directory.path
                let files = try FileManager.default.subpathsOfDirectory(atPath: root)
                #expect(files.contains { $0.hasPrefix("queue.db") })
                for file in files {
                    let content = FileManager.default.contents(atPath: root + "/" + file) ?? Data()
                    #expect(content.firstRange(of: Data("callers-secret".utf8)) == nil, "\(file)")
                }
            }
        }
    }

    @Test("shows a password that is given to one registry only")
    func oneRegistry() async throws {
        try await Bench.with { bench in
            try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
            var request = PushRequest(image: "app:1")
            request.destinations = ["a.example/app:1", "b.example/app:1"]
            request.login = .given(user: "caller", password: Secret("callers-secret"))
            let both = request
            let error = await #expect(throws: PushRefusal.self) { try await bench.publisher.push(both) }
            #expect(error?.description == "the login would go to 2 registries: a.example, b.example")
            #expect(try await bench.publisher.jobs(JobFilter()).isEmpty)
        }
    }

    @Test("is not joined by a push without one, which is a job of its own")
    func notJoined() async throws {
        try await TestRegistry.with(authentication: authentication) { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                await bench.publisher.pause(registry.address)
                let id = try await bench.push("app:1", to: "\(registry.address)/a:1") { $0.login = given }
                #expect(try await bench.push("app:1", to: "\(registry.address)/a:1") { $0.login = given } == id)
                let other = try await bench.push("app:1", to: "\(registry.address)/a:1")
                #expect(other != id)
                await bench.publisher.resume(registry.address)
                let ended = try await bench.settled(other)
                #expect(ended.job.error?.code == "login-missing")
            }
        }
    }

    private var given: PushLogin { .given(user: "caller", password: Secret("callers-secret")) }

    @Test("is ended, and its retry waits for another: its own is not kept, and the daemon's is not for it")
    func ended() async throws {
        try await TestRegistry.with(authentication: authentication) { registry in
            let daemons = OneLogin(user: "caller", password: Secret("callers-secret"), origin: "the daemon's")
            try await Bench.with(credentials: daemons) { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                await bench.publisher.pause(registry.address)
                let id = try await bench.push("app:1", to: "\(registry.address)/a:1") { $0.login = given }
                _ = try await bench.publisher.cancel([id])
                try await bench.waitFor(.canceled, of: id)
                await bench.publisher.resume(registry.address)
                #expect(try await bench.publisher.retry([id]).revived == [id])
                let again = try await bench.settled(id)
                #expect(again.job.state == .blocked)
                #expect(again.job.error?.code == "own-login-gone")
                #expect(again.job.error?.advice?.contains("pushctl retry \(id) --my-login") == true)
                #expect(try await bench.publisher.retry([id], login: given).revived == [id])
                try await bench.waitFor(.succeeded, of: id)
            }
        }
    }

    @Test("is not followed by the daemon's after a restart: the job waits, and goes on with the same push")
    func restarted() async throws {
        try await TestRegistry.with(authentication: authentication) { registry in
            let daemons = OneLogin(user: "caller", password: Secret("callers-secret"), origin: "the daemon's")
            try await TemporaryDirectory.with { directory in
                let id = Mutex<JobID>(0)
                try await Bench.with(in: directory, credentials: daemons, runs: false) { bench in
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                    let job = try await bench.push("app:1", to: "\(registry.address)/a:1") { $0.login = given }
                    id.withLock { $0 = job }
                }
                let job = id.withLock { $0 }
                try await Bench.with(in: directory, credentials: daemons) { bench in
                    let blocked = try await bench.settled(job).job
                    #expect((blocked.state, blocked.error?.code) == (.blocked, "own-login-gone"))
                    #expect(blocked.error?.advice?.contains("--my-login") == true)
                    #expect(registry.requests.isEmpty, "the registry was not asked with another login")
                    let same = try await bench.push("app:1", to: "\(registry.address)/a:1") { $0.login = given }
                    #expect(same == job)
                    try await bench.waitFor(.succeeded, of: job)
                }
            }
        }
    }

    @Test("of a member does not choose the namespace of an image without one")
    func namespace() async throws {
        try await Bench.with(
            { $0.defaultRegistry = "r.example" },
            credentials: OneLogin(user: "root", password: Secret("x"), origin: "the daemon's")
        ) { bench in
            try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
            func destination(_ rights: CallerRights?) async throws -> String? {
                var request = PushRequest(image: "app:1")
                request.login = given
                request.rights = rights
                return try await bench.publisher.plan(request).pushes.first?.destination.description
            }
            let caller = Caller(identity: UserIdentity(uid: 1000, gid: 1000), pid: 1)
            #expect(try await destination(.member(caller, allowed: [])) == "r.example/root/app:1")
            #expect(try await destination(.operator(caller)) == "r.example/caller/app:1")
            #expect(try await destination(nil) == "r.example/caller/app:1")
        }
    }

    @Test("takes it from the caller's files, by the most specific entry")
    func files() async throws {
        try await TestRegistry.with(authentication: authentication) { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                // caller:callers-secret
                let right = "Y2FsbGVyOmNhbGxlcnMtc2VjcmV0"
                let document = """
                    {"auths":{"\(registry.address)":{"auth":"bWU6d3Jvbmc="},"\(registry.address)/team":{"auth":"\(right)"}}}
                    """
                let logins = try CallersLogins(files: [("/home/u/auth.json", Array(document.utf8))])
                try await bench.publish("app:1", to: "\(registry.address)/team/a:1") { $0.login = .files(logins) }
            }
        }
    }

    @Test("is refused at once where the caller has none for the destination, or one that only a program can give")
    func missing() async throws {
        try await Bench.with { bench in
            try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
            for (document, failure) in [
                (#"{"auths":{"other.example":{"auth":"bWU6d3Jvbmc="}}}"#, CallersLogins.Failure.missing),
                (
                    #"{"credHelpers":{"r.example":"pass"}}"#,
                    .keptByHelper(name: "pass", path: "/f")
                ),
            ] {
                let logins = try CallersLogins(files: [("/f", Array(document.utf8))])
                let error = await #expect(throws: PushRefusal.self) {
                    _ = try await bench.push("app:1", to: "r.example/a:1") { $0.login = .files(logins) }
                }
                guard case .loginMissing("r.example", failure) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(error?.advice?.contains("--password-stdin") == true)
            }
            #expect(try await bench.publisher.jobs(JobFilter()).isEmpty)
        }
    }

    @Test("blocked because it was refused, goes on with the daemon's login as soon as there is one")
    func refused() async throws {
        try await TestRegistry.with(authentication: authentication) { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                let id = try await bench.push("app:1", to: "\(registry.address)/a:1") {
                    $0.login = .given(user: "caller", password: Secret("wrong"))
                }
                let blocked = try await bench.settled(id)
                #expect(blocked.job.error?.code == "login-rejected")
                registry.setAuthentication(.none)  // stands for a login that is right
                #expect(try await bench.publisher.loggedIn(at: registry.address) == [id])
                try await bench.waitFor(.succeeded, of: id)
            }
        }
    }
}

/// Keeps what it is told.
private final class Recorder: Sendable {
    private let steps = Mutex<[ExaminationStep]>([])

    func add(_ step: ExaminationStep) { steps.withLock { $0.append(step) } }
    var last: ExaminationStep? { steps.withLock { $0.last } }

    @Test("whether one of this machine speaks TLS is kept, over a restart too, until it is forgotten by hand")
    func scheme() async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                for greetings in [1, 1] {
                    try await Bench.with(in: directory, { $0.registry.plainHTTP = nil }) { bench in
                        let tag = registry.methods.count
                        try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                        try await bench.publish("app:1", to: "\(registry.address)/r:\(tag)")
                        #expect(registry.server.greetingsInTLS == greetings)
                        let states = try await bench.publisher.registryStates(named: registry.address)
                        #expect(states.first?.learned.contains { $0.name == "loopback-scheme" } == true)
                    }
                }
                try await Bench.with(in: directory, { $0.registry.plainHTTP = nil }) { bench in
                    for greetings in [2, 3] {
                        try await bench.publisher.forgetRegistry(registry.address)
                        let states = try await bench.publisher.registryStates(named: registry.address)
                        #expect(states.first?.learned.isEmpty == true)
                        try await bench.publish("app:1", to: "\(registry.address)/r:again\(greetings)")
                        #expect(registry.server.greetingsInTLS == greetings)
                    }
                }
            }
        }
    }
}
