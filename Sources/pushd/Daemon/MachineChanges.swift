import CLinux
import Dispatch
import Glibc
import Publisher

/// What changes around the daemon and is better known at once.
enum MachineChange: Sendable {
    /// There may be a way again to where there was none.
    case network
    /// The clock was set, or the machine has slept.
    case clock
}

/// Listens to the kernel, on a thread of its own.
struct MachineChanges: Sendable {
    /// What has changed since this value was made; several of a kind count as one. On a machine without netlink, or
    /// without such timers, it reports less: what matters is found out in other ways too, only later.
    let events: AsyncStream<MachineChange>

    init() {
        let (events, continuation) = AsyncStream.makeStream(
            of: MachineChange.self, bufferingPolicy: .bufferingNewest(8))
        self.events = events
        let stop = linux_eventfd()
        guard stop >= 0 else {
            continuation.finish()
            return
        }
        continuation.onTermination = { _ in
            var one: UInt64 = 1
            _ = write(stop, &one, MemoryLayout<UInt64>.size)
        }
        // Opened here and not on the thread: a change that comes from now on is not missed.
        let (routes, clock) = (linux_route_socket(), linux_clock_timer())
        DispatchQueue(label: "pushd.machine").async {
            Self.listen(to: routes, clock, until: stop) { continuation.yield($0) }
            for descriptor in [stop, routes, clock] where descriptor >= 0 { close(descriptor) }
        }
    }

    /// - Parameters:
    ///   - routes: a netlink socket, or -1.
    ///   - clock: a timer that is cancelled when the clock is set, or -1.
    ///   - stop: readable when it is to end, which is the only end.
    private static func listen(
        to routes: Int32, _ clock: Int32, until stop: Int32, _ tell: (MachineChange) -> Void
    ) {
        var news = NetworkNews()
        // One that is -1 is passed over: poll(2).
        var waiting = [stop, routes, clock].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            let now = Clocks.machine.elapsed()
            if news.take(now: now) { tell(.network) }
            let patience = news.due.map { Int32(clamping: max(1, $0 - now)) } ?? -1
            guard poll(&waiting, nfds_t(waiting.count), patience) > 0 else { continue }
            if waiting[0].revents != 0 { return }
            if waiting[1].revents != 0, read(routes, into: &news) == .broken { waiting[1].fd = -1 }
            if waiting[2].revents != 0 {
                tell(.clock)
                if linux_clock_timer_rearm(clock) != 0 { waiting[2].fd = -1 }
            }
        }
    }

    private enum Reading { case done, broken }

    private static func read(_ routes: Int32, into news: inout NetworkNews) -> Reading {
        withUnsafeTemporaryAllocation(byteCount: 32_768, alignment: 8) { buffer in
            while true {
                let count = recv(routes, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count > 0 {
                    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                    if NetworkNews.opensWay(bytes) { news.heard(now: Clocks.machine.elapsed()) }
                    continue
                }
                switch count == 0 ? 0 : errno {
                case EAGAIN: return .done
                case EINTR: continue
                // More than the kernel could keep for us.
                case ENOBUFS: news.heard(now: Clocks.machine.elapsed())
                default: return .broken
                }
            }
        }
    }
}
