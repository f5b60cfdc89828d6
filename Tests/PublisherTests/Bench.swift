import HTTP
import ImageStore
import OCI
import PushQueue
import Registry
import Synchronization
import TestSupport

@testable import Publisher

/// A publisher in this process, with a queue, a spool and a layout of the test's own.
final class Bench: Sendable {
    let directory: TemporaryDirectory
    let builder: LayoutBuilder
    let queue: JobStore
    let publisher: ImagePublisher
    let log: TestLog

    private let settings: PublisherSettings

    private init(
        _ directory: TemporaryDirectory, _ settings: PublisherSettings, _ credentials: any CredentialProvider,
        hub: String, _ clocks: Clocks
    ) throws {
        self.directory = directory
        self.settings = settings
        builder = try LayoutBuilder(directory: directory.file("images"))
        let log = TestLog()
        self.log = log
        queue = try JobStore(path: directory.file("queue.db"))
        publisher = ImagePublisher(
            queue: queue, spool: try Spool(directory: directory.file("spool"), acrossFileSystems: .copy),
            directories: [directory.file("images")], userFiles: .ofTheTest, rescan: .seconds(60), http: HTTPClient(),
            credentials: credentials, settings: settings, hub: hub, clocks: clocks, log: { log.add($0) })
    }

    static var now: Int64 { Clocks.machine.wall() }

    /// Runs `body` while the publisher works; attempts follow each other at once.
    static func with(
        _ change: (inout PublisherSettings) -> Void = { _ in }, credentials: any CredentialProvider = NoCredentials(),
        hub: String = RepositoryMaker.hubAddress, _ body: @Sendable (Bench) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with {
            try await with(in: $0, change, credentials: credentials, hub: hub, body)
        }
    }

    /// The same on what an earlier publisher left in `directory`, as after a restart.
    ///
    /// - Parameter runs: false: it accepts pushes, and nothing else happens.
    static func with(
        in directory: TemporaryDirectory, _ change: (inout PublisherSettings) -> Void = { _ in },
        credentials: any CredentialProvider = NoCredentials(), hub: String = RepositoryMaker.hubAddress,
        clocks: Clocks = .machine, runs: Bool = true, _ body: @Sendable (Bench) async throws -> Void
    ) async throws {
        var settings = PublisherSettings()
        settings.retry = RetryPolicy(base: .milliseconds(2), cap: .milliseconds(20))
        settings.filePatience = FilePatience(first: .milliseconds(1), longest: .milliseconds(5), waits: 6)
        settings.registry.manifestGrace = .seconds(4)
        settings.registry.plainHTTP = true  // nothing is asked to find that out
        settings.registry.commitPatience = .seconds(2)
        change(&settings)
        let bench = try Bench(directory, settings, credentials, hub: hub, clocks)
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await bench.publisher.prepare()
            if runs { group.addTask { await bench.publisher.run() } }
            try await body(bench)
            group.cancelAll()
        }
    }

    /// Takes the same settings over once more, as after SIGHUP.
    func reload(_ change: (inout PublisherSettings) -> Void = { _ in }) async {
        var settings = settings
        change(&settings)
        await publisher.apply(
            settings, directories: [directory.file("images")], rescan: .seconds(60), credentials: NoCredentials())
    }

    /// Writes an image of these layers; returns its digest.
    @discardableResult
    func image(_ name: String, layers: [Descriptor]) throws -> Digest {
        let image = try builder.addImage(layers: layers, name: name)
        try builder.writeIndexJSON()
        return image.digest
    }

    func push(
        _ image: String, to destination: String, _ change: (inout PushRequest) -> Void = { _ in }
    ) async throws -> JobID {
        var request = PushRequest(image: image)
        request.destinations = [destination]
        change(&request)
        let accepted = try await publisher.push(request).pushes
        guard let job = accepted.first else { throw TestSupportError("nothing was accepted") }
        return job.id
    }

    /// Pushes and waits; the push has to succeed.
    @discardableResult
    func publish(
        _ image: String, to destination: String, _ change: (inout PushRequest) -> Void = { _ in }
    ) async throws -> JobSnapshot {
        let ended = try await settled(try await push(image, to: destination, change))
        guard ended.job.state == .succeeded else {
            throw TestSupportError("\(destination): \(ended.job.state), \(String(describing: ended.job.error))")
        }
        let job = ended.job
        guard job.bytesUploaded + job.bytesMounted + job.bytesExisting == job.bytesTotal else {
            throw TestSupportError(
                "\(destination): \(job.bytesUploaded) + \(job.bytesMounted) + \(job.bytesExisting) bytes are not "
                    + "\(job.bytesTotal)")
        }
        return ended
    }

    /// The job, as soon as it has ended or a person must act.
    func settled(_ id: JobID) async throws -> JobSnapshot {
        for await _ in await publisher.changes().starting(with: id) {
            guard let snapshot = try await publisher.snapshot(id) else { break }
            if snapshot.job.state.isEnded || snapshot.job.state == .blocked { return snapshot }
        }
        throw TestSupportError("job \(id) never ended")
    }

    /// Returns as soon as the job is in this state.
    func waitFor(_ state: JobState, of id: JobID) async throws {
        for await _ in await publisher.changes().starting(with: id) {
            let now = try await publisher.snapshot(id, withBlobs: false)?.job.state
            if now == state { return }
            if now?.isEnded != false { throw TestSupportError("job \(id) is \(String(describing: now)), not \(state)") }
        }
        throw TestSupportError("job \(id) never was \(state)")
    }
}

extension AsyncStream where Element: Sendable {
    /// The same stream with one value in front, for what happened before it was listened to.
    func starting(with first: Element) -> AsyncStream<Element> {
        let rest = self
        return AsyncStream { continuation in
            continuation.yield(first)
            let task = Task {
                for await value in rest { continuation.yield(value) }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}

extension Clocks {
    /// This machine's, with another wall clock.
    static func machine(wall: @escaping @Sendable () -> Int64) -> Clocks {
        var clocks = Clocks.machine
        clocks.wall = wall
        return clocks
    }
}

/// What the publisher told its log.
final class TestLog: Sendable {
    private let entries = Mutex<[PublisherLog]>([])
    private let signal = TestSignal()

    func add(_ entry: PublisherLog) {
        entries.withLock { $0.append(entry) }
        signal.raise()
    }

    var lines: [String] { entries.withLock { $0.map(\.description) } }

    func count(where isWanted: (PublisherLog) -> Bool) -> Int { entries.withLock { $0.count(where: isWanted) } }

    /// Returns as soon as there are `count` such entries.
    func wait(for count: Int, where isWanted: @escaping @Sendable (PublisherLog) -> Bool) async throws {
        try await signal.wait(for: "\(count) entries in the log") { self.count(where: isWanted) >= count }
    }
}
