import HTTP
import OCI
import Testing

@testable import Registry

@Suite("A registry's words")
struct ServerAnswerTests {
    static func answer(
        _ body: String, status: Int = 400, headers: HTTPHeaders = ["Content-Type": "application/json"]
    ) throws -> ServerAnswer {
        let url = try HTTPURL(parsing: "https://registry.test/v2/")
        return ServerAnswer(HTTPResponse(status: status, headers: headers, body: Array(body.utf8), url: url))
    }

    @Test(
        "are read whatever their form",
        arguments: [
            (#"{"errors":[{"code":"A","message":"m"}]}"#, "A", "m"),
            (#"{"errors":[{"code":"A","message":"m","detail":"d"}]}"#, "A", "m: d"),
            (#"{"errors":[{"code":"A","message":"m","detail":{"description":"d"}}]}"#, "A", "m: d"),
            (#"{"errors":[{"code":"A","message":"m","detail":[1,2]}]}"#, "A", "m"),
            (#"{"errors":[{"code":"A"},{"code":"B","message":"n"}]}"#, "A", "n"),
            (#"{"errors":[{"code":"UNKNOWN","message":"m"},{"code":"B"}]}"#, "B", "m"),
            (#"{"errors":[7,{"code":"B","message":"n"}]}"#, "B", "n"), (#"{"message":"gone"}"#, nil, "gone"),
            (#"{"errors":null}"#, nil, nil), (#"{"errors":{}}"#, nil, nil), ("", nil, nil), ("{", nil, nil),
            ("<html><title>Hello</title>", nil, "Hello"), ("\0\u{1}", nil, nil),
        ] as [(String, String?, String?)])
    func areRead(_ body: String, _ code: String?, _ message: String?) throws {
        let answer = try Self.answer(body)
        #expect(answer.code == code)
        #expect(answer.message == message)
    }

    @Test("are cut at 500 characters and cannot steer a terminal")
    func areBounded() throws {
        let long = String(repeating: "ä", count: 3000)
        #expect(try Self.answer(#"{"errors":[{"code":"A","message":"\#(long)"}]}"#).message?.count == 501)
        let nasty = #"{"errors":[{"code":"A\u001b[2J","message":"a\u001b]0;x\u0007\nb\u202ec"}]}"#
        let answer = try Self.answer(nasty)
        #expect(answer.message == "a ]0;x bc")
        #expect(answer.code == "A [2J")
    }

    @Test(
        "the wait that is asked for",
        arguments: [
            (["Retry-After": "120"], .seconds(120)), (["Retry-After": "0"], .seconds(0)),
            (
                ["Retry-After": "Sun, 06 Nov 1994 09:49:37 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"],
                .seconds(3600)
            ),
            (["Retry-After": "Sun, 06 Nov 1994 07:49:37 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"], .seconds(0)),
            (["Retry-After": "1.5s"], .milliseconds(1500)), (["Retry-After": "1m0.25s"], .milliseconds(60_250)),
            (["Retry-After": "soon"], nil), (["Retry-After": "-5s"], nil), ([:], nil),
        ] as [(HTTPHeaders, Duration?)])
    func retryAfter(_ headers: HTTPHeaders, _ expected: Duration?) throws {
        #expect(try Self.answer("", status: 429, headers: headers).retryAfter == expected)
    }

    @Test(
        "the wait that only the message asks for, of a refusal for now",
        arguments: [
            (429, "retry-after: 1.889377ms, allowed: 2000/minute", .nanoseconds(1_889_377)),
            (429, "toomanyrequests: Retry-After: 1m30s", .seconds(90)),
            (
                403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                .seconds(120)
            ),
            (429, "retry-after: soon", nil), (429, "slow down", nil), (400, "retry-after: 5s", nil),
        ] as [(Int, String, Duration?)])
    func waitInWords(_ status: Int, _ message: String, _ expected: Duration?) throws {
        let body = #"{"errors":[{"code":"DENIED","message":"\#(message)"}]}"#
        #expect(try Self.answer(body, status: status).retryAfter == expected)
        let told: HTTPHeaders = ["Content-Type": "application/json", "Retry-After": "7"]
        #expect(
            try Self.answer(body, status: status, headers: told).retryAfter == .seconds(7), "the header comes first")
    }

    @Test(
        "a duration is read as Go prints it, and nothing overflows",
        arguments: [
            ("1h15m30.918273645s", .seconds(4530) + .nanoseconds(918_273_645)), ("300us", .microseconds(300)),
            ("300\u{b5}s", .microseconds(300)), ("2ns", .nanoseconds(2)), ("0s", .zero), ("0.5", nil),
            ("7", .seconds(7)),
            (".5s", .milliseconds(500)), ("5s.", .seconds(5)), ("999999999h", .seconds(3_599_999_996_400)),
            ("1.1234567899s", .nanoseconds(1_123_456_789)), ("1000000000s", nil), ("", nil), ("s", nil), ("1x", nil),
            ("1h2", nil), ("-1s", nil), (".s", nil), ("1..5s", nil), ("9223372036854775808", nil),
            (String(repeating: "1s", count: 30), nil),
        ] as [(String, Duration?)])
    func goDuration(_ text: String, _ expected: Duration?) {
        #expect(GoDuration.parse(text) == expected)
    }

    @Test("the missing content that a registry names, in whatever form")
    func unknownContent() throws {
        let (one, two) = (Digest(of: [1]), Digest(of: [2]))
        let body =
            #"{"errors":[{"code":"UNKNOWN","message":"about \#(Digest(of: [3]))"},"#
            + #"{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown","detail":"\#(one)"},"#
            + #"{"code":"BLOB_UNKNOWN","message":"unknown: \#(two), and more"},"#
            + #"{"code":"BLOB_UNKNOWN","detail":{"Digest":"\#(one)"}}]}"#
        let answer = try Self.answer(body, status: 500)
        #expect(answer.unknownContent == [one, two, one])
        #expect(answer.code == "MANIFEST_BLOB_UNKNOWN")
    }

    @Test("a page for people is no registry, and a registry is known by its form")
    func whoAnswers() throws {
        #expect(try Self.answer("<!DOCTYPE html><p>", headers: [:]).isPage)
        #expect(try !Self.answer("<!DOCTYPE html><p>", headers: [:]).isFromRegistry)
        #expect(try Self.answer(#"{"errors":[{"code":"A"}]}"#).isFromRegistry)
        #expect(try Self.answer("", headers: ["docker-distribution-api-version": "registry/2.0"]).isFromRegistry)
        #expect(try !Self.answer("{}").isFromRegistry)
    }
}
