import Control
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization
import System

@testable import pushctl

/// A daemon whose answers are a test's own, on a socket of its own. What a test does not set is refused.
struct FakeDaemon: ControlService {
    var onPush: @Sendable (Push.Input) async throws -> Push.Output = { _ in throw unexpected }
    var onFollow: @Sendable (Follow.Input) -> AsyncThrowingStream<Follow.Output, any Error> = { _ in
        AsyncThrowingStream { throw unexpected }
    }
    var onList: @Sendable (List.Input) async throws -> List.Output = { _ in throw unexpected }
    var onShow: @Sendable (Show.Input) async throws -> Show.Output = { _ in throw unexpected }
    var onWait: @Sendable (Wait.Input) async throws -> Wait.Output = { _ in throw unexpected }
    var onCancel: @Sendable (Cancel.Input) async throws -> Cancel.Output = { _ in throw unexpected }
    var onRetry: @Sendable (Retry.Input) async throws -> Retry.Output = { _ in throw unexpected }
    var onVerify: @Sendable (Verify.Input) async throws -> Verify.Output = { _ in throw unexpected }
    var onInspect: @Sendable (Inspect.Input) async throws -> Inspect.Output = { _ in throw unexpected }
    var onTags: @Sendable (Tags.Input) -> AsyncThrowingStream<Tags.Output, any Error> = { _ in
        AsyncThrowingStream { throw unexpected }
    }
    var onRepositories: @Sendable (Repositories.Input) -> AsyncThrowingStream<Repositories.Output, any Error> = { _ in
        AsyncThrowingStream { throw unexpected }
    }
    var onLogin: @Sendable (Login.Input) async throws -> Login.Output = { _ in throw unexpected }
    var onLogout: @Sendable (Logout.Input) async throws -> Logout.Output = { _ in throw unexpected }
    var onImages: @Sendable (Images.Input) async throws -> Images.Output = { _ in throw unexpected }
    var onEvents: @Sendable (Events.Input) -> AsyncThrowingStream<Events.Output, any Error> = { _ in
        AsyncThrowingStream { throw unexpected }
    }
    var onStatus: @Sendable (Status.Input) async throws -> Status.Output = { _ in
        Status.Output(
            version: "0", pid: 1, startedAt: Timestamp(milliseconds: 0), counts: [:], registries: [],
            stateDirectory: "/s", stores: [])
    }
    var onPause: @Sendable (Pause.Input) async throws -> Pause.Output = { _ in throw unexpected }
    var onResume: @Sendable (Resume.Input) async throws -> Resume.Output = { _ in throw unexpected }

    var onLimit: @Sendable (Limit.Input) async throws -> Limit.Output = { _ in throw unexpected }
    var onRegistries: @Sendable (Registries.Input) async throws -> Registries.Output = { _ in throw unexpected }
    var onDoctor: @Sendable (Doctor.Input) -> AsyncThrowingStream<Doctor.Output, any Error> = { _ in
        AsyncThrowingStream { throw unexpected }
    }

    private static let unexpected = ControlError(.failed, "not part of this test")

    func push(_ input: Push.Input, by caller: Caller) async throws -> Push.Output { try await onPush(input) }
    func follow(_ input: Follow.Input, by caller: Caller) -> AsyncThrowingStream<Follow.Output, any Error> {
        onFollow(input)
    }
    func list(_ input: List.Input, by caller: Caller) async throws -> List.Output { try await onList(input) }
    func show(_ input: Show.Input, by caller: Caller) async throws -> Show.Output { try await onShow(input) }
    func wait(_ input: Wait.Input, by caller: Caller) async throws -> Wait.Output { try await onWait(input) }
    func cancel(_ input: Cancel.Input, by caller: Caller) async throws -> Cancel.Output { try await onCancel(input) }
    func retry(_ input: Retry.Input, by caller: Caller) async throws -> Retry.Output { try await onRetry(input) }
    func verify(_ input: Verify.Input, by caller: Caller) async throws -> Verify.Output { try await onVerify(input) }
    func login(_ input: Login.Input, by caller: Caller) async throws -> Login.Output { try await onLogin(input) }
    func logout(_ input: Logout.Input, by caller: Caller) async throws -> Logout.Output { try await onLogout(input) }
    func tags(_ input: Tags.Input, by caller: Caller) -> AsyncThrowingStream<Tags.Output, any Error> { onTags(input) }
    func repositories(_ input: Repositories.Input, by caller: Caller) -> AsyncThrowingStream<
        Repositories.Output, any Error
    > {
        onRepositories(input)
    }
    func inspect(_ input: Inspect.Input, by caller: Caller) async throws -> Inspect.Output {
        try await onInspect(input)
    }
    func images(_ input: Images.Input, by caller: Caller) async throws -> Images.Output { try await onImages(input) }
    func events(_ input: Events.Input, by caller: Caller) -> AsyncThrowingStream<Events.Output, any Error> {
        onEvents(input)
    }
    func status(_ input: Status.Input, by caller: Caller) async throws -> Status.Output { try await onStatus(input) }
    func pause(_ input: Pause.Input, by caller: Caller) async throws -> Pause.Output { try await onPause(input) }
    func resume(_ input: Resume.Input, by caller: Caller) async throws -> Resume.Output { try await onResume(input) }
    func limit(_ input: Limit.Input, by caller: Caller) async throws -> Limit.Output { try await onLimit(input) }
    func registries(_ input: Registries.Input, by caller: Caller) async throws -> Registries.Output {
        try await onRegistries(input)
    }
    func doctor(_ input: Doctor.Input, by caller: Caller) -> AsyncThrowingStream<Doctor.Output, any Error> {
        onDoctor(input)
    }

