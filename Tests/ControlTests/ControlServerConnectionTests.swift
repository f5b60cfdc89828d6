import Glibc
import Testing

@testable import Control

@Suite("Connections to the control server", .timeLimit(.minutes(2)))
struct ControlServerConnectionTests {
    @Test(
        "are for the daemon's user, root, and members of the group",
        arguments: [
            (Peer(pid: 1, uid: 0, groups: []), nil, true), (Peer(pid: 1, uid: geteuid(), groups: [1]), nil, true),
            (Peer(pid: 1, uid: geteuid() + 1, groups: [7]), nil, false),
            (Peer(pid: 1, uid: geteuid() + 1, groups: [7]), 8, false),
            (Peer(pid: 1, uid: geteuid() + 1, groups: [6, 7]), 7, true),
        ] as [(Peer, UInt32?, Bool)])
    func access(peer: Peer, group: UInt32?, isAdmitted: Bool) {
        #expect(ControlAccess(group: group).admits(peer) == isAdmitted)
    }

    @Test("carry the identity that the kernel knows")
    func peer() async throws {
        let access = ControlAccess(rule: { $0.uid == geteuid() && $0.pid == getpid() && $0.groups.contains(getegid()) })
        try await withServer(FakeService(onStatus: { _ in .sample }), access: access) { fixture in
            _ = try await fixture.client.call(Status.self, Status.Input())
        }
    }

    @Test("of strangers are told so and closed, also where they call first")
    func strangers() async throws {
        try await withServer(FakeService(onStatus: { _ in .sample }), access: ControlAccess(rule: { _ in false })) {
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
        try await withServer(FakeService(), limits: limits, access: ControlAccess(rule: { _ in false })) { fixture in
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
