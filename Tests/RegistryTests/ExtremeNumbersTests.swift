import HTTP
import OCI
import TestSupport
import Testing

@testable import Registry

/// Numbers that no registry has a reason to send. What is read from them may be anything within bounds, and nothing
/// may trap.
@Suite("Numbers that a registry makes up")
struct ExtremeNumbersTests {
    static let texts = [
        "\(Int64.max)", "\(Int64.min)", "9223372036854775808", "-1", "-0", "+7", "0", "\((1 << 50) + 1)", "1e300",
        "1e999",
        "-1e300", "NaN", "nan", "inf", "-inf", "0x7fffffffffffffff", String(repeating: "9", count: 40),
        String(repeating: "9", count: 4000), "1.7976931348623157e308", "", " ", "७", "1,2", "1;w=9223372036854775807",
    ]

    /// As numbers and as texts of JSON.
    static let json = texts.flatMap { [$0, "\"\($0)\""] } + ["null", "true", "[1]", "{}"]

    private static func response(_ status: Int, _ headers: [(String, String)], body: String = "") throws -> HTTPResponse
    {
        var fields: HTTPHeaders = [:]
        for (name, value) in headers { fields.add(name, value) }
        return HTTPResponse(
            status: status, headers: fields, body: Array(body.utf8),
            url: try HTTPURL(parsing: "http://registry.test/v2/"))
    }

    @Test("as a token's life and age leave it a life between a second and a year", arguments: json)
    func tokens(number: String) {
        for text in [
            #"{"token":"t","expires_in":\#(number)}"#,
            #"{"token":"t","expires_in":31536000,"issued_at":"9999-12-31T23:59:59+23:59"}"#,
            #"{"token":"t","expires_in":1,"issued_at":\#(number)}"#,
        ] {
            for date in ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:60 GMT", number, nil] {
                guard let token = try? TokenResponse(body: Array(text.utf8), date: date) else { continue }
                #expect((.seconds(1)...(.seconds(31_536_000))).contains(token.life))
                let kept = TokenCache.Token(
                    token.token, life: token.life, promised: token.promised, at: .now, login: nil, granted: nil)
                _ = kept.lasts(.seconds(86_400), at: .now)
            }
        }
    }

    @Test("as a time to wait, a limit or a date are left out, or small enough to count with", arguments: texts)
    func waits(text: String) throws {
        for status in [403, 429, 503] {
            for form in [text, "\(text)s", "\(text)h\(text)m\(text)s", "Fri, \(text) Dec \(text) \(text):00:00 GMT"] {
                let answer = ServerAnswer(
                    try Self.response(
                        status,
                        [
                            ("Retry-After", form), ("Date", form), ("RateLimit-Limit", text),
                            ("Content-Type", "text/plain"),
                        ], body: "slow down, retry-after: \(form), allowed: \(text)/minute"))
                if let wait = answer.retryAfter {
                    #expect(wait >= .zero && ContinuousClock.now + wait > .now - .seconds(1))
                    #expect(wait < .seconds(Double(Int32.max) * 3600 * 24))
                }
            }
        }
        for (name, other) in [("RateLimit", "7"), ("X-RateLimit", text)] {
            let allowance = RateAllowance(
                try Self.response(200, [("\(name)-Limit", text), ("\(name)-Remaining", other)]).headers)
            #expect((allowance?.remaining ?? 0) <= (allowance?.limit ?? 0))
        }
    }

    @Test("as the state of an upload are believed within the blob", arguments: texts)
    func uploads(text: String) throws {
        let endpoint = try RegistryEndpoint(domain: "registry.test", settings: RegistrySettings(plainHTTP: true))
        let attempt = Attempt(.upload, "upload", at: "registry.test", repository: "a")
        let size: Int64 = 1000
        for range in [text, "0-\(text)", "\(text)-\(text)", "bytes=0-\(text)", "0-0"] {
            let headers = [("Location", "/u"), ("Range", range), ("OCI-Chunk-Min-Length", text)]
            var machine = UploadMachine(size: size, style: .chunked(100), session: nil, commitPatience: .seconds(1))
            var action = machine.start()
            var last: UploadMachine.Body?
            // Far more turns than an upload takes that ends by itself.
            for _ in 0..<200 {
                switch action {
                case .startSession:
                    action = machine.next(.start(try Self.response(202, headers), endpoint, attempt))
                case .askStatus:
                    action = machine.next(.status(try Self.response(204, headers), endpoint, attempt))
                case .send(let body):
                    #expect(body.range.lowerBound >= 0 && body.range.upperBound <= size)
                    last = body
                    let refused = try Self.response(
                        416, headers,
                        body: #"{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"is 0 instead of \#(text)"}]}"#)
                    let taken = try Self.response(body.closes ? 201 : 202, headers)
                    let answer = body.range.lowerBound % 200 == 0 ? refused : taken
                    action = machine.next(
                        .body(answer, of: body, isSentWhole: true, Digest(of: [1]), endpoint, attempt), of: last)
                case .lookForBlob: action = machine.next(.blobAbsent)
                case .checkLocalBlob: action = machine.next(.localBlob(isIntact: true))
                case .finish, .giveUp: return
                }
            }
            Issue.record("it does not end")
        }
    }

    @Test("as lengths of what is there are no lengths", arguments: texts)
    func lengths(text: String) throws {
        let length = try Self.response(200, [("Content-Length", text)]).lengthOfContent
        #expect((0...Descriptor.maximumSize).contains(length ?? 0))
        _ = UploadStyle(
            size: 1 << 50, chunkSize: 1 << 20,
            facts: ["maximum-body": text, "minimum-chunk": text, "broken-body-loses-session": "yes"])
    }

    /// libcurl reads some of these itself, and refuses what it can't.
    @Test("in the answers of a server end in an error or in an answer", arguments: texts.filter { $0.utf8.count < 100 })
    func overTheWire(text: String) async throws {
        let digest = Digest(of: [1])
        try await ScriptedServer.with({ exchange in
            let target = exchange.head.target
            var headers = [
                ("Content-Type", "\(MediaType.ociManifest)"), ("Docker-Content-Digest", "\(digest)"),
                ("Content-Range", "bytes 0-0/\(text)"), ("Retry-After", text), ("RateLimit-Limit", text),
                ("RateLimit-Remaining", text), ("Link", "</v2/a/tags/list?n=\(text)&last=\(text)>; rel=\"next\""),
            ]
            if exchange.head.method == "HEAD" { headers.append(("Content-Length", text)) }
            let list = target.contains("tags") ? #"{"tags":["\#(text.filter(\.isNumber))"],"n":\#(text)}"# : "{}"
            try exchange.send(Answer(exchange.head.header("Range") == nil ? 200 : 206, headers: headers, list))
        }) { server in
            try await Bench.withClient(server.address) { client, _, _ in
                for reference in [ManifestReference.tag("1"), .digest(digest)] {
                    do {
                        let found = try await client.manifestHead("a", reference)
                        #expect((0...Descriptor.maximumSize).contains(found?.size ?? 0))
                    } catch is RegistryError {}
                }
                _ = try? await client.blobPresence("a", digest, size: 1)
                _ = try? await client.readBlob("a", digest, size: 1)
                if let pages = try? client.tags(of: "a") {
                    for _ in 0..<5 { if (try? await pages.next()) == nil { break } }
                }
            }
        }
    }
}
