import HTTP
import OCI
import PushQueue
import Synchronization

/// What a running job is doing this moment: read by whoever follows it, written by its transfers, kept nowhere.
final class JobProgress: Sendable {
    struct Blob: Sendable {
        var outcome = BlobOutcome.pending
        var detail: String?
        var transfer: TransferProgress?
        /// Sent in several requests: a stop waits for the end of the one under way.
        var isInPieces = false
        /// The job whose transfer is waited for.
        var sharedWith: JobID?
        /// Bytes at the registry at the end; until then `transfer` counts.
        var bytesDone: Int64 = 0
    }

    private let blobs = Mutex<[Digest: Blob]>([:])
    /// Body bytes that reached the network during this attempt, whatever became of them.
    private let moved = Mutex<[Digest: Int64]>([:])
    private let advanced = Flag()
    private let selfMounted = Flag()
    private let changed: @Sendable () -> Void

    init(changed: @escaping @Sendable () -> Void) { self.changed = changed }

    func update(_ digest: Digest, _ change: (inout Blob) -> Void) {
        blobs.withLock { change(&$0[digest, default: Blob()]) }
        changed()
    }

    func addMoved(_ bytes: Int64, of digest: Digest) { moved.withLock { $0[digest, default: 0] += bytes } }

    /// A blob is nearer to its end than when the attempt began, for good.
    func noteAdvance() { advanced.raise() }

    var hasAdvanced: Bool { advanced.isRaised }

    /// A blob was taken to be there because a mount from its own repository was obeyed.
    func noteSelfMount() { selfMounted.raise() }

    var hasTrustedSelfMount: Bool { selfMounted.isRaised }

    var movedBytes: [Digest: Int64] { moved.withLock { $0 } }

    var isSendingPieces: Bool { blobs.withLock { $0.values.contains { $0.isInPieces && $0.outcome == .pending } } }

    var snapshot: [Digest: Blob] {
        blobs.withLock { blobs in
            blobs.mapValues { blob in
                var blob = blob
                if let transfer = blob.transfer, blob.outcome == .pending { blob.bytesDone = transfer.bytesSent }
                return blob
            }
        }
    }
}
