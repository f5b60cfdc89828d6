internal import CLinux
internal import Glibc

/// A thread of its own for a loop that blocks in the kernel, which the cooperative pool must never do.
enum OwnThread {
    /// Runs `body` on a new thread, detached: it ends when `body` returns. The kernel shows 15 bytes of the name.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let work = Unmanaged.passRetained(Work(name: name, body: body))
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runWork, work.toOpaque())
        guard code == 0 else {
            work.release()
            throw SystemError(call: "pthread_create", code: code)
        }
        pthread_detach(thread)
    }
}

private final class Work: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
    linux_name_thread(work.name)
    work.body()
    return nil
}
