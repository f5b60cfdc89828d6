import Glibc

/// The signals that a daemon acts on: SIGTERM and SIGINT stop, SIGHUP reloads, SIGPIPE is ignored.
///
/// They are blocked in all threads, and the main thread does nothing but wait for them: none is lost or acts in its
/// usual way, however early it comes. (Between a signal's usual effect and a Dispatch source for it lies a moment in
/// which it vanishes, and the thread that `async` programs leave behind for signals blocks none.)
struct Signals: Sendable {
    enum Event: Sendable {
        case stop, reload
    }

    /// What has come since this value was made.
    let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation

    /// Made on the main thread, before there is any other: threads inherit what is blocked.
    init() {
        (events, continuation) = AsyncStream.makeStream()
        signal(SIGPIPE, SIG_IGN)
        var wanted = Self.wanted
        pthread_sigmask(SIG_BLOCK, &wanted, nil)
    }

    /// The main thread's work from then on.
    func receive() -> Never {
        var wanted = Self.wanted
        var number: Int32 = 0
        while true {
            guard sigwait(&wanted, &number) == 0 else { continue }
            continuation.yield(number == SIGHUP ? .reload : .stop)
        }
    }

    private static var wanted: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&set, number) }
        return set
    }
}
