import Dispatch
import FoundationEssentials
import Glibc

@testable import Control

/// A server on a socket of its own, in a directory that goes with it.
struct ControlFixture {
    let path: String
    let server: ControlServer

    var client: ControlClient {
        get async throws { try await ControlClient.connect(path: path) }
    }

    var raw: RawClient { get throws { try RawClient(path: path) } }
}

/// Runs `body` against a server that answers with `service`.
func withServer(
    _ service: FakeService, limits: ControlLimits = ControlLimits(),
    access: ControlAccess = ControlAccess(rule: { _ in .full }),
    _ body: (ControlFixture) async throws -> Void
) async throws {
    try await withSocketDirectory { directory in
        let path = directory + "/pushd.sock"
        let server = try ControlServer(
            socket: .path(path, .owner), access: access, info: ServiceInfo(version: "1.2.3"), limits: limits,
            service: service)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(ControlFixture(path: path, server: server)))
        } catch {
            result = .failure(error)
        }
        await server.stop()
        try result.get()
    }
}

/// Runs `body` with a directory of its own: a short path, because a socket's is.
func withSocketDirectory(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/pushd-control-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw SystemError(call: "mkdtemp", code: errno) }
    let directory = String(cString: made)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(directory)
}

func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

/// A client that speaks bytes: what a well-behaved one would never send can be sent.
///
/// Its calls block, so they run on a queue of their own.
final class RawClient: Sendable {
    private let socket: Descriptor
    private let queue = DispatchQueue(label: "raw-client")

    init(path: String) throws {
        guard let address = SocketAddress(path: path), let number = SocketAddress.makeSocket() else {
            throw SystemError(call: "socket", code: errno)
        }
        socket = Descriptor(owning: number)
        guard address.apply(Glibc.connect, to: number) == 0 else { throw SystemError(call: "connect", code: errno) }
        guard fcntl(number, F_SETFL, 0) == 0 else { throw SystemError(call: "fcntl", code: errno) }
        // A call that is never answered is a failure, not a test without end.
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Sends `text` with "␀" for the zero byte.
    func send(_ text: String) async throws {
        try await send(
            bytes: text.utf8.split(separator: [0xE2, 0x90, 0x80], omittingEmptySubsequences: false).joined(separator: [
                0
            ]))
    }

    func send(bytes: some Sequence<UInt8>) async throws {
        let bytes = Array(bytes)
        try await blocking { number in
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(number, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw SystemError(call: "send", code: errno) }
                sent += count
            }
        }
    }

    /// Whole messages as text, as soon as `count` have come or the connection has ended.
    func receive(_ count: Int = .max) async throws -> [String] {
        try await blocking { number in
            var messages: [String] = []
            var message: [UInt8] = []
            var byte: UInt8 = 0
            while messages.count < count {
                let got = read(number, &byte, 1)
                if got == 0 || got < 0 && errno == ECONNRESET { break }
                guard got == 1 else { throw SystemError(call: "read", code: errno) }
                if byte == 0 {
                    messages.append(String(decoding: message, as: UTF8.self))
                    message = []
                } else {
                    message.append(byte)
                }
            }
            return messages
        }
    }

    /// Says that nothing more comes, and goes on reading.
    func endInput() { shutdown(socket.number, Int32(SHUT_WR)) }

    /// Leaves for good.
    func hangUp() { shutdown(socket.number, Int32(SHUT_RDWR)) }

    private func blocking<Value: Sendable>(_ body: @escaping @Sendable (Int32) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body(self.socket.number) }) }
        }
    }
}
