internal import Dispatch
internal import Synchronization

/// Where calls that may block on a disk run: never on the cooperative pool, which has one thread a core.
enum FileWork {
    /// Short work: looking up, reading manifests, linking. Concurrent, so that a dead mount delays no other call.
    private static let quick = DispatchQueue(label: "pushd.files", attributes: .concurrent)
    /// Work that reads whole layers, two at a time at most: more would only fight for the disk.
    private static let long = [DispatchQueue(label: "pushd.layers.0"), DispatchQueue(label: "pushd.layers.1")]
    /// Work that reads whole layers of users: they wait for each other, and no operator for them.
    private static let users = DispatchQueue(label: "pushd.layers.users")
    private static let turn = Atomic<Int>(0)

    enum Length { case quick, long, ofUser }

    /// Runs `work` on a thread that may block.
    ///
    /// Cancellation only sets the flag that `work` is given.
    static func run<Result: Sendable, Failure: Error>(
        _ length: Length, _ work: @escaping @Sendable (CancelFlag) throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let flag = CancelFlag()
        let queue =
            switch length {
            case .quick: quick
            case .ofUser: users
            case .long: long[turn.wrappingAdd(1, ordering: .relaxed).newValue & 1]
            }
        let outcome: Swift.Result<Result, Failure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    do throws(Failure) {
                        continuation.resume(returning: .success(try work(flag)))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
            }
        } onCancel: {
            flag.set()
        }
        return try outcome.get()
    }
}

/// Set when the caller of synchronous work no longer waits for it.
final class CancelFlag: Sendable {
    private let isSet = Atomic<Bool>(false)

    func set() { isSet.store(true, ordering: .relaxed) }

    func check() throws { if isSet.load(ordering: .relaxed) { throw CancellationError() } }
}
