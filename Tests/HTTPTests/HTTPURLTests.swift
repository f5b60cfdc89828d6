import HTTP
import Testing

@Suite("An address")
struct HTTPURLTests {
    @Test(
        "is taken apart",
        arguments: [
            ("http://a", "http", "a", 80, "/"),
            ("HTTPS://Registry.Example/v2/", "https", "registry.example", 443, "/v2/"),
            ("https://a:5000?x=y", "https", "a", 5000, "/?x=y"),
            ("https://a:/p#f?g", "https", "a", 443, "/p"),
            ("http://127.0.0.1:00080/%2f//..?a=b?c#d#e", "http", "127.0.0.1", 80, "/%2f//..?a=b?c"),
            ("http://[::1]:65535/", "http", "[::1]", 65535, "/"),
            ("http://[2001:DB8::A]", "http", "[2001:db8::a]", 80, "/"),
            ("http://my_host.-x.:1/@:@", "http", "my_host.-x.", 1, "/@:@"),
        ])
    func parses(text: String, scheme: String, host: String, port: Int, target: String) throws {
        let url = try HTTPURL(parsing: text)
        #expect(url.scheme.rawValue == scheme)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(try HTTPURL(parsing: url.absoluteString) == url)
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("", HTTPURLError.Reason.schemeNotHTTP), ("ftp://a/", .schemeNotHTTP), ("//a/b", .schemeNotHTTP),
            ("a/b", .schemeNotHTTP), ("file:///etc/passwd", .schemeNotHTTP), ("http:/a", .hostMissing),
            ("http://", .hostMissing),
            ("http:///a", .hostMissing), ("http://?x", .hostMissing), ("http://:80/", .hostMissing),
            ("http://user@a/", .userInformation), ("http://user:secret@a/", .userInformation),
            ("http://a:80@b/", .userInformation),
            ("http://@a/", .userInformation), ("http://a:0/", .badPort), ("http://a:65536/", .badPort),
            ("http://a:x/", .badPort),
            ("http://a:-1/", .badPort), ("http://a:+1/", .badPort), ("http://a:1:2/", .badPort),
            ("http://a:99999999999999999999/", .badPort), ("http://[::1]x/", .badPort), ("http://a%2eb/", .badHost),
            ("http://a\\b/", .badHost), ("http://[::1/", .badHost), ("http://[v1.a]/", .badHost),
            ("http://[fe80::1%25eth0]/", .badHost),
            ("http://.a/", .badHost), ("http://a..b/", .badHost), ("http://a/ b", .forbiddenCharacter),
            ("http://a/\r\nX: y", .forbiddenCharacter), ("http://a/\0", .forbiddenCharacter),
            ("http://bücher/", .forbiddenCharacter),
            ("http://a/" + String(repeating: "x", count: 8192), .tooLong),
            ("http://" + String(repeating: "x", count: 256) + "/", .badHost),
        ])
    func refuses(text: String, reason: HTTPURLError.Reason) {
        #expect(throws: HTTPURLError.self) { try HTTPURL(parsing: text) }
        do {
            _ = try HTTPURL(parsing: text)
        } catch {
            #expect(error.reason == reason)
            #expect(!error.description.contains("secret"))
            #expect(error.description.count < 400)
        }
    }

    @Test(
        "hides the query's secrets in descriptions",
        arguments: [
            (
                "https://a/v2/b/blobs/uploads/1?_state=SECRET&digest=sha256:ab",
                "https://a/v2/b/blobs/uploads/1?_state=…&digest=sha256:ab"
            ),
            (
                "https://a/t?service=r&scope=repository:x:pull&account=SECRET",
                "https://a/t?service=r&scope=repository:x:pull&account=…"
            ),
            ("https://a/x?SECRET", "https://a/x?…"),
            ("https://a/x?Digest=SECRET&n=5&last=b", "https://a/x?Digest=…&n=5&last=b"),
            ("https://a/x?from=b&mount=c&X-Amz-Signature=SECRET", "https://a/x?from=b&mount=c&X-Amz-Signature=…"),
        ])
    func redacts(text: String, shown: String) throws {
        let url = try HTTPURL(parsing: text)
        #expect(url.description == shown)
        var dumped = ""
        dump((url, [url], HTTPRequest(url: url)), to: &dumped)
        #expect(!dumped.contains("SECRET"))
        #expect(!String(reflecting: url).contains("SECRET"))
    }

    @Test(
        "appends query items",
        arguments: [
            ("/a", "/a?digest=sha256:ab%2B&b=c/d"), ("/a?", "/a?digest=sha256:ab%2B&b=c/d"),
            ("/a?x=%2f", "/a?x=%2f&digest=sha256:ab%2B&b=c/d"), ("/a?x&", "/a?x&digest=sha256:ab%2B&b=c/d"),
        ])
    func appends(target: String, result: String) throws {
        let url = try HTTPURL(parsing: "http://h" + target)
        #expect(url.appendingQuery([("digest", "sha256:ab+"), ("b", "c/d")]).target == result)
        #expect(url.appendingQuery([]).target == url.target)
    }

    @Test(
        "has an origin that is compared whole",
        arguments: [
            ("http://a", "http://a:80/x", true), ("https://a:443", "https://A/", true),
            ("http://a", "https://a", false),
            ("http://a:443", "https://a:443", false), ("http://a", "http://a.b", false),
            ("http://a:1", "http://a:2", false),
        ])
    func origin(one: String, other: String, isSame: Bool) throws {
        let origins = (try HTTPURL(parsing: one).origin, try HTTPURL(parsing: other).origin)
        #expect((origins.0 == origins.1) == isSame)
    }

    @Test(
        "is loopback only where it surely is",
        arguments: [
            ("localhost", true), ("x.localhost", true), ("127.0.0.1", true), ("127.255.3.4", true), ("[::1]", true),
            ("localhost.example.org", false), ("127.0.0.1.example.org", false), ("127.1", false),
            ("127.0.0.256", false),
            ("128.0.0.1", false), ("notlocalhost", false), ("[::2]", false), ("10.0.0.1", false),
        ])
    func loopback(host: String, isLoopback: Bool) throws {
        #expect(try HTTPURL(parsing: "http://\(host)/").isLoopback == isLoopback)
    }
}

