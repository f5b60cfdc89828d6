import Glibc
import HTTP
import Synchronization

/// A server on a port of its own whose behaviour is a function of raw bytes: one thread for each connection.
final class RawServer: Sendable {
    let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var threads: [pthread_t] = []
        var connections: [Connection] = []
        var isStopped = false
    }

    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// - Parameters:
    ///   - receiveBuffer: bytes that the kernel takes from a client before the server reads; nil for many.
    ///   - serve: runs for each connection, which is closed when it returns.
    init(receiveBuffer: Int32? = nil, _ serve: @escaping @Sendable (Connection) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 256) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isBound else { throw ServerError(what: "bind", errno: errno) }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        run { [self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let connection = state.withLock { state in
                    let connection = Connection(descriptor, number: state.connections.count + 1)
                    state.connections.append(connection)
                    if state.isStopped { connection.interrupt() }
                    return connection
                }
                run {
                    serve(connection)
                    connection.close()
                }
            }
        }
    }

    var connectionCount: Int { state.withLock { $0.connections.count } }

    func url(_ target: String = "/", scheme: String = "http") throws -> HTTPURL {
        try HTTPURL(parsing: "\(scheme)://127.0.0.1:\(port)\(target)")
    }

    /// Ends all connections and waits for all threads.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        while true {
            let threads = state.withLock { state in
                state.isStopped = true
                for connection in state.connections { connection.interrupt() }
                defer { state.threads = [] }
                return state.threads
            }
            if threads.isEmpty { break }
            for thread in threads { pthread_join(thread, nil) }
        }
        close(listener)
    }

    private func run(_ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(body))
        state.withLock { state in
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body() }
                    return nil
                }, start.toOpaque())
            precondition(code == 0)
            state.threads.append(thread)
        }
    }
}

struct ServerError: Error {
    let what: String
    let errno: Int32
}

/// The server's end of one connection.
final class Connection: Sendable {
    /// 1 for the server's first.
    let number: Int
    private let descriptor: Mutex<Int32>
    private let buffered = Mutex<[UInt8]>([])
    private let interrupted = Event()

    init(_ descriptor: Int32, number: Int) {
        self.descriptor = Mutex(descriptor)
        self.number = number
    }

    private var current: Int32 { descriptor.withLock { $0 } }

    /// Request line and headers with the empty line after them; empty when the client has closed.
    func readHead() -> String {
        while true {
            let head: [UInt8]? = buffered.withLock { bytes in
                for end in bytes.indices.dropFirst(3) where bytes[(end - 3)...end].elementsEqual("\r\n\r\n".utf8) {
                    defer { bytes.removeFirst(end + 1) }
                    return Array(bytes[...end])
                }
                return nil
            }
            if let head { return String(decoding: head, as: UTF8.self) }
            if !receive() { return "" }
        }
    }

    /// `count` bytes, or fewer if the client closes before.
    func read(_ count: Int) -> [UInt8] {
        while buffered.withLock({ $0.count }) < count, receive() {}
        return buffered.withLock { bytes in
            let taken = Array(bytes.prefix(count))
            bytes.removeFirst(taken.count)
            return taken
        }
    }

    /// Head and body of the next request; nil when the client has closed.
    func readRequest() -> (head: String, body: [UInt8])? {
        let head = readHead()
        guard !head.isEmpty else { return nil }
        let lengths = head.split(separator: "\r\n").compactMap { line in
            line.lowercased().hasPrefix("content-length: ") ? Int(line.dropFirst(16)) : nil
        }
        return (head, read(lengths.first ?? 0))
    }

    /// Returns when the client has closed the connection, or has sent `limit` bytes more.
    func waitForClose(reading limit: Int = .max) {
        var count = 0
        while count < limit, receive() {
            buffered.withLock { bytes in
                count += bytes.count
                bytes = []
            }
        }
    }

    /// Reads nothing more; returns when the server is stopped.
    func waitUntilInterrupted() { interrupted.waitBlocking() }

    @discardableResult
    func write(_ text: String) -> Bool { write(Array(text.utf8)) }

    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                send(current, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// `HTTP/1.1 <status>` with a length.
    @discardableResult
    func answer(_ status: String, headers: [String] = [], body: String = "") -> Bool {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
        return write(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    /// Closes so that the client's system hears of an error instead of an end.
    func reset() {
        descriptor.withLock { descriptor in
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        close()
    }

    /// Says that nothing more comes from here; the client may go on.
    func endOutput() { _ = shutdown(current, Int32(SHUT_WR)) }

    /// Whether ``vanishAfterAnswer()`` is allowed: TCP_REPAIR asks for CAP_NET_ADMIN.
    static let canVanish: Bool = {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Glibc.close(descriptor) }
        var on: Int32 = 1
        return setsockopt(descriptor, Int32(IPPROTO_TCP), tcpRepair, &on, 4) == 0
    }()

    private static let tcpRepair: Int32 = 19

    /// Answers 200 and drops the connection without a word, as a router does that forgets it: the client's next
    /// bytes meet a reset.
    func vanishAfterAnswer() {
        answer("200 OK")
        descriptor.withLock { descriptor in
            let countUnconfirmed: UInt = 0x5411  // SIOCOUTQ
            var unconfirmed: Int32 = 1
            while unconfirmed > 0, ioctl(descriptor, countUnconfirmed, &unconfirmed) == 0 { usleep(1000) }
            var on: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), Self.tcpRepair, &on, 4)
        }
        close()
    }

    func close() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { Glibc.close(descriptor) }
            descriptor = -1
        }
    }

    /// Lets whatever waits for the client go on; only the connection's own thread closes the descriptor.
    func interrupt() {
        interrupted.happen()
        descriptor.withLock { descriptor in
            if descriptor >= 0 { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private func receive() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(current, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        buffered.withLock { $0 += bytes[..<count] }
        return true
    }
}
