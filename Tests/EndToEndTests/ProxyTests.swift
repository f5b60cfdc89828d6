import FoundationEssentials
import TestSupport
import Testing

/// Through a real proxy to real registries at an address of this machine that is not the loopback's.
@Suite("Proxies", .enabled(if: DebianRegistry.isInstalled && TestProxy.isInstalled))
struct ProxyTests {
    private static let user = "proxy-user"
    private static let password = "pr0xy-pA55-4e1d"

    private func image(_ machine: Machine) throws {
        let builder = try LayoutBuilder(directory: machine.layout)
        try builder.addImage(layers: [try builder.addLayer(size: 700_000, seed: 1)], name: "app:1")
        try builder.writeIndexJSON()
    }

    private static let quick = "retry: { base: '5ms', cap: '40ms' }"

    /// Runs `body` with a daemon that has these variables, and ends it afterwards.
    private func withDaemon(
        _ machine: Machine, _ registries: String, _ variables: [String: String] = [:],
        _ body: (ProcessRunner) async throws -> Void
    ) async throws {
        let daemon = try await machine.start(
            "\(Self.quick), log: { level: 'debug' }, registries: { \(registries) }", variables: variables)
        do { try await body(daemon) } catch {
            await daemon.end()
            throw error
        }
        await daemon.end()
    }

    /// Pushes app:1 there; it has to succeed.
    private func push(_ machine: Machine, _ registry: String, _ tag: String) async throws {
        let push = try await machine.pushctl("push", "app:1", "\(registry)/team/app:\(tag)", "--verify", "deep")
        #expect(push.status == 0, "\(push.output)\(push.errors)")
    }

