import Synchronization
import Testing

@testable import Control

@Suite("Pipelined calls", .timeLimit(.minutes(2)))
struct ControlServerPipelineTests {
    @Test("of an overlapping method run side by side and are answered in order")
    func overlapping() async throws {
        // The first call ends only when the last has begun: one at a time would wait for ever.
        let lastHasBegun = Signal()
        let service = FakeService(onPush: { input in
            if input.image == "0" { await lastHasBegun.wait() }
            if input.image == "63" { lastHasBegun.give() }
            return .named(input.image)
        })
        try await withServer(service) { fixture in
            let inputs = (0..<64).map { Push.Input(image: "\($0)") }
            let results = try await fixture.client.callMany(Push.self, inputs)
            #expect(try results.map { try $0.get().jobs[0].image } == inputs.map(\.image))
        }
    }

    @Test("are bounded by the window, and all of many are answered", arguments: [1, 4, 64])
    func window(size: Int) async throws {
        var limits = ControlLimits()
        limits.callsInFlight = size
        let running = Mutex((now: 0, most: 0))
        let service = FakeService(onPush: { input in
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            await Task.yield()
            running.withLock { $0.now -= 1 }
            return .named(input.image)
        })
        try await withServer(service, limits: limits) { fixture in
            let inputs = (0..<2000).map { Push.Input(image: "\($0)") }
            let results = try await fixture.client.callMany(Push.self, inputs)
            #expect(try results.map { try $0.get().jobs[0].image } == inputs.map(\.image))
            #expect(running.withLock { $0.most } <= size)
        }
    }

    @Test("of other methods begin when those before are answered")
    func exclusive() async throws {
        let log = Mutex<[String]>([])
        let service = FakeService(
            onPush: { input in
                log.withLock { $0.append("push begins") }
                await Task.yield()
                log.withLock { $0.append("push ends") }
                return .named(input.image)
            },
            onShow: { _ in
                log.withLock { $0.append("show begins") }
                await Task.yield()
                log.withLock { $0.append("show ends") }
                return Show.Output(job: .sample(), attempts: [])
            })
        try await withServer(service) { fixture in
            let client = try fixture.raw
            let push = #"{"method":"org.pushd.Control.Push","parameters":{"image":"a"}}␀"#
            let show = #"{"method":"org.pushd.Control.Show","parameters":{"job":1}}␀"#
            try await client.send(push + show + show + push)
            #expect(try await client.receive(4).count == 4)
            #expect(
                log.withLock { $0 } == [
                    "push begins", "push ends", "show begins", "show ends", "show begins", "show ends", "push begins",
                    "push ends",
                ])
        }
    }

    @Test("that fail at once are answered in their place")
    func errorsInOrder() async throws {
        let mayEnd = Signal()
        let service = FakeService(
            onPush: { input in
                await mayEnd.wait()
                return .named(input.image)
            })
        try await withServer(service) { fixture in
            let client = try fixture.raw
            let push = #"{"method":"org.pushd.Control.Push","parameters":{"image":"a"}}␀"#
            try await client.send(push + #"{"method":"org.pushd.Control.Nope"}␀"# + push)
            mayEnd.give()
            let replies = try await client.receive(3)
            #expect(replies.map { $0.contains("MethodNotFound") } == [false, true, false])
        }
    }

    @Test("one client's waiting calls do not hold up another's")
    func independent() async throws {
        let mayEnd = Signal()
        let service = FakeService(
            onWait: { _ in
                await mayEnd.wait()
                return Wait.Output(jobs: [])
            }, onStatus: { _ in .sample })
        try await withServer(service) { fixture in
            let (waiting, other) = (try await fixture.client, try await fixture.client)
            async let waited = waiting.call(Wait.self, Wait.Input(jobs: [1]))
            for _ in 0..<10 { _ = try await other.call(Status.self, Status.Input()) }
            mayEnd.give()
            #expect(try await waited.jobs.isEmpty)
        }
    }
}

extension Push.Output {
    static func named(_ image: String) -> Push.Output {
        var job = JobInfo.sample()
        job.image = image
        return Push.Output(jobs: [job])
    }
}
