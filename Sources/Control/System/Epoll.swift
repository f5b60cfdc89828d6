internal import CLinux
internal import Glibc

/// The descriptors that one thread waits for, each known by a token. What is reported stays reported until it is dealt with.
///
/// Source: epoll(7), level-triggered.
final class Epoll: Sendable {
    struct Interest: OptionSet, Sendable {
        let rawValue: UInt32
        static let input = Interest(rawValue: pushd_epollin)
        static let output = Interest(rawValue: pushd_epollout)
        /// Both directions are closed, or the connection broke. Reported always.
        static let hangUp = Interest(rawValue: pushd_epollhup | pushd_epollerr)
    }

    private let descriptor: Descriptor

    init() throws(SystemError) {
        let number = pushd_epoll_create()
        guard number >= 0 else { throw SystemError(call: "epoll_create1", code: errno) }
        descriptor = Descriptor(owning: number)
    }

    func add(_ watched: Int32, _ interest: Interest, token: UInt64) {
        pushd_epoll_ctl(descriptor.number, EPOLL_CTL_ADD, watched, interest.rawValue, token)
    }

    func change(_ watched: Int32, _ interest: Interest, token: UInt64) {
        pushd_epoll_ctl(descriptor.number, EPOLL_CTL_MOD, watched, interest.rawValue, token)
    }

    func remove(_ watched: Int32) {
        pushd_epoll_ctl(descriptor.number, EPOLL_CTL_DEL, watched, 0, 0)
    }

    /// Waits until something is ready, at most `milliseconds` (-1: without limit), and reports up to 64 descriptors.
    func wait(milliseconds: Int32, _ body: (_ token: UInt64, _ ready: Interest) -> Void) {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = epoll_wait(descriptor.number, events.baseAddress, 64, milliseconds)
            for index in 0..<max(0, Int(count)) {
                // The buffer has room for 64 and the kernel has filled `count`.
                guard let event = events.baseAddress?.advanced(by: index) else { return }
                body(pushd_epoll_token(event), Interest(rawValue: pushd_epoll_events(event)))
            }
        }
    }
}
