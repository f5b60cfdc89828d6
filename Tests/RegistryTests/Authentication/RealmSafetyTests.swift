import HTTP
import Testing

@testable import Registry

@Suite("The token server that a registry names")
struct RealmSafetyTests {
    @Test(
        "is asked",
        arguments: [
            ("https://registry.example", "https://auth.example/token"),
            ("https://registry.example", "https://auth.example:8443/token?tenant=1"),
            ("https://registry.example", "https://8.8.8.8/token"),
            ("https://registry.example", "https://[2001:4860:4860::8888]/token"),
            ("https://10.0.0.5:5000", "https://10.0.0.5/token"),
            ("https://[fd00::1]:5000", "https://[fd00::1]/token"),
            ("http://registry.lan", "http://auth.lan/token"),
            ("http://10.0.0.5:5000", "http://10.0.0.5:5001/token"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"),
            ("http://localhost:5000", "http://127.0.0.1:5001/token"),
            ("http://127.0.0.1:5000", "http://[::1]:5001/token"),
            ("http://127.0.0.1:5000", "https://auth.example/token"),
            ("https://10.0.0.5:5000", "https://10.0.0.6/token"),
        ])
    func accepts(registry: String, realm: String) throws {
        let origin = try HTTPURL(parsing: registry + "/").origin
        let reach = Reach(own: origin, trusted: [])
        #expect(RealmSafety.objection(to: try HTTPURL(parsing: realm), within: reach, from: nil) == nil)
    }

    @Test(
        "is not asked",
        arguments: [
            ("https://registry.example", "http://auth.example/token"),
            ("https://registry.example", "http://registry.example/token"),
            ("https://registry.example", "https://127.0.0.1/token"),
            ("https://registry.example", "https://localhost/token"),
            ("https://registry.example", "https://localhost./token"),
            ("https://registry.example", "https://api.localhost/token"),
            ("https://registry.example", "https://[::1]/token"),
            ("https://registry.example", "https://[::ffff:127.0.0.1]/token"),
            ("https://registry.example", "https://[::ffff:7f00:1]/token"),
            ("https://registry.example", "https://169.254.169.254/latest"),
            ("https://registry.example", "https://10.1.2.3/token"),
            ("https://registry.example", "https://172.31.0.1/token"),
            ("https://registry.example", "https://192.168.1.1/token"),
            ("https://registry.example", "https://100.64.0.1/token"),
            ("https://registry.example", "https://0.0.0.0/token"),
            ("https://registry.example", "https://224.0.0.1/token"),
            ("https://registry.example", "https://[::]/token"),
            ("https://registry.example", "https://[fe80::1]/token"),
            ("https://registry.example", "https://[fd00::1]/token"),
            ("https://registry.example", "https://[64:ff9b::a00:1]/token"),
            // What the resolver takes for 127.0.0.1.
            ("https://registry.example", "https://127.1/token"),
            ("https://registry.example", "https://2130706433/token"),
            ("https://registry.example", "https://0x7f000001/token"),
            ("https://registry.example", "https://0177.0.0.1/token"),
            ("https://10.0.0.5:5000", "https://127.0.0.1/token"),
            ("http://127.0.0.1:5000", "http://auth.example/token"),
            ("http://127.0.0.1:5000", "http://10.0.0.5/token"),
            ("http://registry.lan", "http://127.0.0.1/token"),
        ])
    func refuses(registry: String, realm: String) throws {
        let origin = try HTTPURL(parsing: registry + "/").origin
        // A spelling that the address parser itself refuses is as good.
        guard let realm = try? HTTPURL(parsing: realm) else { return }
        #expect(RealmSafety.objection(to: realm, within: Reach(own: origin, trusted: []), from: nil) != nil)
    }
}

@Suite("A registry's address")
struct RegistryEndpointTests {
    @Test(
        "follows from its name and the settings",
        arguments: [
            ("docker.io", nil, "https://registry-1.docker.io"),
            ("index.docker.io", nil, "https://registry-1.docker.io"),
            ("registry-1.docker.io", nil, "https://registry-1.docker.io"),
            ("registry.example:5000", nil, "https://registry.example:5000"),
            ("registry.example", true, "http://registry.example"),
            ("localhost:5000", nil, "http://localhost:5000"), ("127.0.0.1:5000", nil, "http://127.0.0.1:5000"),
            ("[::1]:5000", nil, "http://[::1]:5000"), ("localhost:5000", false, "https://localhost:5000"),
            ("localhost.example.org", nil, "https://localhost.example.org"), ("10.0.0.1", nil, "https://10.0.0.1"),
        ] as [(String, Bool?, String)])
    func address(domain: String, plainHTTP: Bool?, expected: String) throws {
        let endpoint = try RegistryEndpoint(domain: domain, settings: RegistrySettings(plainHTTP: plainHTTP))
        #expect(endpoint.origin.description == expected)
        #expect(endpoint.domain == domain)
        #expect(try endpoint.url("/v2/a/tags/list?n=1").absoluteString == expected + "/v2/a/tags/list?n=1")
    }

    @Test("is refused where the name is no host", arguments: ["example.com:99999", "example.com:0", ""])
    func refuses(domain: String) {
        #expect(throws: HTTPURLError.self) { try RegistryEndpoint(domain: domain, settings: RegistrySettings()) }
    }
}
