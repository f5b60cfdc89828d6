import Dispatch
import FoundationEssentials
import Glibc
import TestSupport

/// A client that behaves as a test wants it to: it may never read, or leave in the middle.
final class RawClient: Sendable {
    private let descriptor: Int32

    init(socket path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, UnixAddress(path)?.apply(connect, to: descriptor) == 0 else {
            throw TestSupportError("cannot connect to \(path): errno \(errno)")
        }
    }

    deinit { close(descriptor) }

    /// Ends the connection in both directions, as a process that was killed does.
    func leave() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Sends one Varlink call; `parameters` is JSON.
    func call(_ method: String, _ parameters: String, more: Bool = false) throws {
        let text = #"{"method":"org.pushd.Control.\#(method)","parameters":\#(parameters),"more":\#(more)}"#
        let bytes = Array(text.utf8) + [0]
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw TestSupportError("cannot send: errno \(errno)")
        }
    }

    /// Reads replies until one is the last of its call.
    func lastReply() async throws -> JSON {
        let replies = try await replies { $0["continues"]?.isTrue != true }
        return replies.last ?? .null
    }

    /// Reads replies up to the first that `isLast` is true of.
    func replies(until isLast: @escaping @Sendable (JSON) -> Bool) async throws -> [JSON] {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { [self] in
                continuation.resume(with: Result { try readReplies(until: isLast) })
            }
        }
    }

    private func readReplies(until isLast: (JSON) -> Bool) throws -> [JSON] {
        // A guard against a test that hangs.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var replies: [JSON] = []
        var reply: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else {
                throw TestSupportError(
                    "no more comes (errno \(errno)) after \(replies.count) replies: \(replies.last ?? .null)")
            }
            for byte in buffer[..<count] {
                guard byte == 0 else {
                    reply.append(byte)
                    continue
                }
                let message = try JSONDecoder().decode(JSON.self, from: Data(reply))
                replies.append(message)
                if isLast(message) { return replies }
                reply = []
            }
        }
    }
}
