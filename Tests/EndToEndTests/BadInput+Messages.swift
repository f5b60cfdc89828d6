import FoundationEssentials
import Glibc
import TestSupport

/// Messages on the control socket that pushctl would never send.
extension BadInput {
    private static func message(_ name: String, _ bytes: [UInt8]) -> BadInput {
        BadInput(name) { machine in
            try await machine.withDaemon { _ in
                let socket = try RawSocket(machine.socket)
                let reply = try socket.exchange(bytes)
                let text = try reply.text.map { Shown.neutral(try inOrder($0), machine) } ?? "no answer"
                return Shown(lines: [text], end: reply.isOpen ? "goes on" : "ends")
            }
        }
    }

    /// The same document with the keys of its objects sorted, which come in any order.
    private static func inOrder(_ text: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let value = try JSONDecoder().decode([String: JSONText].self, from: Data(text.utf8))
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private enum JSONText: Codable {
        case text(String), object([String: JSONText])

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                self = .text(text)
            } else {
                self = .object(try decoder.singleValueContainer().decode([String: JSONText].self))
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .object(let object): try container.encode(object)
            }
        }
    }

    private static func message(_ name: String, _ text: String) -> BadInput { message(name, Array(text.utf8) + [0]) }

    private static func call(_ name: String, _ method: String, _ parameters: String) -> BadInput {
        message(name, #"{"method":"org.pushd.Control.\#(method)","parameters":\#(parameters)}"#)
    }

    static let messages: [BadInput] = [
        message("Two megabytes without an end", Array(repeating: UInt8(ascii: " "), count: 2 << 20)),
        message("Not JSON", "hello"),
        message("Not UTF-8", [0x7B, 0x22, 0xFF, 0x22, 0x7D, 0]),
        message("Not an object", "[]"),
        message("An empty message", ""),
        message("A key twice", #"{"method":"a.b.C","method":"a.b.D"}"#),
        message("Nested without end", #"{"method":"a.b.C","parameters":"# + String(repeating: "[", count: 10_000)),
        message("No method", "{}"),
        message("A method that is a number", #"{"method":1}"#),
        message("An unknown interface", #"{"method":"org.example.Do"}"#),
        call("An unknown method", "Explode", "{}"),
        call("A parameter of the wrong type", "Show", #"{"job":"one"}"#),
        call("A parameter is missing", "Show", "{}"),
        call("A job's number beyond all numbers", "Show", #"{"job":1e300}"#),
        call("A negative job", "Show", #"{"job":-1}"#),
        call("A level that the daemon does not know", "Verify", #"{"reference":"h.example/a","level":"all"}"#),
        call("A state that the daemon does not know", "List", #"{"states":["lost"]}"#),
        call("A platform that the daemon can't read", "Push", #"{"image":"app","platforms":["?"]}"#),
        call("A timeout before now", "Push", #"{"image":"app","timeout":-5}"#),
        call("A relative path", "Push", #"{"image":"oci:images:app"}"#),
        call("A name with control characters", "Push", #"{"image":"a\u0007b"}"#),
        call("A stream without `more`", "Follow", #"{"jobs":[1]}"#),
    ]
}

/// A Unix socket and bytes, without any of the client's care.
private final class RawSocket {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard UnixAddress(path)?.apply(connect, to: descriptor) == 0 else {
            throw TestSupportError("cannot connect to \(path): errno \(errno)")
        }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends, and reads one answer; then finds out whether another call is taken.
    func exchange(_ bytes: [UInt8]) throws -> (text: String?, isOpen: Bool) {
        send(bytes)
        let text = receive()
        guard text != nil else { return (nil, false) }
        send(Array(#"{"method":"org.varlink.service.GetInfo"}"#.utf8) + [0])
        return (text, receive() != nil)
    }

    private func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }  // refused half-way: the answer tells
            rest = rest.dropFirst(count)
        }
    }

    /// - Returns: nil when the connection is over.
    private func receive() -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while recv(descriptor, &byte, 1, 0) == 1 {
            if byte == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }
}

/// Some other server at a Unix socket: it says its line to whoever comes.
enum ForeignSocket {
    static func with<Value>(
        _ path: String, answering text: String, _ body: () async throws -> Value
    ) async throws -> Value {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard UnixAddress(path)?.apply(bind, to: listener) == 0, listen(listener, 8) == 0 else {
            throw TestSupportError("cannot listen at \(path)")
        }
        let thread = Thread.start {
            while true {
                let peer = accept(listener, nil, nil)
                guard peer >= 0 else { return }
                _ = text.withCString { write(peer, $0, text.utf8.count) }
                var byte: UInt8 = 0
                while recv(peer, &byte, 1, 0) == 1 {}
                close(peer)
            }
        }
        defer {
            shutdown(listener, Int32(SHUT_RDWR))
            pthread_join(thread, nil)
            close(listener)
        }
        return try await body()
    }
}

private enum Thread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Work(body)).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                // Passed by the line above, and taken once.
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, work)
        return thread
    }
}
