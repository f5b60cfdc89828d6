import Testing

@testable import Registry

@Suite("A token server's answer")
struct TokenResponseTests {
    @Test(
        "gives a token and its life in seconds",
        arguments: [
            (#"{"token":"a"}"#, "a", 60), (#"{"access_token":"b","token":""}"#, "b", 60),
            (#"{"token":"a","access_token":"b","expires_in":300}"#, "a", 300),
            (#"{"token":"a","expires_in":"900"}"#, "a", 900),
            (#"{"token":"a","expires_in":5}"#, "a", 5), (#"{"token":"a","expires_in":-1}"#, "a", 60),
            (#"{"token":"a","expires_in":0}"#, "a", 60), (#"{"token":"a","expires_in":0.5}"#, "a", 60),
            (#"{"token":"a","expires_in":299.9}"#, "a", 299), (#"{"token":"a","expires_in":1e300}"#, "a", 31_536_000),
            (#"{"token":"a","expires_in":null,"issued_at":7,"scope":[],"extra":{}}"#, "a", 60),
        ])
    func reads(body: String, token: String, life: Int) throws {
        let response = try TokenResponse(body: Array(body.utf8), date: nil)
        #expect(response.token.revealed() == token)
        #expect(response.life == .seconds(life))
    }

    @Test(
        "that is no token is refused, without quoting it",
        arguments: [
            ("", .notJSON), ("<html>", .notJSON), ("[]", .notJSON), (#""sesame""#, .notJSON), ("{}", .noToken),
            (#"{"token":""}"#, .noToken), (#"{"token":null}"#, .noToken), (#"{"token":1}"#, .noToken),
            (#"{"token":"sesame\r\nX-Evil: 1"}"#, .unfitForHeader), (#"{"token":"sesame open"}"#, .unfitForHeader),
            (#"{"token":"sésame"}"#, .unfitForHeader),
        ] as [(String, TokenResponse.Problem)])
    func refuses(body: String, problem: TokenResponse.Problem) {
        #expect(throws: problem) { try TokenResponse(body: Array(body.utf8), date: nil) }
        #expect(!problem.reason.contains("sesame"))
    }

    @Test(
        "counts its life from its arrival, less what it spent in a cache",
        arguments: [
            ("2026-01-02T15:04:05Z", 300), ("2026-01-02T15:03:05Z", 240), ("2026-01-02T16:03:05.123456789+01:00", 240),
            ("2026-01-02T15:14:05Z", 300),  // issued in the future: its clock is its own affair
            ("2025-01-02T15:04:05Z", 1), ("yesterday", 300),
        ])
    func age(issued: String, life: Int) throws {
        let body = Array(#"{"token":"a","expires_in":300,"issued_at":"\#(issued)"}"#.utf8)
        #expect(try TokenResponse(body: body, date: "Fri, 02 Jan 2026 15:04:05 GMT").life == .seconds(life))
        #expect(try TokenResponse(body: body, date: nil).life == .seconds(300))
    }

    @Test(
        "tells what was granted, if it can be read",
        arguments: [
            (#"{"token":"opaque"}"#, nil), (#"{"token":"a.!.c"}"#, nil),
            (#"{"token":"a","scope":"repository:a:pull"}"#, ["repository:a:pull"]),
            // {"access":[{"type":"repository","name":"team/app","actions":["pull"]}]} and {"access":[]} and {}
            (
                #"{"token":"h.eyJhY2Nlc3MiOlt7InR5cGUiOiJyZXBvc2l0b3J5IiwibmFtZSI6InRlYW0vYXBwIiwiYWN0aW9ucyI6WyJwdWxsIl19XX0.s"}"#,
                ["repository:team/app:pull"]
            ),
            (#"{"token":"h.eyJhY2Nlc3MiOltdfQ.s"}"#, []), (#"{"token":"h.e30.s"}"#, nil),
        ] as [(String, [String]?)])
    func granted(body: String, expected: [String]?) throws {
        #expect(try TokenResponse(body: Array(body.utf8), date: nil).granted?.map(\.description) == expected)
    }
}

@Suite("A date on the wire")
struct WireDateTests {
    @Test(
        "of HTTP's form",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Tue, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("Sun Nov  6 08:49:37 1994", nil), ("Sun, 06 Foo 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 24:00:00 GMT", nil),
            ("", nil), ("Sun, 32 Nov 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49:37 CET", nil),
        ] as [(String, Int64?)])
    func http(text: String, expected: Int64?) { #expect(WireDate.http(text) == expected) }

    @Test(
        "of RFC 3339",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2024-02-29T23:59:59.999z", 1_709_251_199),
            ("2024-03-01T00:59:59+01:00", 1_709_251_199),
            ("2024-02-29T15:59:59-08:00", 1_709_251_199), ("2024-02-29", nil), ("2024-02-29T23:59:59", nil),
            ("2024-02-29T23:59:59+0100", nil), ("2024-02-29T23:59:59Zjunk", nil), ("2024-13-01T00:00:00Z", nil),
        ] as [(String, Int64?)])
    func rfc3339(text: String, expected: Int64?) { #expect(WireDate.rfc3339(text) == expected) }

    @Test(
        "to wait until, or seconds to wait",
        arguments: [
            ("0", 0), ("120", 120), ("Sun, 06 Nov 1994 08:49:47 GMT", 10), ("Sun, 06 Nov 1994 08:49:27 GMT", 0),
            ("-1", nil), ("soon", nil), ("99999999999999999999", nil), ("1.5", nil), ("", nil),
        ] as [(String, Int64?)])
    func retryAfter(text: String, expected: Int64?) {
        #expect(WireDate.retryAfter(text, now: 784_111_777) == expected.map { .seconds($0) })
    }

    @Test("says nothing where the time is unknown")
    func retryAfterWithoutClock() {
        #expect(WireDate.retryAfter("Sun, 06 Nov 1994 08:49:47 GMT", now: nil) == nil)
        #expect(WireDate.retryAfter("7", now: nil) == .seconds(7))
        #expect(WireDate.retryAfter(nil, now: 0) == nil)
    }
}
