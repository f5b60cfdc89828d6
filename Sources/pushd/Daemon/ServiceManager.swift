import Glibc

/// Notifies the service manager, where there is one.
///
/// Source: sd_notify(3), sd_watchdog_enabled(3).
struct ServiceManager: Sendable {
    private let notifySocket: String?
    /// How often the manager wants to hear that the daemon is alive.
    let watchdog: Duration?

    /// Reads the environment and takes the variables out of it, so that no child sees them.
    init(environment: [String: String]) {
        notifySocket = environment["NOTIFY_SOCKET"]
        let isWatched = environment["WATCHDOG_PID"].flatMap { Int32($0) } ?? getpid() == getpid()
        watchdog =
            isWatched ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0 / 2) } : nil
        for name in ["NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", "WATCHDOG_USEC"] {
            unsetenv(name)
        }
    }

    func ready() { notify("READY=1") }
    func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        notify("RELOADING=1\nMONOTONIC_USEC=\(Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)")
    }
    func stopping() { notify("STOPPING=1") }
    func alive() { notify("WATCHDOG=1") }
    func status(_ text: String) { notify("STATUS=\(text)") }

    /// Best effort: there is no place to report a failure to.
    private func notify(_ message: String) {
        guard let notifySocket, notifySocket.hasPrefix("/") || notifySocket.hasPrefix("@") else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(notifySocket.utf8)
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.count < capacity else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let offset = MemoryLayout<sa_family_t>.size
        let bytes = Array(message.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0,
                    socklen_t(offset + path.count))
            }
        }
    }
}
