internal import Dispatch
internal import Glibc

/// A thread of its own for work that blocks, counted by a group so that its end can be awaited.
///
/// Not a dispatch queue: those share at most 64 threads, and a test may hold more connections than that.
enum ServerThread {
    private final class Work: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(in group: DispatchGroup, _ run: @escaping @Sendable () -> Void) {
        group.enter()
        let work = Work {
            run()
            group.leave()
        }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 2 << 20)  // virtual; decoding JSON in a debug build goes deep
        var thread = pthread_t()
        let context = Unmanaged.passRetained(work).toOpaque()
        let code = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }  // passed two lines above
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        precondition(code == 0, "cannot start a thread: error \(code)")
    }

    /// Returns when all threads of `group` have ended, without holding a thread of the cooperative pool.
    static func join(_ group: DispatchGroup) async {
        await withCheckedContinuation { continuation in
            group.notify(queue: .global()) { continuation.resume() }
        }
    }
}
