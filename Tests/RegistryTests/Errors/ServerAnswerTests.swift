import HTTP
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
            (["Retry-After": "soon"], nil), ([:], nil),
        ] as [(HTTPHeaders, Duration?)])
    func retryAfter(_ headers: HTTPHeaders, _ expected: Duration?) throws {
        #expect(try Self.answer("", status: 429, headers: headers).retryAfter == expected)
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
