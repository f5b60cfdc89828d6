import Glibc
import HTTP
import Testing

@Suite("Connections")
struct ConnectionTests {
    private func serve(_ connection: Connection) {
        while let request = connection.readRequest() {
            connection.answer("200 OK", body: String(request.head.split(separator: " ")[1]))
        }
    }

    @Test("are used again")
    func reuse() async throws {
        try await withServer(serve: serve) { server, client in
            for number in 0..<50 {
                let method: HTTPMethod = number % 2 == 0 ? .get : .post
                let request = HTTPRequest(
                    method: method, url: try server.url("/\(number)"),
                    body: method == .post ? .bytes([1, 2, 3]) : .none)
                #expect(String(decoding: try await client.send(request).body, as: UTF8.self) == "/\(number)")
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test("are not used again by a request that must not")
    func fresh() async throws {
        try await withServer(serve: serve) { server, client in
            for isFresh in [false, false, true, false] {
                var request = HTTPRequest(url: try server.url("/a"))
                request.needsFreshConnection = isFresh
                _ = try await client.send(request)
            }
            #expect(server.connectionCount == 2)
        }
    }

    @Test("carry a hundred requests at a time, each with its own answer")
    func parallel() async throws {
        try await withServer(.init(maxConnectionsPerHost: 200), serve: serve) { server, client in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<100 {
                    let url = try server.url("/\(number)")
                    group.addTask {
                        for _ in 0..<10 {
                            let request = HTTPRequest(method: .put, url: url, body: .bytes(pattern(number * 100)))
                            let body = try await client.send(request).body
                            guard String(decoding: body, as: UTF8.self) == "/\(number)" else { return false }
                        }
                        return true
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(server.connectionCount <= 100)
        }
    }

    @Test("are at most as many as allowed, and all requests have their turn")
    func limit() async throws {
        try await withServer(.init(maxConnectionsPerHost: 3), serve: serve) { server, client in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<60 {
                    let url = try server.url("/\(number)")
                    group.addTask { try await client.send(HTTPRequest(url: url)).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(server.connectionCount <= 3)
        }
    }

    @Test("closed by the server are replaced")
    func closedByServer() async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.answer("200 OK")  // keep-alive promised, and broken
        } body: { server, client in
            let url = try server.url()
            for _ in 0..<20 { #expect(try await client.send(HTTPRequest(url: url)).status == 200) }
            #expect(server.connectionCount == 20)
        }
    }

    @Test("that the server wants closed are closed")
    func connectionClose() async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.answer("200 OK", headers: ["Connection: close"])
            connection.waitForClose()
        } body: { server, client in
            for _ in 0..<3 { _ = try await client.send(HTTPRequest(url: try server.url())) }
            #expect(server.connectionCount == 3)
        }
    }

    @Test(
        "that die under a request without body are replaced, and it is sent again",
        arguments: [HTTPMethod.get, .head, .post])
    func diesUnderRequest(method: HTTPMethod) async throws {
        try await withServer { connection in
            while connection.readRequest() != nil {
                connection.answer("200 OK")
                if connection.number == 1 {
                    _ = connection.read(1)
                    return
                }
            }
        } body: { server, client in
            let url = try server.url()
            _ = try await client.send(HTTPRequest(url: url))
            #expect(try await client.send(HTTPRequest(method: method, url: url)).status == 200)
            #expect(server.connectionCount == 2)
        }
    }

    /// Answers each request and ends its connection with the next one unread, as a proxy does that serves one request on
    /// a connection and does not say so.
    private func serveOne(_ seen: Record<String>) -> @Sendable (Connection) -> Void {
        { connection in
            guard let request = connection.readRequest() else { return }
            seen.append("\(request.head.prefix { $0 != " " }) \(connection.number): \(request.body.count)")
            connection.answer("200 OK")
            // The next request is on its way, with some of its body.
            if connection.readHead().hasPrefix("PUT") { _ = connection.read(1) }
            connection.reset()
        }
    }

    @Test("that die under a body are replaced where it may be sent twice")
    func diesUnderRepeatableBody() async throws {
        let seen = Record<String>()
        try await withServer(serve: serveOne(seen)) { server, client in
            let url = try server.url()
            _ = try await client.send(HTTPRequest(url: url))
            var request = HTTPRequest(method: .put, url: url, body: .bytes(pattern(20_000)))
            request.isRepeatable = true
            let progress = TransferProgress()
            request.progress = progress
            #expect(try await client.send(request).status == 200)
            #expect(seen.all == ["GET 1: 0", "PUT 2: 20000"])
            #expect(progress.bytesSent == 20_000)
        }
    }

    @Test("that die under a body are said to have been pooled, and the bodies after it have connections of their own")
    func ownConnections() async throws {
        let seen = Record<String>()
        try await withServer(serve: serveOne(seen)) { server, client in
            let url = try server.url()
            let put = HTTPRequest(method: .put, url: url, body: .bytes(pattern(20_000)))
            _ = try await client.send(HTTPRequest(url: url))
            let error = try await failure { try await client.send(put) }
            guard case .connectionBroken = error.cause else { throw error }
            #expect(error.isOfPooledConnection)
            for _ in 0..<2 {
                _ = try await client.send(HTTPRequest(url: url))
                #expect(try await client.send(put).status == 200)
            }
            #expect(seen.all.filter { $0.hasPrefix("PUT") }.count == 2)
            #expect(seen.all.allSatisfy { $0.hasSuffix($0.hasPrefix("PUT") ? ": 20000" : ": 0") })
        }
    }

    @Test("that die under a body which a program has read for long count as broken")
    func diesLate() async throws {
        try await withServer(receiveBuffer: 65_536) { connection in
            guard connection.readRequest() != nil else { return }
            connection.answer("200 OK")
            _ = connection.readHead()
            _ = connection.read(2_000_000)
            connection.reset()
        } body: { server, client in
            let url = try server.url()
            _ = try await client.send(HTTPRequest(url: url))
            let error = try await failure {
                try await client.send(HTTPRequest(method: .put, url: url, body: .bytes(pattern(9_000_000))))
            }
            #expect(!error.isOfPooledConnection)
        }
    }

    @Test("that have vanished are replaced", .enabled(if: Connection.canVanish))
    func vanished() async throws {
        let vanished = Event()
        try await withServer { connection in
            while connection.readRequest() != nil {
                if connection.number == 1 {
                    connection.vanishAfterAnswer()
                    vanished.happen()
                } else {
                    connection.answer("200 OK")
                }
            }
        } body: { server, client in
            let url = try server.url()
            #expect(try await client.send(HTTPRequest(url: url)).status == 200)
            await vanished.wait()
            #expect(try await client.send(HTTPRequest(url: url)).status == 200)
            #expect(server.connectionCount == 2)
        }
    }

    @Test("are closed after the idle time")
    func idle() async throws {
        let closed = Event()
        try await withServer(.init(idleTime: .milliseconds(50))) { connection in
            while connection.readRequest() != nil { connection.answer("200 OK") }
            closed.happen()
        } body: { server, client in
            _ = try await client.send(HTTPRequest(url: try server.url()))
            await closed.wait()
            _ = try await client.send(HTTPRequest(url: try server.url()))
            #expect(server.connectionCount == 2)
        }
    }

    @Test("are closed when the client goes away")
    func dropped() async throws {
        let closed = Event()
        let server = try RawServer { connection in
            while connection.readRequest() != nil { connection.answer("200 OK") }
            closed.happen()
        }
        do {
            let client = HTTPClient()
            _ = try await client.send(HTTPRequest(url: try server.url()))
        }
        await closed.wait()
        server.stop()
    }
}

@Suite("Connections that don't come about")
struct ConnectFailureTests {
    private func cause(_ url: String) async throws -> HTTPError.Cause {
        let client = HTTPClient()
        let request = HTTPRequest(url: try HTTPURL(parsing: url))
        let error = try await failure { try await client.send(request) }
        await client.shutdown()
        #expect(error.url == request.url)
        #expect(error.bytesSent == 0)
        return error.cause
    }

    @Test("are refused where nothing listens", arguments: ["http", "https"])
    func refused(scheme: String) async throws {
        // Bound but not listening: nobody else can take the port meanwhile.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isBound)
        let port = UInt16(bigEndian: address.sin_port)
        #expect(try await cause("\(scheme)://127.0.0.1:\(port)/") == .refused)
        #expect(try await cause("\(scheme)://localhost:\(port)/") == .refused)
    }

    @Test("say why the network has no way there")
    func unreachable() async throws {
        let cause = try await cause("http://255.255.255.255/")
        guard case .unreachable(let reason) = cause else { throw UnexpectedCause(cause: cause) }
        #expect(!reason.isEmpty)
    }

    @Test("name the host that is not known, or that could not be looked up here")
    func unresolvable() async throws {
        let cause = try await cause("http://registry.invalid/")
        #expect([.unresolvable(host: "registry.invalid"), .resolverFailed(host: "registry.invalid")].contains(cause))
    }
}
