internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// A small, strict HTTP/1.1 server on 127.0.0.1, whose handler can do everything that servers do wrong.
///
/// One thread for each connection; the handler runs on it and may block. Requests follow each other on a
/// connection; bodies have a `Content-Length`. What breaks the protocol gets 400 and stands in ``problems``.
///
/// ```swift
/// try await ScriptedServer.with({ exchange in
///     try exchange.readBody(atMost: 65_536)
///     exchange.cut(.reset)
/// }) { server in
///     … server.url("/upload")
/// }
/// ```
public final class ScriptedServer: Sendable {
    public typealias Handler = @Sendable (Exchange) throws -> Void

    /// Chosen by the system, and kept over ``pause()`` and ``resume()``.
    public let port: Int

    private struct State {
        /// Bound to the port and never listening: nobody else gets it while the server is down. Nil after the end.
        var holder: Int32?
        /// Nil while paused and after the end. Closed by the thread that accepts, once it was shut down.
        var listener: Int32?
        var connections: [Int: Int32] = [:]
    }

    private let handler: Handler
    private let receiveBuffer: Int32?
    private let state: Mutex<State>
    private let log = RequestLog()
    private let threads = DispatchGroup()

    /// Listens at once.
    ///
    /// - Parameter receiveBuffer: bytes that the kernel takes in while nobody reads; nil: its own choice, megabytes.
    ///   A small one lets a stall reach the sender early.
    /// - Throws: ``TestSupportError`` if there is no port to be had.
    public init(receiveBuffer: Int? = nil, _ handler: @escaping Handler) throws {
        self.handler = handler
        self.receiveBuffer = receiveBuffer.map(Int32.init)
        let (holder, port) = try Self.bind(port: 0)
        self.port = port
        let listener: Int32
        do { listener = try Self.listen(port: port, receiveBuffer: self.receiveBuffer) } catch {
            close(holder)
            throw error
        }
        state = Mutex(State(holder: holder, listener: listener))
        startAccepting(at: listener)
    }

