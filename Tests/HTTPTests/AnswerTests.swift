import HTTP
import Synchronization
import Testing

@Suite("An answer")
struct AnswerTests {
    /// What a GET gets from a server that writes `bytes` and closes.
    private func answer(
        _ bytes: String, limits: HTTPLimits = HTTPLimits(), method: HTTPMethod = .get
    ) async throws -> HTTPResponse {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.write(bytes)
        } body: { server, client in
            try await client.send(HTTPRequest(method: method, url: try server.url("/v2/"), limits: limits))
        }
    }

    @Test("has status, headers and body", arguments: [200, 204, 301, 307, 404, 416, 500, 999])
    func whole(status: Int) async throws {
        let body = status == 204 ? "" : "abc"
        let response = try await answer(
            "HTTP/1.1 \(status) X\r\nLocation: /elsewhere\r\nA: 1\r\na:2  \r\nB:\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                + body)
        #expect(response.status == status)
        #expect(String(decoding: response.body, as: UTF8.self) == body)
        #expect(response.headers["location"] == "/elsewhere")
        #expect(response.headers.values("A") == ["1", "2"])
        #expect(response.headers["B"] == "")
        #expect(response.url.target == "/v2/")
    }

    @Test("may come in chunks, with trailers that are dropped")
    func chunked() async throws {
        let response = try await answer(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n")
        #expect(String(decoding: response.body, as: UTF8.self) == "abcde")
        #expect(response.headers["Trailer"] == nil)
    }

    @Test("may end with the connection, and start with interim ones")
    func interimAndClose() async throws {
        let response = try await answer(
            "HTTP/1.1 100 Continue\r\nX: interim\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: hint\r\n\r\nHTTP/1.0 200 OK\r\nY: final\r\n\r\nabc"
        )
        #expect(response.status == 200)
        #expect(response.headers["X"] == nil)
        #expect(response.headers["Y"] == "final")
        #expect(String(decoding: response.body, as: UTF8.self) == "abc")
    }

    @Test("to HEAD has the length of a body and no body")
    func head() async throws {
        let response = try await answer("HTTP/1.1 200 OK\r\nContent-Length: 1234567890123\r\n\r\n", method: .head)
        #expect(response.headers["content-length"] == "1234567890123")
        #expect(response.body.isEmpty)
    }

    @Test(
        "is refused where it is not HTTP/1",
        arguments: [
            "SSH-2.0-OpenSSH_9.2\r\n", "\0\0\u{12}\u{4}\0\0\0\0\0\0\u{3}\0\0\0\u{64}", "hello\r\n\r\n",
            "HTTP/1.1 OK\r\n\r\n",
            "HTTP/3.7 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothex\r\nabc\r\n0\r\n\r\n",
        ])
    func malformed(bytes: String) async throws {
        let cause = try await cause { try await answer(bytes) }
        guard case .malformedResponse = cause else { throw UnexpectedCause(cause: cause) }
    }

    @Test(
        "that ends too early is a broken connection",
        arguments: [
            "", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        ])
    func cut(bytes: String) async throws {
        let cause = try await cause { try await answer(bytes) }
        guard case .connectionBroken = cause else { throw UnexpectedCause(cause: cause) }
    }

    @Test("reset by the peer is a broken connection")
    func reset() async throws {
        try await withServer { connection in
            _ = connection.readHead()
            connection.reset()
        } body: { server, client in
            let url = try server.url()
            let cause = try await cause { try await client.send(HTTPRequest(url: url)) }
            guard case .connectionBroken(let reason) = cause else { throw UnexpectedCause(cause: cause) }
            #expect(reason.contains("reset"))
        }
    }

    @Test("is bounded", arguments: [(1000, 1000, true), (1000, 1001, false), (0, 1, false)])
    func bodyLimit(limit: Int, size: Int, fits: Bool) async throws {
        let body = String(repeating: "x", count: size)
        let bytes = "HTTP/1.1 404 Not Found\r\n\r\n" + body
        let limits = HTTPLimits(responseBytes: limit)
        if fits {
            #expect(try await answer(bytes, limits: limits).body.count == size)
        } else {
            #expect(try await cause { try await answer(bytes, limits: limits) } == .responseTooLarge(limit: limit))
        }
    }

    @Test("is ended at the limit, however much would follow")
    func endless() async throws {
        let isClosed = Event()
        try await withServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\r\n")
            while connection.write([UInt8](repeating: 65, count: 100_000)) {}
            isClosed.happen()
        } body: { server, client in
            let url = try server.url()
            #expect(
                try await cause { try await client.send(HTTPRequest(url: url)) } == .responseTooLarge(limit: 8 << 20))
            await isClosed.wait()
        }
    }

    @Test(
        "has bounded headers",
        arguments: [
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 70_000) + "\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 500_000) + "\r\n\r\n",
            "HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 20_000) + "\r\n",
            String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 20_000) + "HTTP/1.1 200 OK\r\n\r\n",
        ])
    func headerLimit(bytes: String) async throws {
        #expect(try await cause { try await answer(bytes) } == .headersTooLarge)
    }

    @Test("is streamed to the sink when it is a success, and collected when it is not", arguments: [200, 404])
    func download(status: Int) async throws {
        let bytes = pattern(3_000_000)
        try await withServer { connection in
            while connection.readRequest() != nil {
                connection.write("HTTP/1.1 \(status) X\r\nContent-Length: \(bytes.count)\r\n\r\n")
                connection.write(bytes)
            }
        } body: { server, client in
            let taken = Mutex<[UInt8]>([])
            var request = HTTPRequest(url: try server.url())
            request.limits.responseBytes = status == 200 ? 10 : 3_000_000
            let response = try await client.download(request) { piece in taken.withLock { $0 += piece } }
            #expect(response.status == status)
            #expect(taken.withLock { $0 } == (status == 200 ? bytes : []))
            #expect(response.body == (status == 200 ? [] : bytes))
        }
    }
}