    /// Accepts a push as job 12, and follows it through `states`.
    static func pushing(_ states: [JobInfo]) -> FakeDaemon {
        var daemon = FakeDaemon()
        daemon.onPush = { _ in Push.Output(jobs: [testJob(12, "queued", attempts: 0)]) }
        daemon.onFollow = { _ in stream(states.map { Follow.Output(job: $0) }) }
        return daemon
    }
}

/// A stream that yields `elements` and ends.
func stream<Element: Sendable>(_ elements: [Element]) -> AsyncThrowingStream<Element, any Error> {
    AsyncThrowingStream { continuation in
        for element in elements { continuation.yield(element) }
        continuation.finish()
    }
}

/// What one run of pushctl came to.
struct Outcome: Equatable {
    var status: Int32
    var output: String
    var errors: String

    var lines: [Substring] { output.split(separator: "\n") }

    /// The error that was printed for a script; the daemon's directory is written DIR.
    func errorDocument() throws -> JobErrorInfo {
        try JSONDecoder().decode([String: JobErrorInfo].self, from: Data(output.utf8))["error"]
            ?? JobErrorInfo(code: "", message: "no error in \(output)")
    }
}

/// What a test's console was given.
final class Capture: Sendable {
    let output = Mutex<[UInt8]>([])
    let errors = Mutex<[UInt8]>([])
}

/// Stands in for the thread that pushctl's `main` gives to its actor.
private let mainThread: Void = DispatchQueue(label: "pushctl").async { MainThread.shared.loop.run() }

/// Runs pushctl against `daemon`, or against none.
///
/// - Parameters:
///   - daemonStartsLate: whether it starts only once pushctl has asked in vain.
///   - terminal: the terminal's columns and rows; nil: a pipe.
///   - outputError: what writing to standard output fails with.
func pushctl(
    _ line: String, _ daemon: FakeDaemon? = nil, daemonStartsLate: Bool = false, terminal: (Int, Int)? = nil,
    color: Bool = false,
    outputError: Int32? = nil, environment: [String: String] = [:],
    questions: Questions = Questions(canAsk: false, ask: { _, _ in nil }, readAll: { _ in [] })
) async throws -> Outcome {
    var template = Array("/tmp/pushctl-test-XXXXXX".utf8CString)
    let directory = try template.withUnsafeMutableBufferPointer { buffer in
        // The buffer ends with a zero, and is never empty.
        guard let path = buffer.baseAddress, mkdtemp(path) != nil else { throw OutputError(number: errno) }
        return String(cString: path)
    }
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let socket = directory + "/s"
    func start() throws -> ControlServer? {
        try daemon.map {
            try ControlServer(
                socket: .path(socket, .owner), access: .ownUser,
                info: ServiceInfo(version: "1.2.3"), service: $0)
        }
    }
    let hangUp = daemonStartsLate ? try HangUp(path: socket) : nil
    var server = daemonStartsLate ? nil : try start()
    let capture = Capture()
    let console = Console(
        write: { bytes throws(OutputError) in
            if let outputError { throw OutputError(number: outputError) }
            capture.output.withLock { $0 += bytes }
        },
        writeError: { bytes throws(OutputError) in capture.errors.withLock { $0 += bytes } },
        isTerminal: terminal != nil, color: color, errorColor: false, glyphs: .unicode,
        size: { terminal.map { (width: $0.0, height: $0.1) } ?? (width: 80, height: 24) }, isForeground: { true },
        questions: questions,
        now: { testNow }, localTime: { Timestamp(milliseconds: $0).description })
    let around = Surroundings(
        environment: environment.merging(["PUSHD_SOCKET": socket]) { $1 }, directory: "/work", userID: 1000)
    _ = mainThread
    let run = Task { await Pushctl.run(line.split(separator: " ").map(String.init), in: around, console: console) }
    if let hangUp {
        await hangUp.hasHungUp()
        server = try start()
    }
    let status = await run.value
    await server?.stop()
    return Outcome(
        status: status,
        output: String(decoding: capture.output.withLock { $0 }, as: UTF8.self).replacing(directory, with: "DIR"),
        errors: String(decoding: capture.errors.withLock { $0 }, as: UTF8.self).replacing(directory, with: "DIR"))
}
