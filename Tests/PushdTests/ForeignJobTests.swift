import Control
import FoundationEssentials
import PushQueue
import TestSupport
import Testing

@testable import Publisher
@testable import pushd

@Suite("Another user's job", .timeLimit(.minutes(1)))
struct ForeignJobTests {
    /// All that a member gets to see of job 1, as JSON: by every method that shows jobs.
    private func seen(by bench: ServiceBench, _ job: Int) async throws -> [String] {
        let (service, member) = (bench.service, ServiceBench.member)
        var seen: [String] = []
        func add(_ value: some Encodable) throws {
            seen.append(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
        }
        try add(try await service.list(List.Input(withBlobs: true), by: member))
        try add(try await service.show(Show.Input(job: job), by: member))
        for try await reply in service.follow(Follow.Input(jobs: [job]), by: member) { try add(reply) }
        try add(try await service.wait(Wait.Input(jobs: [job]), by: member))
        for try await reply in service.events(Events.Input(), by: member) { try add(reply) }
        try add(try await service.registries(Registries.Input(), by: member))
        return seen
    }

    @Test("shows a member its id, its state, its registry and its times, and nothing else")
    func hidden() async throws {
        try await ServiceBench.with { bench in
            let job = try await bench.push(as: ServiceBench.root, to: "secret/place:1")
            _ = try await bench.service.cancel(Cancel.Input(jobs: [job]), by: ServiceBench.root)
            let whole = try await bench.service.show(Show.Input(job: job), by: ServiceBench.operators).job
            #expect(whole.destination == "127.0.0.1:1/secret/place:1")
            #expect(whole.askedBy == AskerInfo(uid: 0, pid: 1))
            let seen = try await seen(by: bench, job)
            #expect(seen.count > 6)
            for text in seen {
                for secret in ["secret", "place", "app:1", "images", whole.digest] {
                    #expect(!text.contains(secret), "\(secret) in \(text)")
                }
                #expect(!text.contains("askedBy"), "\(text)")
            }
            let reduced = try await bench.service.show(Show.Input(job: job), by: ServiceBench.member).job
            var expected = JobInfo(
                id: job, state: "canceled", image: "", source: "", digest: "", destination: "127.0.0.1:1", origin: "",
                priority: 0, verify: "", attempts: 0, createdAt: whole.createdAt, updatedAt: whole.updatedAt,
                bytesTotal: 0, bytesUploaded: 0, bytesMounted: 0, bytesExisting: 0, hidden: true)
            expected.endedAt = whole.endedAt
            #expect(reduced == expected)
        }
    }

    @Test("is told apart from an own one, which is whole, with who asked for it")
    func own() async throws {
        try await ServiceBench.with { bench in
            let job = try await bench.push(as: ServiceBench.member, to: "mine:1")
            let shown = try await bench.service.show(Show.Input(job: job), by: ServiceBench.member).job
            #expect(shown.destination == "127.0.0.1:1/mine:1")
            #expect(shown.askedBy == AskerInfo(uid: 7002, name: "mel", pid: 7003))
            #expect(shown.hidden == nil && shown.blobs?.isEmpty == false)
            var events: [EventInfo] = []
            for try await reply in bench.service.events(Events.Input(), by: ServiceBench.member) {
                events += reply.event.map { [$0] } ?? []
            }
            #expect(events.last?.askedBy == AskerInfo(uid: 7002, name: "mel", pid: 7003))
            #expect(events.last?.destination == "127.0.0.1:1/mine:1")
        }
    }

    @Test("that failed is not retried by a member who retries all that failed")
    func retryAll() async throws {
        try await ServiceBench.with { bench in
            let jobs = [
                try await bench.push(as: ServiceBench.root, to: "a:1"),
                try await bench.push(as: ServiceBench.member, to: "b:1"),
            ]
            for _ in jobs {
                let claim = try #require(
                    try await bench.publisher.queue.claim(excludingRegistries: [], now: Clock.now))
                try await bench.publisher.queue.fail(
                    claim, error: JobError(code: "denied", message: "no"), now: Clock.now)
            }
            let output = try await bench.service.retry(Retry.Input(failed: true), by: ServiceBench.member)
            #expect(output.jobs.map(\.id) == [jobs[1]])
            #expect(output.left == nil)
        }
    }

    @Test("that acts with the daemon's rights is not retried by its user, who is no operator any more")
    func demoted() async throws {
        try await ServiceBench.with { bench in
            let job = try await bench.push(as: ServiceBench.operators, to: "a:1")
            bench.roles.value = ControlRoles(own: 7000, members: 7001)
            let output = try await bench.service.cancel(Cancel.Input(jobs: [job]), by: ServiceBench.operators)
            #expect(output.jobs.map(\.state) == ["canceled"])
            let error = await #expect(throws: ControlError.self) {
                try await bench.service.retry(Retry.Input(jobs: [job]), by: ServiceBench.operators)
            }
            #expect(error?.code == "job-of-another")
        }
    }
}
