import HTTP
import OCI
import PushQueue
import Synchronization

/// How far the bytes of one blob are, for the job that sends them and for all that wait for it, also when that job is
/// gone and its transfer goes on for them.
final class TransferMeter: Sendable {
    private let transfer = Mutex<TransferProgress?>(nil)

    /// Counts what this upload sends from now on.
    func follow(_ upload: TransferProgress) { transfer.withLock { $0 = upload } }

    var bytesSent: Int64 { transfer.withLock { $0?.bytesSent ?? 0 } }

    /// How much is sent a second time, where more than the upload has come to by now was shown as sent before.
    func sentAgain(shown: Int64) -> Int64? {
        transfer.withLock { upload in
            guard let upload, let start = upload.startedFrom, upload.bytesSent < shown else { return nil }
            return shown - min(start, shown)
        }
    }
}

/// What a running job is doing this moment: read by whoever follows it, written by its transfers, kept in memory only.
final class JobProgress: Sendable {
    struct Blob: Sendable {
        var outcome = BlobOutcome.pending
        var detail: String?
        let meter = TransferMeter()
        /// Sent in several requests: a stop waits for the end of the one under way.
        var isInPieces = false
        /// The job whose transfer is waited for.
        var sharedWith: SharedTransfers.Leader?
        /// The most that was shown so far: what people watch does not go backwards, also where an upload has to.
        var bytesDone: Int64 = 0
        /// How much of that the registry has not kept, while it is sent again.
        var sentAgain: Int64?
    }

    private let blobs = Mutex<[Digest: Blob]>([:])
    /// Body bytes that reached the network during this attempt, whatever became of them.
    private let moved = Mutex<[Digest: Int64]>([:])
    private let advanced = Flag()
    private let selfMounted = Flag()
    /// How many blobs are being brought, and for how many of these nothing is done but waiting.
    private let work = Mutex((brought: 0, waiting: 0))
    private let changed: @Sendable () -> Void
    private let idles: @Sendable () -> Void

    /// - Parameters:
    ///   - before: what an earlier attempt has shown of the blobs.
    ///   - idles: called when the job does nothing any more but wait for others.
    init(
        before: [Digest: Int64] = [:], changed: @escaping @Sendable () -> Void,
        idles: @escaping @Sendable () -> Void = {}
    ) {
        self.changed = changed
        self.idles = idles
        blobs.withLock { $0 = before.mapValues { Blob(bytesDone: $0) } }
    }

    func update(_ digest: Digest, _ change: (inout Blob) -> Void) {
        blobs.withLock { change(&$0[digest, default: Blob()]) }
        changed()
    }

    /// Whether all that the job does is to wait, for a turn to upload or for what another job uploads.
    var isIdle: Bool { work.withLock { $0.brought > 0 && $0.waiting >= $0.brought } }

    /// A blob is being brought while `body` runs.
    func bringing<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        work.withLock { $0.brought += 1 }
        defer { changeWork { $0.brought -= 1 } }
        return try await body()
    }

    /// For a blob that is being brought, waiting begins, or has ended.
    func wait(_ isWaiting: Bool) { changeWork { $0.waiting += isWaiting ? 1 : -1 } }

    private func changeWork(_ change: (inout (brought: Int, waiting: Int)) -> Void) {
        let (before, after) = (
            isIdle,
            work.withLock { work in
                change(&work)
                return work.brought > 0 && work.waiting >= work.brought
            }
        )
        if after, !before { idles() }
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

    /// The blob's meter, the same one as long as this attempt lasts.
    func meter(of digest: Digest) -> TransferMeter {
        blobs.withLock { blobs in
            let blob = blobs[digest] ?? Blob()
            blobs[digest] = blob
            return blob.meter
        }
    }

    var snapshot: [Digest: Blob] {
        blobs.withLock { blobs in
            for (digest, blob) in blobs where blob.outcome == .pending {
                let meter = blob.sharedWith?.meter ?? blob.meter
                blobs[digest]?.bytesDone = max(blob.bytesDone, meter.bytesSent)
                blobs[digest]?.sentAgain = meter.sentAgain(shown: blob.bytesDone)
            }
            return blobs.mapValues { blob in
                var blob = blob
                if let leader = blob.sharedWith { blob.detail = "shared with job \(leader.job)" }
                return blob
            }
        }
    }

    /// What the next attempt begins with.
    var bytesShown: [Digest: Int64] {
        snapshot.filter { $0.value.outcome == .pending }.mapValues(\.bytesDone).filter { $0.value > 0 }
    }
}
