import Glibc
import Synchronization
import System
import Testing

@testable import Control

@Suite("Connections to the control server", .timeLimit(.minutes(2)))
struct ControlServerConnectionTests {
    @Test("carry the identity that the kernel knows, also to the service")
    func caller() async throws {
        let seen = Mutex<[Caller]>([])
        let access = ControlAccess { caller in
            seen.withLock { $0.append(caller) }
            return .full
        }
        var service = FakeService()
        service.onCaller = { caller in seen.withLock { $0.append(caller) } }
        service.onStatus = { _ in .sample }
        try await withServer(service, access: access) { fixture in
            _ = try await fixture.client.call(Status.self, Status.Input())
        }
        let callers = seen.withLock { $0 }
        try #require(callers.count == 2)
        #expect(callers[0] == callers[1])
        #expect(callers[0].pid == getpid())
        #expect((callers[0].identity.uid, callers[0].identity.gid) == (geteuid(), getegid()))
        #expect(callers[0].identity.groups == Set(try supplementaryGroups()).sorted())
    }

    private func supplementaryGroups() throws -> [UInt32] {
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = getgroups(Int32(groups.count), &groups)
        try #require(count >= 0)
        return Array(groups.prefix(Int(count)))
    }

    @Test("of one member are bounded by the quota, and leave the kept places to others")
    func quota() async throws {
        var limits = ControlLimits()
        limits.connections = 5
        limits.keptConnections = 2
        let quota = Mutex(2)
        let isMember = Mutex(true)
        let access = ControlAccess { _ in
            isMember.withLock { $0 } ? .limited(connections: quota.withLock { $0 }) : .full
        }
        try await withServer(FakeService(onStatus: { _ in .sample }), limits: limits, access: access) { fixture in
            var clients: [ControlClient] = []
            func connect() async throws -> ControlError? {
                let client = try await fixture.client
                do {
                    _ = try await client.call(Status.self, Status.Input())
                    clients.append(client)
                    return nil
                } catch let error as ControlError { return error }
            }
            #expect(try await connect() == nil)
            #expect(try await connect() == nil)
            let beyond = try #require(try await connect())
            #expect((beyond.kind, beyond.code) == (.tooManyConnections, "quota-connections"))
            #expect(beyond.message.contains("user \(geteuid()) has 2 connections"))
            #expect(beyond.advice?.contains("control.quotas.connections") == true)
            quota.withLock { $0 = 10 }
            #expect(try await connect() == nil)
            let kept = try #require(try await connect())
            #expect((kept.kind, kept.code) == (.tooManyConnections, "too-many-connections"))
            isMember.withLock { $0 = false }
            #expect(try await connect() == nil)
            #expect(try await connect() == nil)
            #expect(try await connect()?.code == "too-many-connections")
            #expect(clients.count == 5)
        }
    }

    @Test("of strangers, however many, keep nobody else out")
    func flood() async throws {
        var limits = ControlLimits()
        limits.connections = 2
        limits.refusalGrace = .seconds(60)
        let isStranger = Mutex(true)
        let access = ControlAccess { _ in isStranger.withLock { $0 } ? .refused : .full }
        try await withServer(FakeService(onStatus: { _ in .sample }), limits: limits, access: access) { fixture in
            let strangers = try (0..<8).map { _ in try fixture.raw }
            // The last is disconnected without a word: the server has seen all before it.
            #expect(try await strangers[7].receive().isEmpty)
            isStranger.withLock { $0 = false }
            _ = try await fixture.client.call(Status.self, Status.Input())
        }
    }

