import Glibc
import HTTP
import Synchronization
import Testing

@Suite("A body from a file")
struct UploadTests {
    @Test(
        "is the range that was asked for",
        arguments: [
            (0, 0), (0, 1), (0, 700_000), (1, 699_999), (699_999, 1), (700_000, 0), (65_536, 65_536),
            (131_071, 300_003),
        ])
    func range(offset: Int64, length: Int64) async throws {
        let bytes = pattern(700_000)
        let file = TestFile(bytes)
        let seen = Record<[UInt8]>()
        try await withServer { connection in
            while let request = connection.readRequest() {
                seen.append(request.body)
                connection.answer("201 Created")
            }
        } body: { server, client in
            let progress = TransferProgress()
            progress.reset(to: 1000)
            let response = try await client.send(
                HTTPRequest(
                    method: .patch, url: try server.url(),
                    body: .file(try FileRange(path: file.path, offset: offset, length: length)), progress: progress))
            #expect(response.status == 201)
            #expect(seen.all == [Array(bytes[Int(offset)..<Int(offset + length)])])
            #expect(progress.bytesSent == 1000 + length, "progress is added to what was there")
        }
    }

    @Test("is not started if the file is shorter than promised")
    func tooShort() async throws {
        let file = TestFile(pattern(1000))
        try await withServer { _ in
        } body: { server, client in
            let cause = try await cause {
                try await client.send(
                    HTTPRequest(
                        method: .put, url: try server.url(),
                        body: .file(try FileRange(path: file.path, offset: 1, length: 1000))))
            }
            #expect(cause == .localFileChanged(path: file.path))
            #expect(server.connectionCount == 0)
        }
    }

    @Test("ends with the file's name when the file becomes shorter on the way")
    func becomesShorter() async throws {
        let file = TestFile([])
        file.truncate(to: 40_000_000)
        let begun = Event()
        let mayRead = Event()
        try await withServer(receiveBuffer: 65_536) { connection in
            _ = connection.readHead()
            begun.happen()
            mayRead.waitBlocking()
            connection.waitForClose()
        } body: { server, client in
            let url = try server.url()
            let range = try FileRange(path: file.path, offset: 0, length: 40_000_000)
            async let failed = failure {
                try await client.send(HTTPRequest(method: .put, url: url, body: .file(range)))
            }
            await begun.wait()
            file.truncate(to: 20_000_000)
            mayRead.happen()
            let error = try await failed
            #expect(error.cause == .localFileChanged(path: file.path))
            #expect(error.bytesSent <= 20_000_000)
        }
    }

    @Test("is the file that was opened, whatever its name leads to by then")
    func swapped() async throws {
        let file = TestFile(Array("what was checked".utf8))
        let range = try FileRange(path: file.path, offset: 0, length: 16)
        #expect(unlink(file.path) == 0 && symlink("/etc/hostname", file.path) == 0)
        let body = Mutex("")
        try await withServer { connection in
            _ = connection.readHead()
            let sent = String(decoding: connection.read(16), as: UTF8.self)
            body.withLock { $0 = sent }
            connection.answer("201 Created")
        } body: { server, client in
            _ = try await client.send(HTTPRequest(method: .put, url: try server.url(), body: .file(range)))
        }
        #expect(body.withLock { $0 } == "what was checked")
    }

    @Test(
        "field 29: ends with an answer that comes before it, whatever the server does with the connection",
        arguments: [
            "401 Unauthorized", "413 Payload Too Large", "503 Service Unavailable", "201 Created", "204 No Content",
        ])
    func earlyAnswer(status: String) async throws {
        let file = TestFile([])
        file.truncate(to: 1 << 30)
        try await withServer(receiveBuffer: 65_536) { connection in
            _ = connection.readHead()
            connection.answer(status, headers: ["X-Early: yes"], body: status.hasPrefix("204") ? "" : "{\"errors\":[]}")
            connection.waitForClose(reading: 100_000)
        } body: { server, client in
            let progress = TransferProgress()
            let range = try FileRange(path: file.path, offset: 0, length: 1 << 30)
            let response = try await client.send(
                HTTPRequest(method: .put, url: try server.url(), body: .file(range), progress: progress))
            #expect(response.status == Int(status.prefix(3)))
            #expect(response.headers["x-early"] == "yes")
            #expect(String(decoding: response.body, as: UTF8.self) == (response.status == 204 ? "" : "{\"errors\":[]}"))
            #expect(progress.bytesSent < 1 << 30)

            #expect(server.connectionCount == 1)
        }
    }

