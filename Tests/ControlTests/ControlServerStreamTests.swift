import Synchronization
import Testing

@testable import Control

@Suite("Streams of replies", .timeLimit(.minutes(2)))
struct ControlServerStreamTests {
    @Test("tell every change, and the last is the one after which all jobs have ended")
    func follow() async throws {
        let states = [(1, "queued"), (2, "running"), (1, "succeeded"), (2, "waiting"), (2, "failed"), (2, "queued")]
        let service = FakeService(onFollow: { _ in
            AsyncThrowingStream { continuation in
                for (id, state) in states { continuation.yield(Follow.Output(job: .sample(id: id, state: state))) }
            }
        })
        try await withServer(service) { fixture in
            var told: [String] = []
            for try await output in try await fixture.client.stream(Follow.self, Follow.Input(jobs: [1, 2])) {
                told.append("\(output.job.id) \(output.job.state)")
            }
            #expect(told == ["1 queued", "2 running", "1 succeeded", "2 waiting", "2 failed"])
        }
    }

    @Test("mark all but the last reply with 'continues', and calls behind a stream wait for its end")
    func continues() async throws {
        let service = FakeService(
            onFollow: { _ in
                AsyncThrowingStream { continuation in
                    continuation.yield(Follow.Output(job: .sample(state: "running")))
                    continuation.yield(Follow.Output(job: .sample(state: "succeeded")))
                    continuation.finish()
                }
            }, onStatus: { _ in .sample })
        try await withServer(service) { fixture in
            let client = try fixture.raw
            try await client.send(
                #"{"method":"org.pushd.Control.Follow","more":true,"parameters":{"jobs":[7]}}␀{"method":"org.pushd.Control.Status"}␀"#
            )
            let replies = try await client.receive(3)
            #expect(replies.map { $0.contains(#""continues":true"#) } == [true, false, false])
            #expect(replies.last?.contains("stateDirectory") == true)
        }
    }

    @Test("of events without 'follow' end with a reply that has none", arguments: [0, 1, 3])
    func events(count: Int) async throws {
        let event = EventInfo(id: 1, at: Timestamp(milliseconds: 0), kind: "k")
        let service = FakeService(onEvents: { _ in
            AsyncThrowingStream { continuation in
                for _ in 0..<count { continuation.yield(Events.Output(event: event)) }
                continuation.finish()
            }
        })
        try await withServer(service) { fixture in
            var found: [EventInfo?] = []
            for try await output in try await fixture.client.stream(Events.self, Events.Input()) {
                found.append(output.event)
            }
            #expect(found == Array(repeating: event, count: count) + [nil])
        }
    }

    @Test("that fail end with the error")
    func failing() async throws {
        let error = ControlError(.jobNotFound, "no job 3")
        let service = FakeService(onFollow: { _ in
            AsyncThrowingStream { continuation in
                continuation.yield(Follow.Output(job: .sample()))
                continuation.finish(throwing: error)
            }
        })
        try await withServer(service) { fixture in
            var count = 0
            await #expect(throws: error) {
                for try await _ in try await fixture.client.stream(Follow.self, Follow.Input(jobs: [7])) { count += 1 }
            }
            #expect(count == 1)
        }
    }

    @Test("a client that goes away ends its handlers", arguments: ["Follow", "Wait"])
    func vanished(method: String) async throws {
        let (begun, cancelled) = (Signal(), Signal())
        let service = FakeService(
            onFollow: { _ in
                AsyncThrowingStream { continuation in
                    continuation.onTermination = { _ in cancelled.give() }
                    continuation.yield(Follow.Output(job: .sample()))
                    begun.give()
                }
            },
            onWait: { _ in
                try await withTaskCancellationHandler {
                    begun.give()
                    try await Task.sleep(for: .seconds(3600))
                    return Wait.Output(jobs: [])
                } onCancel: {
                    cancelled.give()
                }
            })
        try await withServer(service) { fixture in
            let client = try fixture.raw
            let more = method == "Follow"
            try await client.send(
                #"{"method":"org.pushd.Control.\#(method)","more":\#(more),"parameters":{"jobs":[7]}}␀"#)
            await begun.wait()
            client.hangUp()
            await cancelled.wait()
        }
    }

    @Test("a client that leaves a stream ends it too")
    func left() async throws {
        let cancelled = Signal()
        let service = FakeService(onFollow: { _ in
            AsyncThrowingStream { continuation in
                continuation.onTermination = { _ in cancelled.give() }
                for _ in 0..<3 { continuation.yield(Follow.Output(job: .sample())) }
            }
        })
        try await withServer(service) { fixture in
            let client = try await fixture.client
            for try await _ in client.stream(Follow.self, Follow.Input(jobs: [7])) { break }
            await cancelled.wait()
            let error = await #expect(throws: ControlClientError.self) {
                try await client.call(Status.self, Status.Input())
            }
            #expect(error?.exitStatus == ExitStatus.noDaemon)
        }
    }

    @Test("a client that does not read holds back its own stream, not the others, and is disconnected at last")
    func slowReader() async throws {
        var limits = ControlLimits()
        limits.outputBytes = 100_000
        limits.stall = .milliseconds(300)
        let told = Mutex(0)
        let ended = Signal()
        let hasEnded = Mutex(false)
        let service = FakeService(
            onFollow: { _ in
                let release = OnRelease {
                    hasEnded.withLock { $0 = true }
                    ended.give()
                }
                return AsyncThrowingStream {
                    withExtendedLifetime(release) { told.withLock { $0 += 1 } }
                    return Follow.Output(job: .sample())
                }
            }, onStatus: { _ in .sample })
        try await withServer(service, limits: limits) { fixture in
            let slow = try fixture.raw
            try await slow.send(#"{"method":"org.pushd.Control.Follow","more":true,"parameters":{"jobs":[7]}}␀"#)
            let other = try await fixture.client
            // On a machine that is slow enough, the slow client is gone before a hundred replies.
            while told.withLock({ $0 }) < 100, !hasEnded.withLock({ $0 }) {
                _ = try await other.call(Status.self, Status.Input())
            }
            await ended.wait()
            // The socket's own buffers hold some 200 KB besides the server's.
            #expect(told.withLock { $0 } < 2000)
            _ = try await other.call(Status.self, Status.Input())
            #expect(try await slow.receive().count < 2000)
        }
    }

    @Test("a stream faster than its reader comes whole and in order")
    func backpressure() async throws {
        var limits = ControlLimits()
        limits.outputBytes = 10_000
        let next = Mutex(0)
        let service = FakeService(onFollow: { _ in
            AsyncThrowingStream {
                let id = next.withLock { next in
                    next += 1
                    return next
                }
                return Follow.Output(job: .sample(id: 1, state: id == 3000 ? "succeeded" : "\(id)"))
            }
        })
        try await withServer(service, limits: limits) { fixture in
            var states: [String] = []
            for try await output in try await fixture.client.stream(Follow.self, Follow.Input(jobs: [1])) {
                states.append(output.job.state)
            }
            #expect(states == (1..<3000).map(String.init) + ["succeeded"])
        }
    }
}

/// Tells when nobody holds it any more.
private final class OnRelease: Sendable {
    private let action: @Sendable () -> Void

    init(_ action: @escaping @Sendable () -> Void) { self.action = action }

    deinit { action() }
}
