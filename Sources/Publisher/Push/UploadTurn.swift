import Synchronization

/// Tracks whether a job waits for an upload slot, so that the wait is counted and ended exactly once.
final class UploadTurn: Sendable {
    private let progress: JobProgress
    private let isWaiting = Mutex(false)

    init(_ progress: JobProgress) { self.progress = progress }

    func isWaitedFor() {
        isWaiting.withLock { $0 = true }
        progress.wait(true)
    }

    /// The slot was given, or the wait was abandoned.
    func comes() {
        let wasWaiting = isWaiting.withLock { isWaiting in
            defer { isWaiting = false }
            return isWaiting
        }
        if wasWaiting { progress.wait(false) }
    }
}
