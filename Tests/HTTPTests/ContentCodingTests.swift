import HTTP
import Synchronization
import Testing

/// What a server does that codes its answers although `identity` alone is asked for.
@Suite("An answer in a content coding")
struct ContentCodingTests {
    /// "a document\n", by gzip.
    private static let document: [UInt8] = [
        0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0x02, 0xFF, 0x4B, 0x54, 0x48, 0xC9, 0x4F, 0x2E, 0xCD, 0x4D, 0xCD, 0x2B, 0xE1,
        0x02, 0, 0x7A, 0x54, 0xE0, 0xD8, 0x0B, 0, 0, 0,
    ]

    private func answer(
        _ body: [UInt8], coding: String, status: String = "200 OK", intoSink: Bool = false,
        _ change: (inout HTTPRequest) -> Void = { _ in }
    ) async throws -> (response: HTTPResponse, taken: [UInt8]) {
        try await withServer { connection in
            _ = connection.readRequest()
            let lines = "HTTP/1.1 \(status)\r\nContent-Encoding: \(coding)\r\nContent-Length: \(body.count)\r\n\r\n"
            connection.write(Array(lines.utf8) + body)
            connection.waitForClose()
        } body: { server, client in
            let taken = Mutex<[UInt8]>([])
            var request = HTTPRequest(url: try server.url())
            change(&request)
            let response =
                intoSink
                ? try await client.download(request) { piece in taken.withLock { $0 += piece } }
                : try await client.send(request)
            return (response, taken.withLock { $0 })
        }
    }

    @Test("is decoded", arguments: ["gzip", "GZIP", "x-gzip", "identity, gzip"])
    func decoded(coding: String) async throws {
        let response = try await answer(Self.document, coding: coding).response
        #expect(String(decoding: response.body, as: UTF8.self) == "a document\n")
        #expect(response.headers.contentCoding != nil)
    }

    @Test("called identity is as it comes", arguments: ["identity", "", " , "])
    func identity(coding: String) async throws {
        let response = try await answer(Self.document, coding: coding).response
        #expect(response.body == Self.document)
        #expect(response.headers.contentCoding == nil)
    }

    @Test("is bounded by its size when it is decoded")
    func bounded() async throws {
        let cause = try await cause {
            try await answer(Self.document, coding: "gzip") { $0.limits.responseBytes = 10 }.response
        }
        #expect(cause == .responseTooLarge(limit: 10))
    }

    @Test(
        "is refused by its name where it can't be decoded",
        arguments: [("aws-chunked", [1, 2, 3]), ("gzip", Array("no gzip at all, this".utf8))])
    func unreadable(coding: String, body: [UInt8]) async throws {
        let error = try await failure { try await answer(body, coding: coding).response }
        #expect(error.cause == .contentCoding(coding))
        #expect(error.description.contains("in the content coding \(coding)"))
    }

    @Test("goes into a sink as it is wanted: decoded, as it comes, or not at all")
    func sink() async throws {
        let decoded = try await answer(Self.document, coding: "gzip", intoSink: true).taken
        #expect(decoded == Array("a document\n".utf8))
        let kept = try await answer(Self.document, coding: "gzip", intoSink: true) { $0.codedBodies = .kept }.taken
        #expect(kept == Self.document)
        let cause = try await cause {
            try await answer(Self.document, coding: "gzip", intoSink: true) { $0.codedBodies = .refused }.response
        }
        #expect(cause == .contentCoding("gzip"))
    }

    @Test("that is no success is decoded even where a success would not be taken")
    func refusal() async throws {
        let response = try await answer(Self.document, coding: "gzip", status: "404 Not Found", intoSink: true) {
            $0.codedBodies = .refused
        }.response
        #expect(response.status == 404)
        #expect(String(decoding: response.body, as: UTF8.self) == "a document\n")
    }

    @Test("that can't be decoded keeps its status where it is no success", arguments: ["zlop", "gzip"])
    func undecodableRefusal(coding: String) async throws {
        let response = try await answer(Array("no gzip".utf8), coding: coding, status: "401 Unauthorized").response
        #expect(response.status == 401)
    }

    @Test("is bounded on its way into a sink by what comes out of the decoder")
    func boundedSink() async throws {
        let whole = try await answer(Self.document, coding: "gzip", intoSink: true) { $0.limits.streamedBytes = 11 }
        #expect(whole.taken.count == 11)
        let cause = try await cause {
            try await answer(Self.document, coding: "gzip", intoSink: true) { $0.limits.streamedBytes = 10 }.response
        }
        #expect(cause == .responseTooLarge(limit: 10))
    }

    @Test("to HEAD has no body to decode")
    func head() async throws {
        let response = try await withServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 31\r\n\r\n")
            connection.waitForClose()
        } body: { server, client in
            try await client.send(HTTPRequest(method: .head, url: try server.url()))
        }
        #expect(response.status == 200)
        #expect(response.headers.contentCoding == "gzip")
    }
}
