import Glibc
import HTTP
import Testing

@Suite("Cancellation")
struct CancellationTests {
    /// Starts a request in a task, cancels it once `reached` says so, and returns how long the end took.
    private func cancel(_ client: HTTPClient, _ request: HTTPRequest, when reached: () async -> Void) async throws
        -> Duration
    {
        let task = Task { try await client.send(request) }
        await reached()
        let start = ContinuousClock.now
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        return ContinuousClock.now - start
    }

    @Test("ends a request that waits for its answer, and its connection, at once")
    func waiting() async throws {
        let reached = Event()
        let closed = Event()
        try await withServer { connection in
            _ = connection.readRequest()
            reached.happen()
            connection.waitForClose()
            closed.happen()
        } body: { server, client in
            let url = try server.url()
            let time = try await cancel(client, HTTPRequest(url: url)) { await reached.wait() }
            #expect(time < .seconds(30), "no limit of time ended it")
            await closed.wait()
        }
    }

    @Test("ends a body on its way")
    func sending() async throws {
        let reached = Event()
        let closed = Event()
        let file = TestFile([])
        file.truncate(to: 1 << 40)
        try await withServer { connection in
            _ = connection.readHead()
            _ = connection.read(1_000_000)
            reached.happen()
            connection.waitForClose()
            closed.happen()
        } body: { server, client in
            let request = HTTPRequest(
                method: .put, url: try server.url(),
                body: .file(try FileRange(path: file.path, offset: 0, length: 1 << 40))
            )
            let time = try await cancel(client, request) { await reached.wait() }
            #expect(time < .seconds(30), "no limit of time ended it")
            await closed.wait()
        }
    }

    @Test("ends a request that waits for its turn, and leaves the others alone")
    func queued() async throws {
        let reached = Event()
        let mayAnswer = Event()
        try await withServer(.init(maxConnectionsPerHost: 1)) { connection in
            while connection.readRequest() != nil {
                reached.happen()
                mayAnswer.waitBlocking()
                connection.answer("200 OK")
            }
        } body: { server, client in
            let url = try server.url()
            async let first = client.send(HTTPRequest(url: url)).status
            await reached.wait()
            let time = try await cancel(client, HTTPRequest(url: url)) {}
            #expect(time < .seconds(30), "no limit of time ended it")
            mayAnswer.happen()
            #expect(try await first == 200)
            #expect(try await client.send(HTTPRequest(url: url)).status == 200)
        }
    }

    @Test("before the start sends nothing")
    func before() async throws {
        try await withServer { _ in
        } body: { server, client in
            let url = try server.url()
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.send(HTTPRequest(url: url))
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(server.connectionCount == 0)
        }
    }

    @Test("at any moment ends each request once", arguments: 0..<20)
    func race(round: Int) async throws {
        try await withServer { connection in
            while connection.readRequest() != nil { connection.answer("200 OK") }
        } body: { server, client in
            let url = try server.url()
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let task = Task { try await client.send(HTTPRequest(url: url)).status }
                        for _ in 0..<(number * round) { await Task.yield() }
                        task.cancel()
                        switch await task.result {
                        case .success(let status): #expect(status == 200)
                        case .failure(let error): #expect(error is CancellationError)
                        }
                    }
                }
            }
            #expect(try await client.send(HTTPRequest(url: url)).status == 200)
        }
    }

    @Test("of all by shutting down, after which nothing is sent")
    func shutdown() async throws {
        let reached = Event()
        try await withServer { connection in
            _ = connection.readRequest()
            reached.happen()
            connection.waitForClose()
        } body: { server, client in
            let url = try server.url()
            let tasks = (0..<5).map { _ in Task { try await client.send(HTTPRequest(url: url)) } }
            await reached.wait()
            await client.shutdown()
            for task in tasks { await #expect(throws: CancellationError.self) { try await task.value } }
            let count = server.connectionCount
            await #expect(throws: CancellationError.self) { try await client.send(HTTPRequest(url: url)) }
            await client.shutdown()
            #expect(server.connectionCount == count)
        }
    }
}