@Suite("A Location")
struct HTTPURLResolutionTests {
    /// The examples of RFC 3986, sections 5.4.1 and 5.4.2, as far as they stay with HTTP.
    @Test(
        "resolves as RFC 3986 shows",
        arguments: [
            ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"), ("g#s", "/b/c/g"), ("g?y#s", "/b/c/g?y"), (";x", "/b/c/;x"), ("g;x", "/b/c/g;x"),
            ("g;x?y#s", "/b/c/g;x?y"), ("", "/b/c/d;p?q"), (".", "/b/c/"), ("./", "/b/c/"), ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"), ("../..", "/"), ("../../", "/"), ("../../g", "/g"), ("../../../g", "/g"),
            ("../../../../g", "/g"),
            ("/./g", "/g"), ("/../g", "/g"), ("g.", "/b/c/g."), (".g", "/b/c/.g"), ("g..", "/b/c/g.."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"), ("./g/.", "/b/c/g/"), ("g/./h", "/b/c/g/h"), ("g/../h", "/b/c/h"),
            ("g;x=1/./y", "/b/c/g;x=1/y"),
            ("g;x=1/../y", "/b/c/y"), ("g?y/./x", "/b/c/g?y/./x"), ("g?y/../x", "/b/c/g?y/../x"),
        ])
    func examples(reference: String, target: String) throws {
        let url = try HTTPURL(parsing: "http://a/b/c/d;p?q").resolving(reference)
        #expect(url.absoluteString == "http://a" + target)
    }

    @Test(
        "may lead to another host, and keeps its query",
        arguments: [
            ("//g", "https://g/"), ("//g:1/x/../y?../z", "https://g:1/y?../z"), ("http://g?y", "http://g/?y"),
            ("https://up.example:8443/v2/x?_state=a%2Fb==&c", "https://up.example:8443/v2/x?_state=a%2Fb==&c"),
            ("/v2/x?u=http://a:b/", "https://a:5000/v2/x?u=http://a:b/"), ("x/a:b", "https://a:5000/v2/x/a:b"),
        ])
    func otherHost(reference: String, result: String) throws {
        #expect(try HTTPURL(parsing: "https://a:5000/v2/y").resolving(reference).absoluteString == result)
    }

    @Test(
        "is refused",
        arguments: [
            "ftp://a/", "javascript:x", "a:b", "http:g", "https://u:p@a/", "//", "//a:x/", "/a b", "/a\n", "/ü",
            "/" + String(repeating: "x", count: 8192),
        ])
    func refused(reference: String) throws {
        let url = try HTTPURL(parsing: "https://a/v2/")
        #expect(throws: HTTPURLError.self) { try url.resolving(reference) }
    }

    @Test(
        "has a query item once after it was set, with the rest as it was",
        arguments: [
            ("/u", "/u?digest=a:b"), ("/u?", "/u?digest=a:b"), ("/u?digest=x", "/u?digest=a:b"),
            ("/u?digest=&_state=a%2Fb==&x", "/u?_state=a%2Fb==&x&digest=a:b"),
            ("/u?x=digest&digest&mydigest=1", "/u?x=digest&mydigest=1&digest=a:b"),
            ("/u?digest=1&digest=2", "/u?digest=a:b"), ("/u?a?digest=1", "/u?a?digest=1&digest=a:b"),
        ])
    func settingQuery(target: String, expected: String) throws {
        let url = try HTTPURL(parsing: "https://a" + target).settingQuery("digest", "a:b")
        #expect(url.target == expected)
    }
}
