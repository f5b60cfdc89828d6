import Testing

@testable import HTTP

@Suite("Which proxy an environment names")
struct ProxyRulesTests {
    private func proxy(_ url: String, _ environment: [String: String]) throws -> String? {
        try ProxyRules(environment: environment).proxy(for: HTTPURL(parsing: url))?.description
    }

    private static let both = ["http_proxy": "http://p:1", "https_proxy": "http://p:2"]

    @Test(
        "goes by the address's scheme, lower case before capitals, and all_proxy for the rest",
        arguments: [
            ("http://r.example/", both, "http://p:1"), ("https://r.example/", both, "http://p:2"),
            ("https://r.example/", ["http_proxy": "http://p:1"], nil), ("https://r.example/", [:], nil),
            ("http://r.example/", ["HTTP_PROXY": "http://p:3"], "http://p:3"),
            ("http://r.example/", ["HTTP_PROXY": "http://p:3", "http_proxy": "http://p:1"], "http://p:1"),
            ("https://r.example/", ["HTTPS_PROXY": "http://p:3", "https_proxy": ""], "http://p:3"),
            ("https://r.example/", ["http_proxy": "http://p:1", "all_proxy": "socks5://p:4"], "socks5://p:4"),
            ("http://r.example/", ["http_proxy": "http://p:1", "ALL_PROXY": "socks5h://p:4"], "http://p:1"),
        ] as [(String, [String: String], String?)])
    func scheme(url: String, environment: [String: String], expected: String?) throws {
        #expect(try proxy(url, environment) == expected)
    }

    @Test(
        "is none for this machine, however it is spelled",
        arguments: [
            "localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.9.8.7", "[::1]",
            "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433",
        ])
    func loopback(host: String) throws {
        for scheme in ["http", "https"] {
            #expect(try proxy("\(scheme)://\(host):5000/", Self.both) == nil)
            let url = try HTTPURL(parsing: "\(scheme)://\(host):5000/")
            let given = ProxyChoice.through(try Proxy(parsing: "http://p:1", source: .configuration("x")))
            #expect(given.proxy(for: url, ProxyRules()) == nil)
        }
    }

    @Test(
        "is asked for hosts that only look like this machine",
        arguments: ["localhost.example", "notlocalhost", "128.0.0.1", "[::2]", "127.example"])
    func foreign(host: String) throws {
        #expect(try proxy("http://\(host)/", Self.both) == "http://p:1")
    }

    @Test(
        "is none for what no_proxy names, as Go's tools read it",
        arguments: [
            ("example.com", "http://example.com/", true), ("example.com", "http://a.b.example.com/", true),
            ("example.com", "http://notexample.com/", false), ("EXAMPLE.com", "http://Example.COM/", true),
            ("example.com.", "http://example.com/", true), ("example.com", "http://example.com./", true),
            (".example.com", "http://example.com/", false), (".example.com", "http://a.example.com/", true),
            ("*.example.com", "http://example.com/", false), ("*.example.com", "http://a.example.com/", true),
            ("*", "http://example.com/", true), ("*", "http://192.0.2.7/", true), ("a,*", "http://b.example/", true),
            ("exa*.com", "http://example.com/", false), ("com", "http://example.com/", true),
            ("example.com:80", "http://example.com/", true), ("example.com:5000", "http://example.com/", false),
            ("example.com:443", "https://a.example.com/", true), (".example.com:80", "http://example.com/", false),
            ("192.0.2.7", "http://192.0.2.7/", true), ("192.0.2.7", "http://192.0.2.70/", false),
            ("192.0.2.7:5000", "http://192.0.2.7:5000/", true), ("192.0.2.7:5000", "http://192.0.2.7/", false),
            ("192.0.2.0/24", "http://192.0.2.7/", true), ("192.0.2.0/24", "http://192.0.3.7/", false),
            ("192.0.2.0/25", "http://192.0.2.200/", false), ("10.0.0.0/8", "http://10.example/", false),
            ("0.0.0.0/0", "http://192.0.2.7/", true), ("0.0.0.0/0", "http://[fd00::1]/", false),
            ("fd00::/8", "http://[fd00::1]:5000/", true), ("fd00::/8", "http://[fe00::1]/", false),
            ("fd00::1", "http://[fd00::1]/", true), ("[fd00::1]", "http://[fd00:0::1]/", true),
            ("[fd00::1]:5000", "http://[fd00::1]:5000/", true), ("[fd00::1]:5000", "http://[fd00::1]/", false),
            ("::ffff:192.0.2.7", "http://192.0.2.7/", true), ("2.7", "http://192.0.2.7/", false),
            ("a.example , example.com", "http://example.com/", true),
            ("a.example example.com", "http://example.com/", true),
            (",,", "http://example.com/", false), ("", "http://example.com/", false),
            ("http://example.com", "http://example.com/", false), ("example.com:x", "http://example.com/", false),
            ("192.0.2.0/33", "http://192.0.2.7/", false), ("192.0.2.0/-1", "http://192.0.2.7/", false),
            (":80", "http://example.com/", false), (".", "http://example.com/", false),
        ])
    func exceptions(list: String, url: String, isDirect: Bool) throws {
        for variable in ["no_proxy", "NO_PROXY"] {
            let environment = Self.both.merging([variable: list]) { $1 }
            #expect((try proxy(url, environment) == nil) == isDirect, "\(variable)=\(list)")
        }
    }

