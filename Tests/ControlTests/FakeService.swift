import Synchronization
import System

@testable import Control

/// A service whose answers are a test's own. What a test does not set is not implemented.
struct FakeService: ControlService {
    var onPush: @Sendable (Push.Input) async throws -> Push.Output = { _ in throw missing }
    var onFollow: @Sendable (Follow.Input) -> AsyncThrowingStream<Follow.Output, any Error> = { _ in
        AsyncThrowingStream { throw missing }
    }
    var onList: @Sendable (List.Input) async throws -> List.Output = { _ in throw missing }
    var onShow: @Sendable (Show.Input) async throws -> Show.Output = { _ in throw missing }
    var onWait: @Sendable (Wait.Input) async throws -> Wait.Output = { _ in throw missing }
    var onCancel: @Sendable (Cancel.Input) async throws -> Cancel.Output = { _ in throw missing }
    var onEvents: @Sendable (Events.Input) -> AsyncThrowingStream<Events.Output, any Error> = { _ in
        AsyncThrowingStream { throw missing }
    }
    var onPause: @Sendable (Pause.Input) async throws -> Pause.Output = { _ in throw missing }
    var onStatus: @Sendable (Status.Input) async throws -> Status.Output = { _ in throw missing }

    /// Told who calls.
    var onCaller: @Sendable (Caller) -> Void = { _ in }

    private static let missing = ControlError(.methodNotImplemented("?"), "not part of this test")

    func push(_ input: Push.Input, by caller: Caller) async throws -> Push.Output { try await onPush(input) }
    func follow(_ input: Follow.Input, by caller: Caller) -> AsyncThrowingStream<Follow.Output, any Error> {
        onFollow(input)
    }
    func list(_ input: List.Input, by caller: Caller) async throws -> List.Output { try await onList(input) }
    func show(_ input: Show.Input, by caller: Caller) async throws -> Show.Output { try await onShow(input) }
    func wait(_ input: Wait.Input, by caller: Caller) async throws -> Wait.Output { try await onWait(input) }
    func cancel(_ input: Cancel.Input, by caller: Caller) async throws -> Cancel.Output { try await onCancel(input) }
    func retry(_ input: Retry.Input, by caller: Caller) async throws -> Retry.Output { throw Self.missing }
    func verify(_ input: Verify.Input, by caller: Caller) async throws -> Verify.Output { throw Self.missing }
    func login(_ input: Login.Input, by caller: Caller) async throws -> Login.Output { throw Self.missing }
    func logout(_ input: Logout.Input, by caller: Caller) async throws -> Logout.Output { throw Self.missing }
    func tags(_ input: Tags.Input, by caller: Caller) -> AsyncThrowingStream<Tags.Output, any Error> {
        AsyncThrowingStream { throw Self.missing }
    }
    func repositories(_ input: Repositories.Input, by caller: Caller) -> AsyncThrowingStream<
        Repositories.Output, any Error
    > {
        AsyncThrowingStream { throw Self.missing }
    }
    func inspect(_ input: Inspect.Input, by caller: Caller) async throws -> Inspect.Output { throw Self.missing }
    func images(_ input: Images.Input, by caller: Caller) async throws -> Images.Output { throw Self.missing }
    func events(_ input: Events.Input, by caller: Caller) -> AsyncThrowingStream<Events.Output, any Error> {
        onEvents(input)
    }
    func status(_ input: Status.Input, by caller: Caller) async throws -> Status.Output {
        onCaller(caller)
        return try await onStatus(input)
    }
    func pause(_ input: Pause.Input, by caller: Caller) async throws -> Pause.Output { try await onPause(input) }
    func resume(_ input: Resume.Input, by caller: Caller) async throws -> Resume.Output { throw Self.missing }
    func limit(_ input: Limit.Input, by caller: Caller) async throws -> Limit.Output { throw Self.missing }
    func registries(_ input: Registries.Input, by caller: Caller) async throws -> Registries.Output {
        throw Self.missing
    }
    func doctor(_ input: Doctor.Input, by caller: Caller) -> AsyncThrowingStream<Doctor.Output, any Error> {
        AsyncThrowingStream { throw Self.missing }
    }
}

/// Something that happens once, and that any number of tasks wait for.
final class Signal: Sendable {
    private let state = Mutex<(isGiven: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func give() {
        let waiting = state.withLock { state in
            state.isGiven = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isGiven = state.withLock { state in
                if !state.isGiven { state.waiting.append(continuation) }
                return state.isGiven
            }
            if isGiven { continuation.resume() }
        }
    }
}

extension JobInfo {
    /// A job with every field set that `state` allows.
    static func sample(id: Int = 7, state: String = "running") -> JobInfo {
        let moment = Timestamp(milliseconds: 1_772_600_767_089)
        return JobInfo(
            id: id, state: state, image: "team/app:1", source: "oci:/srv/images", digest: "sha256:aa",
            destination: "registry.example.org/team/app:1", origin: "command", priority: 3, verify: "manifest",
            verified: "manifest", attempts: 2, createdAt: moment, updatedAt: moment, startedAt: moment, endedAt: moment,
            nextAttemptAt: moment, error: JobErrorInfo(code: "denied", message: "no", advice: "ask"),
            waitsFor: "a login", supersededBy: 9, bytesTotal: 100, bytesUploaded: 50, bytesMounted: 20,
            bytesExisting: 30, blobs: [.sample], sourceDigest: "sha256:cc", format: "docker",
            leftOut: "3 annotations", askedBy: AskerInfo(uid: 1000, name: "alice", pid: 4711), hidden: true)
    }
}

extension BlobInfo {
    static let sample = BlobInfo(
        digest: "sha256:bb", size: 100, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", role: "layer",
        outcome: "mounted", bytesDone: 100, detail: "from team/base", sentAgain: 7)
}
