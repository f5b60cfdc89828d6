import Synchronization

/// A turn to upload that a job waits for.
final class UploadTurn: Sendable {
    private let progress: JobProgress
    private let isWaiting = Mutex(false)

    init(_ progress: JobProgress) { self.progress = progress }

    func isWaitedFor() {
        isWaiting.withLock { $0 = true }
        progress.wait(true)
    }

    /// It has come, or will not.
    func comes() {
        let wasWaiting = isWaiting.withLock { isWaiting in
            defer { isWaiting = false }
            return isWaiting
        }
        if wasWaiting { progress.wait(false) }
    }
}