    @Test("of lower case counts where both no_proxy and NO_PROXY are set")
    func lowerCaseExceptions() throws {
        let environment = Self.both.merging(["no_proxy": "a.example", "NO_PROXY": "b.example"]) { $1 }
        #expect(try proxy("http://a.example/", environment) == nil)
        #expect(try proxy("http://b.example/", environment) == "http://p:1")
    }

    @Test(
        "is read with its scheme, port and login, and shows no login",
        arguments: [
            ("proxy.example:3128", "http://proxy.example:3128", nil, nil),
            ("http://proxy.example", "http://proxy.example:80", nil, nil),
            ("HTTPS://Proxy.Example/", "https://proxy.example:443", nil, nil),
            ("socks5://10.0.0.1", "socks5://10.0.0.1:1080", nil, nil),
            ("socks5h://[fd00::1]:9", "socks5h://[fd00::1]:9", nil, nil),
            ("http://us%65r:p%40ss%3A%2F@proxy:3128", "http://proxy:3128", "user", "p@ss:/"),
            ("http://user@proxy:3128", "http://proxy:3128", "user", ""),
            ("user:a@b@proxy:3128", "http://proxy:3128", "user", "a@b"),
        ] as [(String, String, String?, String?)])
    func reads(text: String, description: String, user: String?, password: String?) throws {
        let proxy = try Proxy(parsing: text, source: .environment("https_proxy"))
        #expect(proxy.description == description)
        #expect(proxy.login?.user == user)
        #expect(proxy.login?.password == password)
        #expect(proxy.name.hasLogin == (user != nil))
        var dumped = ""
        dump(HTTPRequest(url: try HTTPURL(parsing: "http://r.example/"), proxy: .through(proxy)), to: &dumped)
        dump(ProxyChoice.through(proxy), to: &dumped)
        dump(try ProxyRules(environment: ["all_proxy": text]), to: &dumped)
        dumped += "\(proxy) \(ProxyChoice.through(proxy)) \(proxy.name) \(String(reflecting: proxy))"
        #expect(dumped.contains(description), "it is shown at all")
        for secret in [user, password].compactMap({ $0 }) where !secret.isEmpty { #expect(!dumped.contains(secret)) }
    }

    @Test(
        "is refused with the variable's name, and nothing of its value",
        arguments: [
            "http://", "ftp://proxy:1", "http://user:hunter2@", "http://user:hunter2@proxy:0", "http://proxy:65536",
            "http://proxy:hunter2", "http://user:hunter2@proxy:80/hunter2", "http://proxy/wpad.dat", "http://pro xy:1",
            "http://proxy\r\nhunter2:1", "http://user:hun%zzter2@proxy:1", "http://user:hunter2%0d%0a@proxy:1",
            "http://us%3Aer:hunter2@proxy:1", "http://:hunter2@proxy:1", "http://proxy?hunter2", "http://[hunter2]:1",
            "socks5://user:\(String(repeating: "hunter2", count: 40))@proxy", "http://user:hunter2%00@proxy",
            "http://\(String(repeating: "hunter2", count: 1000))", "http://hünter2/", "socks4://hunter2:1",
        ])
    func refuses(value: String) throws {
        for variable in ["http_proxy", "HTTPS_PROXY", "all_proxy"] {
            do {
                _ = try ProxyRules(environment: [variable: value])
                Issue.record("\(variable)=\(value) was taken")
            } catch {
                #expect(error.source == .environment(variable))
                #expect(error.description.hasPrefix("\(variable): "))
                #expect(!error.description.contains("hunter2") && error.description.utf8.count < 200)
            }
        }
    }

    @Test("has a bound for the list of what is asked directly")
    func longList() throws {
        let most = String(repeating: "a,", count: ProxyExceptions.maximumLength / 2)
        #expect(try proxy("http://a/", Self.both.merging(["no_proxy": most]) { $1 }) == nil)
        #expect(throws: ProxyError.self) { try ProxyRules(environment: ["NO_PROXY": most + "b"]) }
    }
}