    /// The error of a push that waits or is blocked.
    private func error(_ machine: Machine, _ registry: String, code: String) async throws -> JSON {
        let job = try await machine.enqueue("app:1", "\(registry)/team/app:1")
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            let found = try await machine.job(job)
            if let error = found["error"], error != .null, error["code"]?.string == code {
                return .object(["state": found["state"] ?? .null, "error": error])
            }
        }
        throw TestSupportError("\(try await machine.job(job))")
    }

    @Test("of the environment carry pushes to a plain HTTP registry, all requests of it")
    func plain() async throws {
        try await Machine.with { machine in
            try image(machine)
            try await DebianRegistry.with(host: ownAddress()) { registry in
                try await TestProxy.with { proxy in
                    let settings = "'\(registry.address)': { plainHttp: true }"
                    try await withDaemon(machine, settings, ["http_proxy": "http://" + proxy.address]) { _ in
                        try await push(machine, registry.address, "1")
                        let requests = proxy.requests
                        let uploads = requests.filter { $0.hasPrefix("PUT http://\(registry.address)/v2/team/app/") }
                        #expect(uploads.count >= 3, "two blobs and a manifest: \(requests)")
                        #expect(requests.allSatisfy { $0.contains(" http://\(registry.address)/") })
                    }
                    let before = proxy.requests.count
                    // The same registry, now under NO_PROXY; and the setting for https is none for http.
                    let variables = [
                        "HTTP_PROXY": "http://" + proxy.address, "NO_PROXY": "a.example,\(ownAddress())/32",
                    ]
                    try await withDaemon(machine, settings, variables) { _ in
                        try await push(machine, registry.address, "2")
                    }
                    try await withDaemon(machine, settings, ["https_proxy": "http://" + proxy.address]) { _ in
                        try await push(machine, registry.address, "3")
                    }
                    #expect(proxy.requests.count == before)
                }
            }
        }
    }

    @Test("carry pushes to a TLS registry through tunnels, with their own login")
    func tunnels() async throws {
        try await Machine.with { machine in
            try image(machine)
            let certificate = try await TestCertificate.make(in: machine.directory, address: ownAddress())
            try await DebianRegistry.with(login: true, certificate: certificate, host: ownAddress()) { registry in
                let login = Data("\(DebianRegistry.user):\(DebianRegistry.password)".utf8).base64EncodedString()
                try machine.directory.write(
                    Array(#"{"auths":{"\#(registry.address)":{"auth":"\#(login)"}}}"#.utf8), to: ".docker/config.json")
                try await TestProxy.with(login: (Self.user, Self.password)) { proxy in
                    let settings = "'\(registry.address)': { caFile: '\(certificate.certificate)' }"
                    let address = "http://\(Self.user):\(Self.password)@\(proxy.address)"
                    try await withDaemon(machine, settings, ["https_proxy": address]) { daemon in
                        try await push(machine, registry.address, "1")
                        #expect(!proxy.requests.isEmpty)
                        #expect(proxy.requests.allSatisfy { $0 == "CONNECT \(registry.address) HTTP/1.1" })
                        let doctor = try await machine.pushctl("doctor", registry.address)
                        #expect(doctor.status == 0, "\(doctor.output)\(doctor.errors)")
                        #expect(doctor.output.contains("connected to the proxy \(proxy.address)"))
                        #expect(!(daemon.errors + daemon.output).contains(Self.password))
                    }
                }
            }
        }
    }

    @Test("never stand before registries of this machine")
    func loopback() async throws {
        try await Machine.with { machine in
            try image(machine)
            try await DebianRegistry.with { registry in
                try await TestProxy.with { proxy in
                    let variables = ["http_proxy", "https_proxy", "all_proxy"].map { ($0, "http://" + proxy.address) }
                    try await withDaemon(machine, "", Dictionary(variables) { $1 }) { _ in
                        try await push(machine, registry.address, "1")
                        let byName = registry.address.replacing("127.0.0.1", with: "localhost")
                        try await push(machine, byName, "2")
                    }
                    #expect(proxy.requests == [])
                    let refused = try machine.launch("registries: { '\(registry.address)': { proxy: 'http://p:1' } }")
                    let ended = try await refused.wait()
                    #expect(ended.status == 2)
                    #expect(ended.errors.contains("a registry of this machine is never asked through a proxy"))
                }
            }
        }
    }

    @Test("set for a registry go before the environment's, NO_PROXY included, and count from a reload on")
    func setting() async throws {
        try await Machine.with { machine in
            try image(machine)
            try await DebianRegistry.with(host: ownAddress()) { registry in
                try await TestProxy.with { proxy in
                    try await TestProxy.with { other in
                        func settings(_ choice: String) -> String {
                            "'\(registry.address)': { plainHttp: true, proxy: '\(choice)' }"
                        }
                        let variables = ["http_proxy": "http://" + proxy.address, "no_proxy": "*"]
                        try await withDaemon(machine, settings("http://\(other.address)/"), variables) { _ in
                            try await push(machine, registry.address, "1")
                        }
                        let count = other.requests.count
                        #expect(count > 5 && proxy.requests == [])
                        let without = ["http_proxy": "http://" + proxy.address]
                        try await withDaemon(machine, settings("none"), without) { daemon in
                            try await push(machine, registry.address, "2")
                            #expect(other.requests.count == count && proxy.requests == [])
                            try machine.configure(
                                "\(Self.quick), registries: { \(settings("http://" + other.address)) }")
                            daemon.send(1)
                            try await daemon.waitForOutput("the configuration was read again")
                            try await push(machine, registry.address, "3")
                            #expect(other.requests.count > count && proxy.requests == [])
                        }
                    }
                }
            }
        }
    }

    @Test("that reject the login block the push, in plain HTTP and for tunnels, and the password stands nowhere")
    func wrongPassword() async throws {
        try await Machine.with { machine in
            try image(machine)
            try await TestProxy.with(login: (Self.user, "another")) { proxy in
                let registry = ownAddress() + ":5999"
                let address = "http://\(Self.user):\(Self.password)@\(proxy.address)"
                for (variable, settings) in [("http_proxy", "'\(registry)': { plainHttp: true }"), ("https_proxy", "")]
                {
                    try await withDaemon(machine, settings, [variable: address]) { daemon in
                        let found = try await error(machine, registry, code: "proxy-login")
                        #expect(found["state"]?.string == "blocked")
                        let message = try #require(found["error"]?["message"]?.string)
                        #expect(message.hasSuffix("the proxy \(proxy.address) rejects the login"))
                        let advice = try #require(found["error"]?["advice"]?.string)
                        #expect(advice.contains("correct user and password in \(variable) in the environment of pushd"))
                        let doctor = try await machine.pushctl("doctor", registry)
                        #expect(doctor.status == 1)
                        #expect(
                            doctor.output.contains("the proxy \(proxy.address) rejects the login"), "\(doctor.output)")
                        #expect(!doctor.output.contains(Self.password))
                        let told = try await machine.pushctl("show", "1").output
                        #expect(told.contains(proxy.address), "it was told")
                        #expect(!(told + daemon.errors + "\(found)").contains(Self.password))
                    }
                }
                let files = try FileManager.default.subpathsOfDirectory(atPath: machine.state)
                for file in files where file.hasPrefix("queue.db") {
                    let bytes = try Data(contentsOf: URL(filePath: machine.state + "/" + file))
                    #expect(bytes.firstRange(of: Data(Self.password.utf8)) == nil)
                }
            }
        }
    }

    @Test("that let nobody through, are not there, or get no further are told apart")
    func trouble() async throws {
        try await Machine.with { machine in
            try image(machine)
            let registry = ownAddress() + ":5999"
            func state(_ address: String, _ code: String, _ words: String) async throws -> String? {
                var found: JSON?
                try await withDaemon(machine, "'\(registry)': { proxy: '\(address)' }") { _ in
                    found = try await error(machine, registry, code: code)
                }
                #expect(found?["error"]?["message"]?.string?.contains(words) == true, "\(String(describing: found))")
                #expect(found?["error"]?["advice"]?.string?.contains("registries.\"\(registry)\".proxy") == true)
                return found?["state"]?.string
            }
            let gone = try await TestProxy.with(forbidden: ownAddress().replacing(".", with: #"\."#)) { proxy in
                let forbids = try await state(
                    "http://" + proxy.address, "proxy-forbids", "the proxy \(proxy.address) does not allow connections")
                #expect(forbids == "blocked")
                return proxy.address
            }
            let unreachable = try await state(
                "http://" + gone, "proxy-unreachable", "the proxy \(gone) can't be reached: nothing listens there")
            #expect(unreachable != "blocked")
            try await TestProxy.with { proxy in
                // Nothing listens behind it.
                let failed = try await state(
                    "http://" + proxy.address, "proxy-failed", "it makes no connection: HTTP status 500")
                #expect(failed != "blocked")
            }
        }
    }

    @Test("that the environment spells wrong are told at the start, by the variable, without the password")
    func badEnvironment() async throws {
        try await Machine.with { machine in
            let variables = ["HTTPS_PROXY": "http://\(Self.user):\(Self.password)@proxy:99999"]
            let ended = try await machine.launch(variables: variables).wait()
            #expect(ended.status == 2)
            #expect(
                ended.errors.contains(
                    "pushd: HTTPS_PROXY: a proxy's address is written http://HOST:PORT, with a name or address and a "
                        + "port from 1 to 65535"))
            #expect(ended.errors.contains("correct HTTPS_PROXY in the environment of pushd, or unset it"))
            #expect(!ended.errors.contains(Self.password))
        }
    }
}
