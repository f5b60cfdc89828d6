import Dispatch
import Glibc

/// A listener at a Unix socket that hangs up on the first to connect, and is gone then: its socket's file stays.
final class HangUp: Sendable {
    private let listener: Int32
    private let queue = DispatchQueue(label: "hang-up")

    init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(100)) }
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = withUnsafePointer(to: address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 1) == 0 else { throw SocketError(number: errno) }
        self.listener = listener
    }

    /// Returns once somebody has connected and was hung up on.
    func hasHungUp() async {
        await withCheckedContinuation { continuation in
            queue.async { [listener] in
                let peer = accept(listener, nil, nil)
                close(listener)
                close(peer)
                continuation.resume()
            }
        }
    }

    private struct SocketError: Error { let number: Int32 }
}
