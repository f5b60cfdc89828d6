import Glibc
import HTTP
import Testing

/// Over proxies of the test's own, which say what the tests want; the servers behind them do not exist.
@Suite("Requests over a proxy")
struct ProxyTests {
    private func proxy(_ server: RawServer, _ scheme: String = "http", login: String = "") throws -> Proxy {
        try Proxy(
            parsing: "\(scheme)://\(login)127.0.0.1:\(server.port)", source: .configuration("registries.r.proxy"))
    }

    /// What comes of one request over a proxy that serves each connection like this.
    private func result(
        _ url: String, scheme: String = "http", login: String = "", headers: HTTPHeaders = [:],
        serve: @escaping @Sendable (Connection) -> Void
    ) async throws -> Result<HTTPResponse, HTTPError> {
        try await withServer(serve: serve) { server, client in
            let request = HTTPRequest(
                url: try HTTPURL(parsing: url), headers: headers,
                proxy: .through(try proxy(server, scheme, login: login)), limits: HTTPLimits(connect: .seconds(600)))
            do { return .success(try await client.send(request)) } catch let error as HTTPError {
                return .failure(error)
            }
        }
    }

    @Test("in plain HTTP name the whole address to it, and its login, which the server does not see in others")
    func plain() async throws {
        let heads = Record<String>()
        let response = try await result(
            "http://registry.example:5000/v2/?a=b", login: "user:p%40ss@", headers: ["Authorization": "Bearer t"]
        ) { connection in
            heads.append(connection.readHead())
            connection.answer("200 OK", body: "hello")
        }.get()
        #expect(response.status == 200 && response.body == Array("hello".utf8))
        #expect(response.proxy?.address.hasPrefix("127.0.0.1:") == true)
        let head = try #require(heads.all.first)
        #expect(head.hasPrefix("GET http://registry.example:5000/v2/?a=b HTTP/1.1\r\n"))
        #expect(head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"))
        #expect(head.contains("\r\nAuthorization: Bearer t\r\n"))
    }

    @Test("with TLS ask it for a tunnel, and give it no header that is the server's")
    func tunnel() async throws {
        let heads = Record<String>()
        let error = try await result(
            "https://registry.example/v2/", login: "user:p%40ss@",
            headers: ["Authorization": "Bearer t", "X-Ours": "1"]
        ) { connection in
            heads.append(connection.readHead())
            connection.write("HTTP/1.1 200 OK\r\n\r\n")
            _ = connection.read(1)  // the handshake's first byte
            connection.write("this is no TLS\r\n")
            connection.waitForClose()
        }
        let head = try #require(heads.all.first)
        #expect(head.hasPrefix("CONNECT registry.example:443 HTTP/1.1\r\n"))
        #expect(head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"))
        #expect(!head.contains("Bearer") && !head.contains("X-Ours"))
        // What stands behind the tunnel is the server, whose fault this is.
        guard case .failure(let failure) = error else { throw UnexpectedAnswer(status: 0) }
        #expect(failure.cause == .tlsPlainHTTPServer)
    }

    private enum Blame { case login, forbids, failed }

    private func blame(_ error: HTTPError) -> Blame? {
        switch error.cause {
        case .proxyLogin: .login
        case .proxyForbids: .forbids
        case .proxyFailed: .failed
        default: nil
        }
    }

    @Test(
        "that it refuses are its fault, by its answer to CONNECT",
        arguments: [
            "407 Proxy Authentication Required", "403 Filtered", "502 Bad Gateway", "503 Busy", "504 Timeout",
            "400 Bad", "302 Found",
        ])
    func refused(status: String) async throws {
        let outcome = try await result("https://registry.example/v2/", login: "user:hunter2@") { connection in
            _ = connection.readHead()
            connection.answer(status, headers: ["Proxy-Authenticate: Basic realm=x"], body: "<html>no</html>")
            connection.waitForClose()
        }
        guard case .failure(let error) = outcome else { throw UnexpectedAnswer(status: 0) }
        #expect(blame(error) == (status.hasPrefix("407") ? .login : status.hasPrefix("403") ? .forbids : .failed))
        #expect(error.description.contains("the proxy 127.0.0.1:"))
        #expect(!"\(error) \(error.cause)".contains("hunter2"))
    }

