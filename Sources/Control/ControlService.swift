public import System

/// What stands behind the control interface: one function for each method.
///
/// Each is told who calls, as the kernel knows it: what the caller may do is the service's to decide. The user's name is
/// not filled in. Calls come from many connections at once, with values that ``Parameters/check()`` has accepted. A thrown
/// ``ControlError`` reaches the client unchanged; any other error becomes `Failed` with its description, shortened.
/// When the client goes away, the call's task is cancelled.
///
/// A stream should bound what it buffers (`.bufferingNewest`): a client that reads slowly slows down its own stream.
public protocol ControlService: Sendable {
    func push(_ input: Push.Input, by caller: Caller) async throws -> Push.Output
    /// Yields each job's present state and then its changes. Between two states of one job others may be left out, but not
    /// the one in which it has ended: by these the server knows the last reply, and a stream that finishes without them
    /// is taken to mean that the daemon stops.
    func follow(_ input: Follow.Input, by caller: Caller) -> AsyncThrowingStream<Follow.Output, any Error>
    func list(_ input: List.Input, by caller: Caller) async throws -> List.Output
    func show(_ input: Show.Input, by caller: Caller) async throws -> Show.Output
    func wait(_ input: Wait.Input, by caller: Caller) async throws -> Wait.Output
    func cancel(_ input: Cancel.Input, by caller: Caller) async throws -> Cancel.Output
    func retry(_ input: Retry.Input, by caller: Caller) async throws -> Retry.Output
    func verify(_ input: Verify.Input, by caller: Caller) async throws -> Verify.Output
    func inspect(_ input: Inspect.Input, by caller: Caller) async throws -> Inspect.Output
    func tags(_ input: Tags.Input, by caller: Caller) -> AsyncThrowingStream<Tags.Output, any Error>
    func repositories(_ input: Repositories.Input, by caller: Caller) -> AsyncThrowingStream<
        Repositories.Output, any Error
    >
    func login(_ input: Login.Input, by caller: Caller) async throws -> Login.Output
    func logout(_ input: Logout.Input, by caller: Caller) async throws -> Logout.Output
    func images(_ input: Images.Input, by caller: Caller) async throws -> Images.Output
    /// Finishes by itself only without `follow`.
    func events(_ input: Events.Input, by caller: Caller) -> AsyncThrowingStream<Events.Output, any Error>
    func status(_ input: Status.Input, by caller: Caller) async throws -> Status.Output
    func pause(_ input: Pause.Input, by caller: Caller) async throws -> Pause.Output
    func resume(_ input: Resume.Input, by caller: Caller) async throws -> Resume.Output
    func limit(_ input: Limit.Input, by caller: Caller) async throws -> Limit.Output
    func registries(_ input: Registries.Input, by caller: Caller) async throws -> Registries.Output
    func doctor(_ input: Doctor.Input, by caller: Caller) -> AsyncThrowingStream<Doctor.Output, any Error>
}
