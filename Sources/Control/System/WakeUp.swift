internal import CLinux
internal import Glibc

/// Lets any thread wake the one that waits in `poll` or `epoll_wait` on ``number``.
///
/// Source: eventfd(2).
final class WakeUp: Sendable {
    let number: Int32
    private let descriptor: Descriptor

    init() throws(SystemError) {
        number = linux_eventfd()
        guard number >= 0 else { throw SystemError(call: "eventfd", code: errno) }
        descriptor = Descriptor(owning: number)
    }

    func signal() {
        var one: UInt64 = 1
        // It fails only where the counter is full, and then the waiter is awake anyway.
        _ = write(number, &one, 8)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(number, &count, 8)
    }
}
