import HTTP
import ImageStore
import OCI
import PushQueue
import Registry
import Synchronization
import TestSupport
import Testing

@testable import Publisher

extension Engine {
    /// As after a failure of the registry, with a pause of a millisecond.
    fileprivate func breakDown(_ registry: String) {
        let policy = RetryPolicy(base: .milliseconds(1), cap: .milliseconds(1))
        _ = schedule.failed(
            registry, now: parts.clocks.elapsed(), .init(), reason: "down", policy: policy, random: 0)
    }

    fileprivate func isOpen(_ registry: String) -> Bool { schedule.isOpen(registry) }

    /// The job is given up after so many milliseconds.
    fileprivate func setLastCall(_ job: JobID, at registry: String, in time: Int64) {
        lastCalls[job] = LastCall(registry: registry, time: tryTime.open(registry) + time)
    }
}

/// What happens at each claim: set once there is what it needs.
private final class Hook: Sendable {
    private let action = Mutex<@Sendable (JobID) async -> Void>({ _ in })

    func set(_ new: @escaping @Sendable (JobID) async -> Void) { action.withLock { $0 = new } }

    func call(_ job: JobID) async {
        let now = action.withLock { $0 }
        await now(job)
    }
}

/// An engine whose claims a test sees before the engine has a run for them.
private final class Workshop: Sendable {
    let queue: JobStore
    let engine: Engine
    let log = TestLog()
    let claimed = Hook()

    init(_ directory: TemporaryDirectory) throws {
        var settings = PublisherSettings()
        settings.registry.plainHTTP = true
        let (log, claimed, clock) = (log, claimed, Clocks.machine.wall)
        queue = try JobStore(path: directory.file("queue.db"))
        let maker = RegistryMaker(
            http: HTTPClient(), hub: RepositoryMaker.hubAddress, queue: queue,
            bandwidth: Bandwidth(settings, clock: clock), clock: clock, log: { log.add($0) })
        let registries = RegistryPool(
            make: maker.clients(settings, NoCredentials()), makeCommon: maker.common(settings))
        engine = Engine(
            parts: .init(
                queue: queue, spool: try Spool(directory: directory.file("spool"), acrossFileSystems: .copy),
                registries: registries, transfers: SharedTransfers(),
                slots: Slots(settings.uploadSlots(limited: [])), clocks: .machine, random: { 0 },
                sleep: { try await Task.sleep(for: $0) }, log: { log.add($0) }, claimed: { await claimed.call($0) }),
            settings: settings, jobChanged: { _ in })
    }

    /// A job for an image that is nowhere: it can ask the registry, and then fails.
    func accept(to destination: String) async throws -> JobID {
        let bytes = Array("no manifest".utf8)
        let root = Descriptor(mediaType: .ociManifest, digest: Digest(of: bytes), size: Int64(bytes.count))
        let blob = JobBlob(digest: root.digest, size: root.size, mediaType: root.mediaType.rawValue, role: .manifest)
        let job = NewJob(
            image: "app", source: "oci:/nowhere", root: root, destination: try ImageReference(parsing: destination),
            blobs: [blob])
        let accepted = try await queue.accept([job], now: Bench.now)
        guard let first = accepted.first else { throw TestSupportError("nothing was accepted") }
        return first.id
    }

    /// Runs the engine during `body`.
    func run(_ body: () async throws -> Void) async throws {
        let running = Task { [engine] in await engine.run() }
        do { try await body() } catch {
            running.cancel()
            await running.value
            throw error
        }
        running.cancel()
        await running.value
    }
}

@Suite("The engine", .timeLimit(.minutes(2)))
struct EngineTests {
    @Test("does not carry out a job that is canceled while the queue hands it out")
    func canceledWhileClaimed() async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                let workshop = try Workshop(directory)
                let (queue, engine) = (workshop.queue, workshop.engine)
                workshop.claimed.set { job in
                    _ = try? await queue.cancel([job], now: Bench.now)
                    await engine.abandon([job])
                }
                let job = try await workshop.accept(to: registry.address + "/r:1")
                try await workshop.run {
                    try await workshop.log.wait(for: 1) { if case .attemptStarted = $0 { true } else { false } }
                    try await waitUntil("it has ended") { await engine.activity.allSatisfy { $0.running == 0 } }
                }
                #expect(try await queue.job(job)?.state == .canceled)
                #expect(registry.requests.isEmpty)
            }
        }
    }

    @Test("keeps the pause of a registry whose only job is just being claimed, as its probe")
    func claimedProbe() async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                let workshop = try Workshop(directory)
                let (engine, name) = (workshop.engine, registry.address)
                let wasOpen = Mutex<Bool?>(nil)
                workshop.claimed.set { _ in
                    // As after `pushctl cancel` of another job.
                    try? await engine.forgetTroubleWithoutJobs()
                    let isOpen = await engine.isOpen(name)
                    wasOpen.withLock { $0 = $0 ?? isOpen }
                }
                _ = try await workshop.accept(to: name + "/r:1")
                await engine.breakDown(name)
                try await workshop.run {
                    try await workshop.log.wait(for: 1) { if case .attemptStarted = $0 { true } else { false } }
                }
                #expect(wasOpen.withLock { $0 } == false)
            }
        }
    }

    @Test("does not wake for a job whose time stands still, because a person has paused its registry")
    func heldLastCall() async throws {
        try await TemporaryDirectory.with { directory in
            let engine = try Workshop(directory).engine
            await engine.setLastCall(1, at: "a.example", in: 2)
            #expect(try await engine.nextWake() <= .milliseconds(2))
            await engine.hold("a.example")
            #expect(try await engine.nextWake() == .seconds(60))
            await engine.release("a.example")
            await engine.hold(nil)
            #expect(try await engine.nextWake() == .seconds(60))
        }
    }
}
