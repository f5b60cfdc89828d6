import Glibc
import TestSupport
import Testing

@Suite("A scripted server")
struct ScriptedServerTests {
    @Test("serves one request after the other on a connection, and records them")
    func keepAlive() async throws {
        try await ScriptedServer.with({ exchange in
            try exchange.send(Answer(200, headers: [("X-Seen", exchange.head.method)], exchange.head.target))
        }) { server in
            let client = try RawClient(port: server.port)
            #expect(try client.ask("GET", "/a?b=c%20d").text == "/a?b=c%20d")
            #expect(try client.ask("HEAD", "/h").header("Content-Length") == "2")
            let put = try client.ask(
                "PUT", "/p", headers: [("authorization", "Basic c2VjcmV0")], body: Array("12345".utf8))
            #expect(put.header("X-Seen") == "PUT")

            try await server.waitUntil("the log to be complete") { server.requests.allSatisfy { $0.endedAt != nil } }
            #expect(server.requests.map(\.line) == ["GET /a?b=c%20d", "HEAD /h", "PUT /p"])
            #expect(server.requests.map(\.connection) == [1, 1, 1])
            #expect(server.requests.map(\.status) == [200, 200, 200])
            #expect(server.requests[2].discardedBytes == 5)
            #expect(server.requests[2].header("Authorization") == "Basic …")
            #expect(server.connectionsAccepted == 1)
            #expect(server.problems == [])
        }
    }

    @Test(
        "refuses what is not HTTP/1.1",
        arguments: [
            "GET / HTTP/1.0\r\nHost: x\r\n\r\n", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", "get / HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        ])
    func strict(request: String) async throws {
        try await ScriptedServer.with({ try $0.send(Answer(200)) }) { server in
            let client = try RawClient(port: server.port)
            try client.send(request)
            #expect(try client.readReply().status == 400)
            #expect(server.problems.count == 1)
            #expect(server.requests.isEmpty)
        }
    }

    @Test(
        "cuts a connection after exactly so many body bytes", arguments: [Exchange.CutKind.reset, .fin], [0, 1, 70_000])
    func cut(kind: Exchange.CutKind, after count: Int) async throws {
        try await ScriptedServer.with({ exchange in
            try exchange.readBody(atMost: Int64(count))
            exchange.cut(kind)
        }) { server in
            let client = try RawClient(port: server.port)
            try client.send("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
            try client.send([UInt8](repeating: 7, count: 80_000))
            #expect(throws: kind == .reset ? RawClient.Failure.reset : .ended(received: 0)) {
                try client.readReply()
            }
            #expect(server.requests.map(\.bodyBytes) == [Int64(count)])
            #expect(server.requests[0].status == nil)
            #expect(server.problems == [])
        }
    }

    @Test("answers early and takes no more of the body than it must")
    func earlyAnswer() async throws {
        try await ScriptedServer.with({ exchange in
            try exchange.readBody(atMost: 10)
            try exchange.send(Answer(401, "no"))
        }) { server in
            let client = try RawClient(port: server.port)
            try client.send("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
            try client.send([UInt8](repeating: 7, count: 100))
            let reply = try client.readReply()
            #expect(reply.status == 401)
            #expect(reply.header("Connection") == "close")
            #expect(try client.readToEnd() == [])
            #expect(server.requests[0].bodyBytes == 10)
        }
    }

    @Test("truncates its answer but not the length that it announced")
    func truncates() async throws {
        try await ScriptedServer.with({ exchange in
            var answer = Answer(200, "0123456789")
            answer.truncatedAfter = 4
            try exchange.send(answer)
        }) { server in
            let client = try RawClient(port: server.port)
            #expect(throws: RawClient.Failure.ended(received: 4)) { try client.ask("GET", "/") }
        }
    }

    @Test("sends garbage as it is")
    func garbage() async throws {
        try await ScriptedServer.with({ try $0.sendRaw(Array("SSH-2.0-nonsense\r\n".utf8)) }) { server in
            let client = try RawClient(port: server.port)
            try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try client.readToEnd() == Array("SSH-2.0-nonsense\r\n".utf8))
        }
    }

    @Test("stalls until the gate opens, and says that it was reached")
    func stalls() async throws {
        let gate = TestGate()
        try await ScriptedServer.with({ exchange in
            try exchange.readBody(atMost: 3)
            try exchange.wait(for: gate)
            try exchange.readBody()
            try exchange.send(Answer(200))
        }) { server in
            let client = try RawClient(port: server.port)
            try client.send("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345")
            try await gate.waitForArrival()
            #expect(server.requests[0].bodyBytes == 3)
            gate.open()
            #expect(try client.readReply().status == 200)
            #expect(server.requests[0].bodyBytes == 5)
        }
    }

    @Test("stops although handlers wait, requests are half sent and connections are idle")
    func stops() async throws {
        let gate = TestGate()
        let server = try ScriptedServer { exchange in
            if exchange.head.target == "/wait" { try exchange.wait(for: gate) }
            if exchange.head.target == "/body" { try exchange.readBody() }
            try exchange.send(Answer(200))
        }
        let waiting = try RawClient(port: server.port)
        try waiting.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        let sending = try RawClient(port: server.port)
        try sending.send("PUT /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1")
        let idle = try RawClient(port: server.port)
        #expect(try idle.ask("GET", "/").status == 200)
        try await gate.waitForArrival()
        try await server.waitUntil("three connections") { server.openConnections == 3 }

        await server.stop()

        #expect(server.openConnections == 0)
        #expect(server.problems == [])
        #expect(throws: RawClient.Failure.refused) { try RawClient(port: server.port) }
    }

    @Test("is down while paused, and comes back at the same port")
    func pauses() async throws {
        try await ScriptedServer.with({ try $0.send(Answer(200)) }) { server in
            let before = try RawClient(port: server.port)
            #expect(try before.ask("GET", "/1").status == 200)
            server.pause()
            try await server.waitUntil("the connection's end") { server.openConnections == 0 }
            #expect(throws: (any Error).self) { try before.ask("GET", "/2") }
            #expect(throws: RawClient.Failure.refused) { try RawClient(port: server.port).ask("GET", "/3") }
            #expect(Self.bindError(port: server.port) == EADDRINUSE, "nobody else gets it meanwhile")
            try server.resume()
            #expect(try RawClient(port: server.port).ask("GET", "/4").status == 200)
            #expect(server.requests.map(\.target) == ["/1", "/4"])
        }
    }

    /// What another program would hear that wants the port; 0: it is free.
    private static func bindError(port: Int) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 ? 0 : errno
            }
        }
    }

    @Test("reports a handler's own error and closes the connection")
    func handlerError() async throws {
        try await ScriptedServer.with({ _ in throw TestSupportError("oops") }) { server in
            let client = try RawClient(port: server.port)
            #expect(throws: RawClient.Failure.reset) { try client.ask("GET", "/") }
            #expect(server.problems == ["GET /: oops"])
        }
    }

    @Test("waiting for what never comes ends with an error that names it")
    func waitTimesOut() async throws {
        try await ScriptedServer.with({ try $0.send(Answer(200)) }) { server in
            let error = await #expect(throws: TestSupportError.self) {
                try await server.waitUntil("a request", timeout: .milliseconds(20)) { !server.requests.isEmpty }
            }
            #expect(error?.description.contains("a request") == true)
        }
    }
}