    @Test("leaves no half-sent connection to the next request")
    func earlyAnswerClosesConnection() async throws {
        let file = TestFile([])
        file.truncate(to: 1 << 30)
        try await withServer { connection in
            let head = connection.readHead()
            connection.answer(head.hasPrefix("PUT") ? "401 Unauthorized" : "200 OK")
            connection.waitForClose(reading: .max)
        } body: { server, client in
            let range = try FileRange(path: file.path, offset: 0, length: 1 << 30)
            let url = try server.url()
            #expect(try await client.send(HTTPRequest(method: .put, url: url, body: .file(range))).status == 401)
            #expect(try await client.send(HTTPRequest(url: url)).status == 200)
            #expect(server.connectionCount == 2)
        }
    }

    @Test("counts what went out before the connection broke")
    func broken() async throws {
        let file = TestFile([])
        file.truncate(to: 30_000_000)
        try await withServer(receiveBuffer: 65_536) { connection in
            _ = connection.readHead()
            _ = connection.read(5_000_000)
            connection.reset()
        } body: { server, client in
            let progress = TransferProgress()
            let url = try server.url()
            let error = try await failure {
                try await client.send(
                    HTTPRequest(
                        method: .put, url: url,
                        body: .file(try FileRange(path: file.path, offset: 0, length: 30_000_000)), progress: progress))
            }
            guard case .connectionBroken = error.cause else { throw error }
            #expect((5_000_000..<30_000_000).contains(error.bytesSent))
            #expect(progress.bytesSent == error.bytesSent)
        }
    }

    @Test("ends at once where the peer ends its side without an answer, on a new connection and on a pooled one")
    func endedWithoutAnswer() async throws {
        let file = TestFile([])
        file.truncate(to: 80_000_000)
        try await withServer { connection in
            if connection.number == 2 {
                _ = connection.readRequest()
                connection.answer("200 OK")
            }
            _ = connection.readHead()
            connection.endOutput()
            connection.waitForClose()  // no reset, which would be noticed otherwise
        } body: { server, client in
            let url = try server.url()
            var upload = HTTPRequest(
                method: .put, url: url, body: .file(try FileRange(path: file.path, offset: 0, length: 80_000_000)))
            upload.limits.stall = .seconds(3)
            for isPooled in [false, true] {
                if isPooled { _ = try await client.send(HTTPRequest(method: .get, url: url)) }
                let failed = try await failure { try await client.send(upload) }
                #expect(failed.cause == .connectionBroken(reason: "it was closed without an answer"))
                #expect(failed.bytesSent < 80_000_000)
            }
            #expect(server.connectionCount == 2)
        }
    }

    @Test("is sent on a fresh connection when the pooled one was dead before", .enabled(if: Connection.canVanish))
    func deadPooledConnection() async throws {
        let bytes = pattern(3_000_000)
        let file = TestFile(bytes)
        let seen = Record<[UInt8]>()
        let vanished = Event()
        try await withServer { connection in
            while let request = connection.readRequest() {
                seen.append(request.body)
                if connection.number == 1 {
                    connection.vanishAfterAnswer()
                    vanished.happen()
                } else {
                    connection.answer("201 Created")
                }
            }
        } body: { server, client in
            let url = try server.url()
            _ = try await client.send(HTTPRequest(url: url))
            await vanished.wait()
            let progress = TransferProgress()
            let response = try await client.send(
                HTTPRequest(
                    method: .patch, url: url, body: .file(try FileRange(path: file.path, offset: 0, length: 3_000_000)),
                    progress: progress))
            #expect(response.status == 201)
            #expect(seen.all == [[], bytes])
            #expect(progress.bytesSent == 3_000_000, "bytes sent twice are counted once")
            #expect(server.connectionCount == 2)
        }
    }

    @Test("is not sent a second time when the peer has taken some of it", arguments: [10, 3_000_000])
    func diesUnderRequest(size: Int) async throws {
        let seen = Record<String>()
        try await withServer { connection in
            while true {
                let head = connection.readHead()
                if head.isEmpty { return }
                seen.append(String(head.prefix { $0 != " " }))
                if head.hasPrefix("PATCH") {
                    _ = connection.read(5)
                    return
                }
                connection.answer("200 OK")
            }
        } body: { server, client in
            let url = try server.url()
            _ = try await client.send(HTTPRequest(url: url))
            let error = try await failure {
                try await client.send(HTTPRequest(method: .patch, url: url, body: .bytes(pattern(size))))
            }
            guard case .connectionBroken = error.cause else { throw error }
            #expect(seen.all == ["GET", "PATCH"])
            #expect(error.bytesSent > 0, "some of it went out")
            if size == 10 { #expect(error.bytesSent == 10) }
        }
    }
}
