internal import CLinux
internal import Glibc

/// The descriptors that one thread waits for, each known by a token. What is reported stays reported until it is dealt with.
///
/// Source: epoll(7), level-triggered.
final class Epoll: Sendable {
    struct Interest: OptionSet, Sendable {
        let rawValue: UInt32
        static let input = Interest(rawValue: linux_epollin)
        static let output = Interest(rawValue: linux_epollout)
        /// Both directions are closed, or the connection broke. Reported always.
        static let hangUp = Interest(rawValue: linux_epollhup | linux_epollerr)
    }

    private let descriptor: Descriptor

    init() throws(SystemError) {
        let number = linux_epoll_create()
        guard number >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
        descriptor = Descriptor(owning: number)
    }

    func add(_ watched: Int32, _ interest: Interest, token: UInt64) {
        linux_epoll_add(descriptor.number, watched, interest.rawValue, token)
    }

    func change(_ watched: Int32, _ interest: Interest, token: UInt64) {
        linux_epoll_change(descriptor.number, watched, interest.rawValue, token)
    }

    func remove(_ watched: Int32) {
        linux_epoll_remove(descriptor.number, watched)
    }

    /// Waits until something is ready, at most `milliseconds` (-1: without limit), and reports up to 64 descriptors.
    func wait(milliseconds: Int32, _ body: (_ token: UInt64, _ ready: Interest) -> Void) {
        withUnsafeTemporaryAllocation(of: linux_ready.self, capacity: 64) { ready in
            let count = linux_epoll_wait(descriptor.number, ready.baseAddress, 64, milliseconds)
            for event in ready.prefix(max(0, Int(count))) {
                body(event.token, Interest(rawValue: event.events))
            }
        }
    }
}
