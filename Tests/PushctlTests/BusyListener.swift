import Glibc

@testable import pushctl

/// A listener at a Unix socket that takes no connection, and whose queue of new ones is full.
final class BusyListener: Sendable {
    private let sockets: [Int32]

    init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(100)) }
        func apply(_ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ socket: Int32) -> Int32 {
            withUnsafePointer(to: address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    call(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        func make() -> Int32 { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0) }
        var sockets = [make()]
        guard apply(bind, sockets[0]) == 0, listen(sockets[0], 0) == 0 else { throw OutputError(number: errno) }
        repeat { sockets.append(make()) } while apply(connect, sockets[sockets.count - 1]) == 0
        self.sockets = sockets
    }

    func close() { for socket in sockets { Glibc.close(socket) } }
}

extension Console {
    /// Prints nothing.
    static let silent = Console(
        write: { _ throws(OutputError) in }, writeError: { _ throws(OutputError) in }, isTerminal: false, color: false,
        errorColor: false, glyphs: .unicode, size: { (80, 24) }, isForeground: { true },
        questions: Questions(canAsk: false, ask: { _, _ in nil }, readAll: { _ in nil }), now: { testNow },
        localTime: { _ in "" })
}