    /// Runs `body` with a server that is stopped afterwards, whatever happens.
    public static func with<Result>(
        receiveBuffer: Int? = nil, _ handler: @escaping Handler,
        _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let server = try ScriptedServer(receiveBuffer: receiveBuffer, handler)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    /// `127.0.0.1:PORT`.
    public var address: String { "127.0.0.1:\(port)" }

    /// The absolute URL of a target such as `/v2/`.
    public func url(_ target: String = "/") -> String { "http://\(address)\(target)" }

    /// Everything asked so far, in the order of arrival; the last ones may be unfinished.
    public var requests: [RecordedRequest] { log.state.withLock { $0.requests } }
    /// What clients sent that is not HTTP/1.1, and errors of the handler that are not the peer's going away.
    public var problems: [String] { log.state.withLock { $0.problems } }
    public var connectionsAccepted: Int { log.state.withLock { $0.accepted } }
    /// Connections on which a client tried TLS, and was told that this is plain HTTP. They are no requests.
    public var greetingsInTLS: Int { log.state.withLock { $0.greetingsInTLS } }
    public var openConnections: Int { log.state.withLock { $0.openConnections } }
    /// The most connections that were open at one time.
    public var peakConnections: Int { log.state.withLock { $0.peakConnections } }
    /// The most requests that were being served at one time.
    public var peakRequests: Int { log.state.withLock { $0.peakInFlight } }
    /// Raised whenever something above changes, each piece of a body included.
    public var signal: TestSignal { log.signal }

    /// Returns as soon as `predicate` holds. It is asked again after each recorded event.
    public func waitUntil(
        _ what: String = "the condition", timeout: Duration = .seconds(20), _ predicate: @escaping @Sendable () -> Bool
    ) async throws {
        try await signal.wait(for: what, timeout: timeout, until: predicate)
    }

    func reportProblem(_ text: String) { log.change { $0.problems.append(text) } }

    /// Refuses new connections and breaks the open ones: the server is down. The port stays its own.
    public func pause() {
        state.withLock { state in
            if let listener = state.listener { shutdown(listener, Int32(SHUT_RDWR)) }
            state.listener = nil
            for socket in state.connections.values { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Listens again, at the same port.
    public func resume() throws {
        let listener = try Self.listen(port: port, receiveBuffer: receiveBuffer)
        state.withLock { $0.listener = listener }
        startAccepting(at: listener)
    }

    /// Breaks all open connections; new ones are welcome.
    public func dropConnections() {
        state.withLock { state in
            for socket in state.connections.values { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Ends listening and all connections, waking every handler that waits, and returns when all threads are gone.
    public func stop() async {
        pause()
        await ServerThread.join(threads)
        state.withLock { state in
            if let holder = state.holder { close(holder) }
            state.holder = nil
        }
    }

    /// A socket at a port of 127.0.0.1, which it may share with others of this server: Linux allows that as long as
    /// all say `SO_REUSEADDR` and none that is there already listens.
    private static func bind(port: Int, receiveBuffer: Int32? = nil) throws -> (socket: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw TestSupportError("cannot make a socket: errno \(errno)") }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                Glibc.bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
                    ? 0 : errno
            }
        }
        guard code == 0 else {
            close(descriptor)
            throw TestSupportError("cannot have 127.0.0.1:\(port): errno \(code)")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    private static func listen(port: Int, receiveBuffer: Int32?) throws -> Int32 {
        let (listener, _) = try bind(port: port, receiveBuffer: receiveBuffer)
        guard Glibc.listen(listener, 512) == 0 else {
            let code = errno
            close(listener)
            throw TestSupportError("cannot listen on 127.0.0.1:\(port): errno \(code)")
        }
        return listener
    }

    private func startAccepting(at listener: Int32) {
        ServerThread.start(in: threads) {
            while true {
                let accepted = linux_accept(listener)
                if accepted >= 0 {
                    _ = fcntl(accepted, F_SETFL, 0)  // it has its own thread and may block
                    self.startServing(accepted)
                } else if errno != EINTR && errno != ECONNABORTED {
                    break  // shut down
                }
            }
            close(listener)
        }
    }

    private func startServing(_ descriptor: Int32) {
        let number = log.change { state in
            state.accepted += 1
            state.openConnections += 1
            state.peakConnections = max(state.peakConnections, state.openConnections)
            return state.accepted
        }
        state.withLock { state in
            state.connections[number] = descriptor
            // Accepted in the very moment of the stop, whose list did not have it.
            if state.listener == nil { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        ServerThread.start(in: threads) {
            self.serve(Wire(descriptor: descriptor), number)
            self.state.withLock { state in
                state.connections[number] = nil
                close(descriptor)  // inside: the stop must not shut down a number that has been given to another
            }
            self.log.change { $0.openConnections -= 1 }
        }
    }

    private func serve(_ wire: Wire, _ number: Int) {
        while true {
            let head: RequestHead
            do {
                guard let text = try wire.readHead() else { return }
                head = try RequestHead(parsing: text)
            } catch Wire.Failure.closed {
                return
            } catch Wire.Failure.greetedInTLS {
                log.change { $0.greetingsInTLS += 1 }
                // As servers written in Go do it.
                let words = "Client sent an HTTPS request to an HTTP server."
                try? wire.send(Array("HTTP/1.0 400 Bad Request\r\n\r\n\(words)\n".utf8))
                _ = wire.finish()
                return
            } catch {
                reportProblem("connection \(number): \(error)")
                try? wire.send(
                    Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8))
                _ = wire.finish()
                return
            }
            let index = log.begin(head, connection: number)
            defer { log.end(index) }
            let exchange = Exchange(head: head, connection: number, wire: wire, log: log, index: index)
            var failed = false
            do {
                try handler(exchange)
            } catch {
                failed = true
                if !(error is Wire.Failure) { reportProblem("\(head.method) \(head.target): \(error)") }
            }
            guard exchange.conclude(failed: failed) else { return }
        }
    }
}
