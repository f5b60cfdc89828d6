import Dispatch
import Glibc
import HTTP
import Synchronization
import System
import TestSupport

/// Runs `body` with a server and a client of its own, and ends both.
func withServer<T>(
    _ configuration: HTTPClient.Configuration = .init(), receiveBuffer: Int32? = nil,
    serve: @escaping @Sendable (Connection) -> Void,
    body: (RawServer, HTTPClient) async throws -> T
) async throws -> T {
    let server = try RawServer(receiveBuffer: receiveBuffer, serve)
    let client = HTTPClient(configuration: configuration)
    do {
        let result = try await body(server, client)
        await client.shutdown()
        server.stop()
        return result
    } catch {
        await client.shutdown()
        server.stop()
        throw error
    }
}

/// What the server's threads have seen, for the test to look at afterwards.
final class Record<Value: Sendable>: Sendable {
    private let entries = Mutex<[Value]>([])

    func append(_ entry: Value) { entries.withLock { $0.append(entry) } }
    var all: [Value] { entries.withLock { $0 } }
}

/// Something that happens once, waited for by threads and tasks.
final class Event: Sendable {
    private struct State {
        var hasHappened = false
        var waiters: [@Sendable () -> Void] = []
    }
    private let state = Mutex(State())

    func happen() {
        let waiters = state.withLock { state in
            state.hasHappened = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in call { continuation.resume() } }
    }

    /// For a server's thread.
    func waitBlocking() {
        let semaphore = DispatchSemaphore(value: 0)
        call { semaphore.signal() }
        semaphore.wait()
    }

    private func call(_ waiter: @escaping @Sendable () -> Void) {
        let hasHappened = state.withLock { state in
            if !state.hasHappened { state.waiters.append(waiter) }
            return state.hasHappened
        }
        if hasHappened { waiter() }
    }
}

/// The cause of the ``HTTPError`` that `body` throws.
func cause(of body: () async throws -> HTTPResponse) async throws -> HTTPError.Cause {
    try await failure(of: body).cause
}

/// The ``HTTPError`` that `body` throws.
func failure(of body: () async throws -> HTTPResponse) async throws -> HTTPError {
    do {
        let response = try await body()
        throw UnexpectedAnswer(status: response.status)
    } catch let error as HTTPError {
        return error
    }
}

struct UnexpectedAnswer: Error {
    let status: Int
}

struct UnexpectedCause: Error {
    let cause: HTTPError.Cause
}

/// A file of the test's own, removed at its end.
struct TestFile: ~Copyable {
    let path: String

    init(_ bytes: [UInt8]) {
        var template = Array("/tmp/pushd-http-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        precondition(descriptor >= 0)
        precondition(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
        close(descriptor)
        path = template.withUnsafeBufferPointer { buffer in
            String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    deinit { unlink(path) }

    func truncate(to size: Int) { precondition(Glibc.truncate(path, size) == 0) }
}

/// Bytes that differ from place to place: a period of a prime number of bytes.
func pattern(_ count: Int) -> [UInt8] {
    let period = (0..<min(count, 4099)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 16) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count { bytes += period.prefix(count - bytes.count) }
    return bytes
}

extension FileRange {
    /// Of a file that is there.
    init(path: String, offset: Int64, length: Int64) throws {
        self.init(file: try ReadableFile(opening: path), offset: offset, length: length)
    }
}
