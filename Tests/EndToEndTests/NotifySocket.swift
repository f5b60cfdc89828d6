import Dispatch
import Glibc
import Synchronization
import TestSupport

/// The service manager's end of `sd_notify`: a datagram socket that keeps every message.
///
/// Source: sd_notify(3).
final class NotifySocket {
    let path: String
    private let received: Received
    private let source: any DispatchSourceRead

    private final class Received: Sendable {
        let messages = Mutex<[String]>([])
        let signal = TestSignal()
    }

    init(path: String) throws {
        self.path = path
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, UnixAddress(path)?.apply(bind, to: descriptor) == 0 else {
            throw TestSupportError("cannot bind \(path): errno \(errno)")
        }
        let received = Received()
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
        source.setEventHandler {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return }
            received.messages.withLock { $0.append(String(decoding: bytes[..<count], as: UTF8.self)) }
            received.signal.raise()
        }
        source.setCancelHandler { close(descriptor) }
        source.resume()
        self.received = received
        self.source = source
    }

    deinit { source.cancel() }

    var messages: [String] { received.messages.withLock { $0 } }

    /// Returns when `predicate` holds of all messages so far.
    func wait(for what: String, _ predicate: @escaping @Sendable ([String]) -> Bool) async throws {
        try await received.signal.wait(for: what) { [received] in predicate(received.messages.withLock { $0 }) }
    }
}
