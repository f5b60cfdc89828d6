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
    /// As after a failure of the registry.
    fileprivate func breakDown(_ registry: String, pause: Duration = .milliseconds(1)) {
        let policy = RetryPolicy(base: pause, cap: pause)
        _ = schedule.failed(
            registry, now: parts.clocks.elapsed(), .init(), reason: "down", policy: policy, random: 0)
    }

    fileprivate func isOpen(_ registry: String) -> Bool { schedule.isOpen(registry) }

    /// The time of the job that would count against it at its next failure.
    fileprivate func uncounted(_ job: JobID, at registry: String) -> Int64 {
        tryTime.advance(awake: parts.clocks.awake())
        return tryTime.uncounted(job, at: registry)
    }

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

    init(_ directory: TemporaryDirectory, clocks: Clocks = .machine) throws {
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
                slots: Slots(settings.uploadSlots(limited: [])), clocks: clocks, random: { 0 },
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

    @Test("counts no time of a job that was canceled, also where its run ends only afterwards")
    func canceledIsForgotten() async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                let awake = Mutex<Int64>(0)
                var clocks = Clocks.machine
                clocks.awake = { awake.withLock { $0 } }
                let workshop = try Workshop(directory, clocks: clocks)
                let (queue, engine, name) = (workshop.queue, workshop.engine, registry.address)
                workshop.claimed.set { job in
                    _ = try? await queue.cancel([job], now: Bench.now)
                    await engine.forget(job)
                    await engine.abandon([job])
                }
                let job = try await workshop.accept(to: name + "/r:1")
                try await workshop.run {
                    try await workshop.log.wait(for: 1) { if case .attemptStarted = $0 { true } else { false } }
                    try await waitUntil("it has ended") { await engine.activity.allSatisfy { $0.running == 0 } }
                    awake.withLock { $0 += 60_000 }
                    #expect(await engine.uncounted(job, at: name) == 0)
                }
            }
        }
    }

    @Test("wakes for a pause that ends while it asks the queue what is due")
    func pauseEndsMeanwhile() async throws {
        try await TemporaryDirectory.with { directory in
            // Each look at the clock takes five milliseconds.
            let elapsed = Mutex<Int64>(1000)
            var clocks = Clocks.machine
            clocks.elapsed = {
                elapsed.withLock { time in
                    time += 5
                    return time
                }
            }
            let engine = try Workshop(directory, clocks: clocks).engine
            await engine.breakDown("a.example", pause: .milliseconds(7))
            #expect(try await engine.nextWake() == .milliseconds(1))
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
