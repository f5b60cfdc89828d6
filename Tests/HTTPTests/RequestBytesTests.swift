import HTTP
import Testing

@Suite("A request on the wire")
struct RequestBytesTests {
    /// Sends one request and returns what arrived.
    private func sent(_ change: (inout HTTPRequest) -> Void, target: String = "/v2/") async throws -> (
        head: String, body: [UInt8]
    ) {
        let seen = Record<(head: String, body: [UInt8])>()
        return try await withServer { connection in
            while let request = connection.readRequest() {
                seen.append(request)
                connection.answer("200 OK")
            }
        } body: { server, client in
            var request = HTTPRequest(url: try server.url(target))
            change(&request)
            #expect(try await client.send(request).status == 200)
            return try #require(seen.all.first)
        }
    }

    @Test(
        "keeps path and query byte for byte",
        arguments: [
            "/v2/a/blobs/uploads/1?_state=a%2Fb==&x=%e4+~!$'()*,;:@&&y",
            "/v2/a/../b/./c//d?../x",
            "/p?",
            "/a%2fb%2F?x[]={1}|2^`\\\"<>",
        ])
    func keepsTarget(target: String) async throws {
        let head = try await sent({ _ in }, target: target).head
        #expect(head.hasPrefix("GET \(target) HTTP/1.1\r\n"))
    }

    @Test("asks for no content coding, once, and for what the caller asks for in its place")
    func codings() async throws {
        let head = try await sent { _ in }.head
        #expect(head.contains("\r\nAccept-Encoding: identity\r\n"))
        #expect(head.lowercased().split(separator: "accept-encoding", omittingEmptySubsequences: false).count == 2)
        let other = try await sent { $0.headers["accept-encoding"] = "gzip" }.head
        #expect(other.contains("\r\naccept-encoding: gzip\r\n"))
        #expect(!other.contains("identity"))
    }

    @Test("says its method", arguments: [HTTPMethod.get, .head, .post, .put, .patch, .delete])
    func method(_ method: HTTPMethod) async throws {
        let head = try await sent { $0.method = method }.head
        #expect(head.hasPrefix("\(method.rawValue) /v2/ HTTP/1.1\r\n"))
    }

    @Test("announces an empty body where the method may have one", arguments: [HTTPMethod.post, .put, .patch])
    func emptyBody(_ method: HTTPMethod) async throws {
        let head = try await sent { $0.method = method }.head
        #expect(head.contains("\r\nContent-Length: 0\r\n"))
        #expect(!head.lowercased().contains("transfer-encoding"))
        #expect(!head.lowercased().contains("expect"))
        #expect(!head.lowercased().contains("content-type"))
    }

    @Test("announces no body where the method has none", arguments: [HTTPMethod.get, .head, .delete])
    func noBody(_ method: HTTPMethod) async throws {
        #expect(try await !sent { $0.method = method }.head.lowercased().contains("content-length"))
    }

    @Test("carries bytes with their length", arguments: [HTTPMethod.post, .put, .patch, .delete])
    func bytes(_ method: HTTPMethod) async throws {
        let bytes = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let request = try await sent {
            $0.method = method
            $0.body = .bytes(bytes)
        }
        #expect(request.head.contains("\r\nContent-Length: 2000000\r\n"))
        #expect(!request.head.lowercased().contains("expect"))
        #expect(request.body == bytes)
    }

    @Test("carries headers in order, repeated and empty ones too, and leaves framing to the client")
    func headers() async throws {
        let head = try await sent {
            $0.headers = [
                "Accept": "a/b", "accept": "c/d", "X-Empty": "", "Authorization": "Bearer x", "Content-Length": "99",
                "Transfer-Encoding": "chunked", "Host": "elsewhere", "User-Agent": "test/1",
            ]
        }.head
        #expect(head.contains("\r\nAccept: a/b\r\naccept: c/d\r\nX-Empty:\r\nAuthorization: Bearer x\r\n"))
        #expect(head.contains("\r\nHost: 127.0.0.1:"))
        #expect(head.contains("\r\nUser-Agent: test/1\r\n"))
        #expect(!head.contains(": 99\r\n") && !head.contains("chunked") && !head.contains("elsewhere"))
        #expect(!head.contains("pushd"))
    }

    @Test(
        "never smuggles a second line into a header",
        arguments: [
            ("Authorization", "Bearer a\r\nX: y"), ("Authorization", "a\nb"), ("X\r\nY", "z"), ("X", "a\0b"), ("", "a"),
            ("A:B", "c"),
        ])
    func smuggling(name: String, value: String) async throws {
        try await withServer { connection in
            while connection.readRequest() != nil { connection.answer("200 OK") }
        } body: { server, client in
            var request = HTTPRequest(url: try server.url())
            request.headers.add(name, value)
            let cause = try await cause { try await client.send(request) }
            guard case .internalFailure(let reason) = cause else { throw UnexpectedCause(cause: cause) }
            #expect(!reason.contains("Bearer"))
            #expect(server.connectionCount == 0)
        }
    }
}
