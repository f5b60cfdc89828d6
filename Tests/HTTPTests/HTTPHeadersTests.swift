import HTTP
import Testing

@Suite("Header fields")
struct HTTPHeadersTests {
    @Test("are found without regard to case, the first one first")
    func finds() {
        var headers: HTTPHeaders = ["Range": "0-1", "Link": "a", "LINK": "b"]
        #expect(headers["range"] == "0-1")
        #expect(headers["link"] == "a")
        #expect(headers.values("Link") == ["a", "b"])
        #expect(headers["Location"] == nil)
        #expect(headers.values("Location").isEmpty)
        headers.set("link", "c")
        #expect(headers.values("Link") == ["c"])
        headers["range"] = nil
        headers.add("X", "")
        #expect(headers.fields.map(\.name) == ["link", "X"])
    }

    @Test(
        "don't show credentials or addresses in descriptions",
        arguments: [
            "Authorization", "AUTHORIZATION", "Cookie", "Set-Cookie", "Location", "Proxy-Authorization",
        ])
    func redacts(name: String) throws {
        let headers: HTTPHeaders = ["Content-Type": "a/b"]
        var secret = headers
        secret.add(name, "SECRET")
        var dumped = ""
        dump((secret, HTTPResponse(status: 200, headers: secret, url: try HTTPURL(parsing: "http://a"))), to: &dumped)
        #expect(dumped.contains("a/b"), "a header that may be seen is seen")
        #expect(dumped.contains(name))
        #expect(!dumped.contains("SECRET"))
        #expect(!String(describing: secret).contains("SECRET"))
        #expect(!String(reflecting: secret).contains("SECRET"))
    }
}
