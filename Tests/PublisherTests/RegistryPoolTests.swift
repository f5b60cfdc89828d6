import HTTP
import OCI
import PushQueue
import Registry
import Synchronization
import TestSupport
import Testing

@testable import Publisher

/// Jobs that came with a login of their own.
@Suite("The login that a job came with")
struct RegistryPoolTests {
    /// Two jobs of one destination, and a pool that notes the users its clients are made for.
    private func withPool(
        _ body:
            @Sendable (
                _ pool: RegistryPool, _ users: @Sendable () -> [String?], _ one: Job, _ two: Job
            ) async throws -> Void
    ) async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                try bench.image("app:2", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
                func job(_ image: String) async throws -> Job {
                    try await bench.publish(image, to: registry.address + "/r:x") {
                        $0.login = .given(user: "u", password: Secret("p"))
                    }.job
                }
                let (one, two) = (try await job("app:1"), try await job("app:2"))
                let users = Users()
                let queue = bench.queue
                let pool = RegistryPool(
                    make: { name, login, common throws(RegistryError) in
                        users.names.withLock { $0.append(login?.login.user) }
                        return try RegistryClient(
                            domain: name, settings: RegistrySettings(), http: HTTPClient(),
                            credentials: NoCredentials(), gate: common.gate)
                    },
                    makeCommon: { name in
                        RegistryPool.Common(
                            facts: RegistryFacts(
                                registry: name, queue: queue, age: .seconds(60), clock: { Bench.now }),
                            gate: RequestGate(limits: RequestLimits()))
                    })
                try await body(pool, { users.names.withLock { $0 } }, one, two)
            }
        }
    }

    private final class Users: Sendable {
        let names = Mutex<[String?]>([])
    }

    private func login(_ user: String) -> GivenLogin {
        GivenLogin(
            login: FoundCredential(credential: .basic(user: user, password: Secret("x")), origin: "a test"),
            mayMakeRepository: true)
    }

    @Test("is never another's, when two are accepted for one destination at the same moment")
    func twoAtOnce() async throws {
        try await withPool { pool, users, one, two in
            let ann = await pool.expectLogin(login("ann"), for: one.destination)
            let bob = await pool.expectLogin(login("bob"), for: two.destination)
            // What is accepted second may be known first.
            let begun = Task { _ = try await pool.registry(for: two) }
            await pool.settleLogin(bob, job: two.id)
            try await begun.value
            await pool.settleLogin(ann, job: one.id)
            _ = try await pool.registry(for: one)
            #expect(users() == ["bob", "ann"])
        }
    }

    @Test("is waited for by a job that begins before it is known whose it is, until it is cancelled")
    func undecided() async throws {
        try await withPool { pool, users, one, two in
            let ann = await pool.expectLogin(login("ann"), for: one.destination)
            let begun = Task { _ = try await pool.registry(for: two) }
            begun.cancel()
            await #expect(throws: CancellationError.self) { try await begun.value }
            #expect(users().isEmpty)
            let next = Task { _ = try await pool.registry(for: two) }
            await pool.settleLogin(ann, job: nil)
            let error = await #expect(throws: PushFailure.self) { try await next.value }
            #expect(error?.error.code == "own-login-gone", "what was not accepted leaves no login")
            #expect(users().isEmpty)
        }
    }

    @Test("is not waited for by a job without one, however many pushes to its destination bring some")
    func others() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000)])
                let destination = try ImageReference(parsing: registry.address + "/r:x")
                _ = await bench.publisher.registries.expectLogin(login("ann"), for: destination)
                try await bench.publish("app:1", to: destination.description)
            }
        }
    }
}