    @Test("of strangers are told so and closed, also where they call first")
    func strangers() async throws {
        try await withServer(FakeService(onStatus: { _ in .sample }), access: ControlAccess(rule: { _ in .refused })) {
            fixture in
            let replies = try await fixture.raw.receive()
            #expect(replies.count == 1)
            #expect(replies.first?.contains(#""error":"org.varlink.service.PermissionDenied""#) == true)
            #expect(replies.first?.contains(#""code":"permission-denied""#) == true)
            let client = try await fixture.client
            for _ in 0..<2 {
                let error = await #expect(throws: ControlError.self) {
                    try await client.call(Status.self, Status.Input())
                }
                #expect(error?.kind == .permissionDenied)
                #expect(error?.advice != nil)
            }
        }
    }

    @Test("are bounded, and one too many is told so")
    func tooMany() async throws {
        var limits = ControlLimits()
        limits.connections = 3
        try await withServer(FakeService(onStatus: { _ in .sample }), limits: limits) { fixture in
            var clients: [ControlClient] = []
            for _ in 0..<3 {
                let client = try await fixture.client
                _ = try await client.call(Status.self, Status.Input())
                clients.append(client)
            }
            let error = await #expect(throws: ControlError.self) {
                try await fixture.client.call(Status.self, Status.Input())
            }
            #expect(error?.kind == .tooManyConnections)
            _ = try await clients[0].call(Status.self, Status.Input())
        }
    }

    @Test("that were refused make room again")
    func refusedLeave() async throws {
        var limits = ControlLimits()
        limits.connections = 2
        limits.refusalGrace = .milliseconds(1)
        try await withServer(FakeService(), limits: limits, access: ControlAccess(rule: { _ in .refused })) { fixture in
            // Four is twice the bound: all are told, stay, and are shown out.
            for _ in 0..<3 {
                let strangers = try (0..<4).map { _ in try fixture.raw }
                for stranger in strangers {
                    let told = try await stranger.receive()
                    #expect(told.count == 1)
                }
            }
        }
    }

    @Test("a stop lets calls end, ends streams, and takes the name away")
    func stop() async throws {
        let (followed, waited, mayEnd) = (Signal(), Signal(), Signal())
        let service = FakeService(
            onFollow: { _ in
                AsyncThrowingStream { continuation in
                    continuation.yield(Follow.Output(job: .sample()))
                    followed.give()
                }
            },
            onWait: { _ in
                waited.give()
                await mayEnd.wait()
                return Wait.Output(jobs: [])
            })
        var limits = ControlLimits()
        limits.stopGrace = .seconds(60)  // the test itself says when the call may end
        try await withServer(service, limits: limits) { fixture in
            let (one, two) = (try await fixture.client, try await fixture.client)
            async let output = one.call(Wait.self, Wait.Input(jobs: [1]))
            let end = Task { for try await _ in two.stream(Follow.self, Follow.Input(jobs: [7])) {} }
            await followed.wait()
            await waited.wait()
            async let stopped: Void = fixture.server.stop()
            let error = await #expect(throws: ControlError.self) { try await end.value }
            #expect(error?.kind == .stopping)
            #expect(!exists(fixture.path))
            mayEnd.give()
            #expect(try await output.jobs.isEmpty)
            await stopped
            await #expect(throws: ControlClientError.self) { try await fixture.client }
        }
    }

    @Test("a stop does not wait for ever")
    func stopGrace() async throws {
        var limits = ControlLimits()
        limits.stopGrace = .milliseconds(50)
        let (waited, mayEnd) = (Signal(), Signal())
        let service = FakeService(onWait: { _ in
            waited.give()
            await mayEnd.wait()  // deaf to its cancellation
            return Wait.Output(jobs: [])
        })
        try await withServer(service, limits: limits) { fixture in
            let client = try await fixture.client
            let output = Task { try await client.call(Wait.self, Wait.Input(jobs: [1])) }
            await waited.wait()
            await fixture.server.stop()
            let error = await #expect(throws: ControlClientError.self) { try await output.value }
            #expect(error?.cause == .connectionLost(reason: "it closed the connection"))
            mayEnd.give()
        }
    }

    @Test("run() returns when its task is cancelled")
    func run() async throws {
        try await withServer(FakeService()) { fixture in
            let task = Task { await fixture.server.run() }
            task.cancel()
            await task.value
            #expect(!exists(fixture.path))
        }
    }
}
