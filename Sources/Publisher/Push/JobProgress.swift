import HTTP
import OCI
import PushQueue
import Synchronization

/// The progress of one blob's transfer, for the job that sends it and for all that wait for it; also after that job has
/// ended and the transfer continues for the others.
final class TransferMeter: Sendable {
    private let transfer = Mutex<TransferProgress?>(nil)

    /// Counts what this upload sends from now on.
    func follow(_ upload: TransferProgress) { transfer.withLock { $0 = upload } }

    var bytesSent: Int64 { transfer.withLock { $0?.bytesSent ?? 0 } }

    /// How many bytes are sent a second time; nil once the upload has passed the number that was shown before.
    func sentAgain(shown: Int64) -> Int64? {
        transfer.withLock { upload in
            guard let upload, let start = upload.startedFrom, upload.bytesSent < shown else { return nil }
            return shown - min(start, shown)
        }
    }

    private let kept = Mutex<Int64>(0)

    /// The registry keeps so many bytes of an upload that broke off.
    func keep(_ bytes: Int64) { kept.withLock { $0 = bytes } }

    var bytesKept: Int64 { kept.withLock { $0 } }
}

/// How near a job has come to its end over all its attempts.
///
/// Only new content counts as progress: sending again what the registry had accepted and lost does not.
struct PushAdvance: Sendable {
    /// The highest offset of each blob's uploads.
    private var offsets: [Digest: Int64] = [:]
    /// Blobs and manifests that the registry has taken.
    private var held: Set<Digest> = []

    /// - Returns: whether it was never held before.
    mutating func hold(_ digest: Digest) -> Bool { held.insert(digest).inserted }

    /// - Returns: whether an upload of the blob has never been so far.
    mutating func reach(_ offset: Int64, of digest: Digest) -> Bool {
        guard !held.contains(digest), offset > offsets[digest] ?? 0 else { return false }
        offsets[digest] = offset
        return true
    }
}

/// The present progress of a running job: written by its transfers, read by followers, kept in memory only.
final class JobProgress: Sendable {
    struct Blob: Sendable {
        var outcome = BlobOutcome.pending
        var detail: String?
        let meter = TransferMeter()
        /// Sent in several requests: a stop waits for the end of the one under way.
        var isInPieces = false
        /// The job whose transfer is waited for.
        var sharedWith: SharedTransfers.Leader?
        /// The most that was shown so far: the number shown never decreases, although an upload's offset may.
        var bytesDone: Int64 = 0
        /// How many of these bytes the registry has lost, while they are sent again.
        var sentAgain: Int64?
    }

    private let blobs = Mutex<[Digest: Blob]>([:])
    /// Body bytes that were sent during this attempt, including bytes that the registry lost.
    private let moved = Mutex<[Digest: Int64]>([:])
    private let advance: Mutex<PushAdvance>
    private let advanced = Flag()
    private let selfMounted = Flag()
    private let work = Mutex(Work())
    private let changed: @Sendable () -> Void
    private let idles: @Sendable () -> Void

    /// How many blobs are being brought, and how many of these only wait.
    private struct Work {
        var brought = 0
        var waiting = 0

        var isIdle: Bool { brought > 0 && waiting >= brought }
    }

    /// What a job's attempts hand on to the next one.
    struct Carried: Sendable {
        /// The bytes that were shown of blobs under way.
        var shown: [Digest: Int64] = [:]
        var advance = PushAdvance()
    }

    /// - Parameters:
    ///   - before: what the earlier attempts hand on.
    ///   - idles: called when all blobs of the job only wait, for a slot or for another job.
    init(
        before: Carried = Carried(), changed: @escaping @Sendable () -> Void,
        idles: @escaping @Sendable () -> Void = {}
    ) {
        self.changed = changed
        self.idles = idles
        advance = Mutex(before.advance)
        blobs.withLock { $0 = before.shown.mapValues { Blob(bytesDone: $0) } }
    }

    func update(_ digest: Digest, _ change: (inout Blob) -> Void) {
        blobs.withLock { change(&$0[digest, default: Blob()]) }
        changed()
    }

    /// Whether all blobs that are being brought only wait, for an upload slot or for another job's upload.
    var isIdle: Bool { work.withLock(\.isIdle) }

    /// A blob is being brought while `body` runs.
    func bringing<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        work.withLock { $0.brought += 1 }
        defer { changeWork { $0.brought -= 1 } }
        return try await body()
    }

    /// A blob that is being brought begins or ends to wait.
    func wait(_ isWaiting: Bool) { changeWork { $0.waiting += isWaiting ? 1 : -1 } }

    private func changeWork(_ change: (inout Work) -> Void) {
        // Both looks under one lock: a change of another blob in between would hide that all wait now.
        let beginsToIdle = work.withLock { work in
            let wasIdle = work.isIdle
            change(&work)
            return work.isIdle && !wasIdle
        }
        if beginsToIdle { idles() }
    }

    func addMoved(_ bytes: Int64, of digest: Digest) { moved.withLock { $0[digest, default: 0] += bytes } }

    /// The registry has taken a blob or a manifest.
    ///
    /// - Returns: whether it never did before.
    @discardableResult
    func noteHeld(_ digest: Digest) -> Bool {
        let isNew = advance.withLock { $0.hold(digest) }
        if isNew { advanced.raise() }
        return isNew
    }

    /// The registry keeps so many bytes of an upload that broke off.
    func noteKept(_ bytes: Int64, of digest: Digest) {
        if advance.withLock({ $0.reach(bytes, of: digest) }) { advanced.raise() }
    }

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
    var carried: Carried {
        let shown = snapshot.filter { $0.value.outcome == .pending }.mapValues(\.bytesDone).filter { $0.value > 0 }
        return Carried(shown: shown, advance: advance.withLock { $0 })
    }
}
