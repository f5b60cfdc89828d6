import OCI
import PushQueue

/// A blob at a registry: in one repository, or, without one, in any.
struct BlobLocation: Hashable, Sendable {
    let registry: String
    let digest: Digest
    var repository: String?
    /// The member whose transfers these are; nil: those of all others.
    var party: UInt32?
}

/// What a transfer that several jobs waited for has brought about.
struct TransferResult: Sendable, Equatable {
    /// The repository that has the blob now.
    let repository: String
    /// The job whose turn it was.
    let job: JobID
    let outcome: BlobOutcome
    let detail: String?
}

/// Brings each blob to a registry once, however many jobs need it there at the same time.
///
/// The work is an unstructured task: it runs until the last job that needs it has left, and its entry stays until it
/// has ended, because two at a time would send bytes twice.
actor SharedTransfers {
    typealias Work = @Sendable () async throws -> TransferResult

    /// The job whose work brings a blob, and how far it is.
    struct Leader: Sendable {
        let job: JobID
        let meter: TransferMeter
    }

    private struct Transfer {
        let task: Task<Void, Never>
        let leader: Leader
        var waiters: [Int: CheckedContinuation<TransferResult, any Error>] = [:]
    }

    private var transfers: [BlobLocation: Transfer] = [:]
    private var lastWaiter = 0

    /// Returns when the blob is at the registry. The first caller's `work` runs; the others wait for it.
    ///
    /// A cancelled caller returns at once; the work continues for the others and is cancelled with the last of them.
    ///
    /// - Parameter willWait: called with the leading job when another job's work is waited for.
    /// - Throws: what the work threw; `CancellationError` only to a caller that was itself cancelled.
    func bring(
        _ blob: BlobLocation, for job: Leader, willWait: @Sendable (Leader) -> Void = { _ in }, work: @escaping Work
    ) async throws -> TransferResult {
        // One that all have left may still be ending.
        while let task = transfers[blob]?.task, task.isCancelled { await task.value }
        try Task.checkCancellation()
        lastWaiter += 1
        let waiter = lastWaiter
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if let leader = transfers[blob]?.leader {
                    willWait(leader)
                } else {
                    transfers[blob] = Transfer(task: start(blob, work), leader: job)
                }
                transfers[blob]?.waiters[waiter] = continuation
            }
        } onCancel: {
            Task { await leave(blob, waiter) }  // its turn on the actor comes after the insertion
        }
    }

    private func start(_ blob: BlobLocation, _ work: @escaping Work) -> Task<Void, Never> {
        Task {
            let result: Result<TransferResult, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            end(blob, result)
        }
    }

    private func end(_ blob: BlobLocation, _ result: Result<TransferResult, any Error>) {
        guard let transfer = transfers.removeValue(forKey: blob) else { return }
        for waiter in transfer.waiters.values { waiter.resume(with: result) }
    }

    private func leave(_ blob: BlobLocation, _ waiter: Int) {
        guard let left = transfers[blob]?.waiters.removeValue(forKey: waiter) else { return }  // had its answer
        left.resume(throwing: CancellationError())
        if transfers[blob]?.waiters.isEmpty == true { transfers[blob]?.task.cancel() }
    }
}