    @Test(
        "that it answers with garbage, or not at all, are its fault", arguments: ["", "garbage\r\n\r\n", "HTTP/1.1 2"])
    func garbage(answer: String) async throws {
        let outcome = try await result("https://registry.example/v2/") { connection in
            _ = connection.readHead()
            connection.write(answer)
        }
        guard case .failure(let error) = outcome else { throw UnexpectedAnswer(status: 0) }
        #expect(blame(error) == .failed, "\(error)")
    }

    @Test("in plain HTTP end with its 407; all else that it says is an answer, and names it")
    func plainRefused() async throws {
        let outcome = try await result("http://registry.example/v2/") { connection in
            while connection.readRequest() != nil { connection.answer("407 Proxy Authentication Required") }
        }
        guard case .failure(let error) = outcome else { throw UnexpectedAnswer(status: 0) }
        #expect(blame(error) == .login)
        #expect(error.description.contains("wants a login"))
        let other = try await result("http://registry.example/v2/") { connection in
            while connection.readRequest() != nil { connection.answer("502 Bad Gateway") }
        }.get()
        #expect(other.status == 502 && other.proxy != nil)
    }

    @Test(
        "that nobody listens to, or whose proxy has no address, say so",
        arguments: ["http", "https", "socks5", "socks5h"])
    func unreachable(scheme: String) async throws {
        // A port that was just left.
        let port = try await withServer(serve: { _ in }) { server, _ in server.port }
        let client = HTTPClient()
        for target in ["http://registry.example/", "https://registry.example/"] {
            let nobody = try Proxy(parsing: "\(scheme)://127.0.0.1:\(port)", source: .environment("all_proxy"))
            let refused = try await cause {
                try await client.send(HTTPRequest(url: try HTTPURL(parsing: target), proxy: .through(nobody)))
            }
            #expect(
                refused == .proxyUnreachable(nobody.name, reason: "nothing listens there (connection refused)"))
            let lost = try Proxy(parsing: "\(scheme)://proxy.invalid:3128", source: .environment("all_proxy"))
            let unknown = try await cause {
                try await client.send(HTTPRequest(url: try HTTPURL(parsing: target), proxy: .through(lost)))
            }
            switch unknown {
            case .proxyUnknown(let name): #expect(name == lost.name)
            case .proxyUnreachable(let name, let reason):  // where no name servers answer at all
                #expect(name == lost.name && reason.contains("could not be looked up"))
            default: Issue.record("\(unknown)")
            }
        }
        await client.shutdown()
    }

    @Test("that it never answers end at the limit for connecting")
    func silent() async throws {
        try await withServer(serve: { $0.waitUntilInterrupted() }) { server, client in
            let cause = try await cause {
                try await client.send(
                    HTTPRequest(
                        url: try HTTPURL(parsing: "https://registry.example/"), proxy: .through(try proxy(server)),
                        limits: HTTPLimits(connect: .milliseconds(300))))
            }
            guard case .proxyUnreachable(_, let reason) = cause else { throw UnexpectedCause(cause: cause) }
            #expect(reason == "no connection through it came about in time")
        }
    }

    @Test("of SOCKS go through with a login, and its refusals are told apart")
    func socks() async throws {
        /// Greeting, login, request; the answer to the last.
        @Sendable func serve(_ connection: Connection, _ login: UInt8, _ reply: UInt8) {
            let greeting = connection.read(2)
            guard greeting.count == 2 else { return }
            _ = connection.read(Int(greeting[1]))
            connection.write([5, 2])
            let user = connection.read(2)
            guard user.count == 2 else { return }
            _ = connection.read(Int(user[1]))
            _ = connection.read(Int(connection.read(1).first ?? 0))
            connection.write([1, login])
            guard connection.read(4) == [5, 1, 0, 3] else { return }
            let name = connection.read(Int(connection.read(1).first ?? 0))
            guard name == Array("registry.example".utf8), connection.read(2) == [0, 80] else { return }
            connection.write([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
            if reply == 0, connection.readRequest() != nil { connection.answer("200 OK") }
            connection.waitForClose()
        }
        func outcome(_ login: UInt8, _ reply: UInt8) async throws -> Result<HTTPResponse, HTTPError> {
            try await result("http://registry.example/", scheme: "socks5h", login: "u:hunter2@") {
                serve($0, login, reply)
            }
        }
        let response = try await outcome(0, 0).get()
        #expect(response.status == 200 && response.proxy == nil)
        for (login, reply, expected) in [(1, 0, Blame.login), (0, 2, .forbids), (0, 5, .failed)]
            as [(UInt8, UInt8, Blame)]
        {
            guard case .failure(let error) = try await outcome(login, reply) else { throw UnexpectedAnswer(status: 0) }
            #expect(blame(error) == expected, "\(error)")
            #expect(!"\(error)".contains("hunter2"))
        }
    }

    @Test("that itself speaks TLS trust it as they trust the server, and blame it where they can't")
    func overTLS() async throws {
        let certificates = try await Certificates()
        let certificate = try await certificates.issue("proxy", for: "IP:127.0.0.1", days: ("20200101", "20491231"))
        let server = try TLSServer(certificate: certificate, key: certificates.path("key.pem"), options: [])
        let port = try server.url().port
        let proxy = try Proxy(parsing: "https://127.0.0.1:\(port)", source: .environment("http_proxy"))
        let client = HTTPClient()
        let url = try HTTPURL(parsing: "http://registry.example/")
        let trusting = TLSOptions(authorityFiles: [certificates.path("ca.pem")])
        let response = try await client.send(HTTPRequest(url: url, tls: trusting, proxy: .through(proxy)))
        #expect(response.status == 200 && response.proxy == proxy.name)
        // Not even where the server itself need not be known.
        let cause = try await cause {
            try await client.send(HTTPRequest(url: url, tls: TLSOptions(verify: false), proxy: .through(proxy)))
        }
        guard case .proxyFailed(proxy.name, let reason) = cause else { throw UnexpectedCause(cause: cause) }
        #expect(reason.contains("certificate"))
        await client.shutdown()
    }

    @Test("follow the client's rules or their own choice, and never for this machine")
    func rules() async throws {
        let asked = Record<String>()
        try await withServer(serve: { connection in
            while let request = connection.readRequest() {
                asked.append(String(request.head.prefix { $0 != "\r\n" }))
                connection.answer("200 OK")
            }
        }) { server, _ in
            let rules = try ProxyRules(environment: [
                "http_proxy": "127.0.0.1:\(server.port)", "no_proxy": "direct.invalid",
            ])
            let client = HTTPClient(configuration: .init(proxies: rules))
            func status(_ url: String, _ choice: ProxyChoice = .environment) async throws -> Int? {
                do {
                    return try await client.send(HTTPRequest(url: try HTTPURL(parsing: url), proxy: choice)).status
                } catch is HTTPError { return nil }
            }
            #expect(try await status("http://a.invalid/") == 200)
            #expect(try await status("http://direct.invalid/") == nil, "it does not exist")
            #expect(try await status("http://a.invalid/", .none) == nil)
            #expect(try await status("http://direct.invalid/b", .through(try proxy(server))) == 200)
            #expect(try await status("http://127.0.0.1:\(server.port)/own") == 200)
            #expect(
                try await status("http://localhost:\(server.port)/own", .through(try proxy(server))) == 200)
            await client.shutdown()
        }
        #expect(
            asked.all == [
                "GET http://a.invalid/ HTTP/1.1", "GET http://direct.invalid/b HTTP/1.1", "GET /own HTTP/1.1",
                "GET /own HTTP/1.1",
            ])
    }
}
