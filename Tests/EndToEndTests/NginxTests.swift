import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

/// The two executables and Debian's registry, with Debian's nginx between them.
@Suite(
    "Behind nginx",
    .enabled("nginx-light and docker-registry of Debian are needed") {
        NginxServer.isInstalled && DebianRegistry.isInstalled
    })
struct NginxTests {
    /// Puts a certificate where Docker and the containers tools look for it.
    private static func trust(_ machine: Machine, _ path: String, at address: String, as name: String) throws {
        let place = machine.directory.file(".config/containers/certs.d/\(address)")
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: path, toPath: "\(place)/\(name)")
    }

    private static func layers(_ machine: Machine, _ sizes: [Int], name: String) throws -> [Descriptor] {
        let builder = try LayoutBuilder(directory: machine.layout)
        let layers = try sizes.enumerated().map { try builder.addLayer(size: $1, seed: UInt64(sizes.count * 100 + $0)) }
        try builder.addImage(layers: layers, name: name)
        try builder.writeIndexJSON()
        return layers
    }

    @Test(
        "which ends TLS with a private authority, uploads stay at https, whatever the registry knows of it",
        arguments: [true, false], [true, false])
    func privateAuthority(registryKnows: Bool, isConfigured: Bool) async throws {
        try await Machine.with { machine in
            let layers = try Self.layers(machine, [3_000_000, 10_000], name: "app:1")
            let authority = try await TestCertificate.make(in: machine.directory, name: "authority")
            let server = try await TestCertificate.make(in: machine.directory, name: "server", signedBy: authority)
            let headers = registryKnows ? ["X-Forwarded-Proto": "$scheme"] : [:]
            try await DebianRegistry.with { registry in
                try await NginxServer.with(
                    upstream: registry.address, certificate: server, settings: ["client_max_body_size 0;"],
                    headers: headers
                ) { nginx in
                    let authorityFile = isConfigured ? ", caFile: '\(authority.certificate)'" : ""
                    if !isConfigured {
                        try Self.trust(machine, authority.certificate, at: nginx.address, as: "ca.crt")
                    }
                    let configuration =
                        "registries: { '\(nginx.address)': { plainHttp: false\(authorityFile) } }, retry: { base: '5ms' }"
                    try await machine.withDaemon(configuration) { _ in
                        let push = try await machine.pushctl("push", "app:1", nginx.address + "/team/app:1")
                        #expect(push.status == 0, "\(push.errors)")
                        let verified = try await machine.json("verify", "--deep", nginx.address + "/team/app:1")
                        #expect(verified.first?["verified"]?.isTrue == true)
                        let seen = try nginx.requests
                        #expect(!seen.contains { $0.status == 400 }, "plain HTTP came in: \(seen)")
                        let sent = seen.filter { $0.method == "PUT" && $0.path.contains("/uploads/") }
                        #expect(sent.count == layers.count + 1 && sent.allSatisfy { $0.status == 201 }, "\(seen)")
                    }
                }
            }
        }
    }

    @Test("which demands a client certificate, a job is blocked without one and goes on with it")
    func clientCertificate() async throws {
        try await Machine.with { machine in
            _ = try Self.layers(machine, [100_000], name: "app:1")
            let authority = try await TestCertificate.make(in: machine.directory, name: "authority")
            let server = try await TestCertificate.make(in: machine.directory, name: "server", signedBy: authority)
            let client = try await TestCertificate.make(in: machine.directory, name: "client", signedBy: authority)
            let demand = ["ssl_client_certificate \(authority.certificate);", "ssl_verify_client on;"]
            try await DebianRegistry.with { registry in
                try await NginxServer.with(
                    upstream: registry.address, certificate: server, settings: demand
                ) { nginx in
                    try Self.trust(machine, authority.certificate, at: nginx.address, as: "ca.crt")
                    try await machine.withDaemon("registries: { '\(nginx.address)': { plainHttp: false } }") { _ in
                        let refused = try await machine.pushctl("push", "app:1", nginx.address + "/team/app:1")
                        #expect(refused.status == 1)
                        let job = try await machine.job(1)
                        #expect(job["state"]?.string == "blocked", "\(job)")
                        #expect(job["error"]?["code"]?.string == "client-certificate-wanted", "\(refused.errors)")

                        try Self.trust(machine, client.key, at: nginx.address, as: "us.key")
                        try Self.trust(machine, client.certificate, at: nginx.address, as: "us.cert")
                        // What lies there is noticed within a second or so.
                        var inspected = refused
                        repeat {
                            inspected = try await machine.pushctl("inspect", nginx.address + "/team/app:1")
                        } while inspected.errors.contains("wants a client certificate")
                        #expect(inspected.errors.contains("is not in the registry"), "\(inspected.errors)")
                        #expect(try await machine.pushctl("retry", "1").status == 0)
                        let waited = try await machine.pushctl("wait", "1")
                        #expect(waited.status == 0, "\(waited.errors)")
                    }
                }
            }
        }
    }

    @Test("whose client_max_body_size is smaller than a layer, chunks that fit arrive, and the limit is remembered")
    func bodyLimit() async throws {
        try await Machine.with { machine in
            let layers = try Self.layers(machine, [5_000_000, 900_000, 2_500_000], name: "app:1")
            try await DebianRegistry.with { registry in
                try await NginxServer.with(
                    upstream: registry.address, settings: ["client_max_body_size 1m;", "proxy_request_buffering off;"]
                ) { nginx in
                    var before = 0
                    func seen() throws -> [NginxServer.Request] {
                        let all = try nginx.requests
                        defer { before = all.count }
                        return Array(all.dropFirst(before)).filter { ["PATCH", "PUT"].contains($0.method) }
                    }
                    try await machine.withDaemon { _ in
                        let destination = nginx.address + "/team/app:1"
                        let push = try await machine.pushctl("push", "app:1", destination)
                        #expect(push.status == 0, "\(push.errors)")
                        let requests = try seen()
                        #expect(requests.contains { $0.status == 413 })
                        let accepted = requests.filter { $0.status < 300 }.reduce(0) { $0 + $1.length }
                        let size = layers.reduce(0) { $0 + $1.size }
                        // Heads, configuration and manifest.
                        #expect(accepted > size && accepted < size + 40_000, "each byte once: \(accepted) of \(size)")
                        let verified = try await machine.json("verify", "--deep", destination)
                        #expect(verified.first?["verified"]?.isTrue == true)
                    }
                    // After a restart, in another image.
                    _ = try Self.layers(machine, [3_000_000, 1_000_000], name: "other:1")
                    try await machine.withDaemon { _ in
                        _ = try seen()
                        let push = try await machine.pushctl("push", "other:1", nginx.address + "/team/other:1")
                        #expect(push.status == 0, "\(push.errors)")
                        let requests = try seen()
                        #expect(!requests.contains { $0.status == 413 }, "\(requests)")
                        #expect(requests.contains { $0.method == "PATCH" })
                    }
                }
            }
        }
    }

    @Test("which gives up waiting for a registry that hangs, the job waits too and ends well")
    func registryHangs() async throws {
        try await Machine.with { machine in
            _ = try Self.layers(machine, [3_000_000], name: "app:1")
            try await DebianRegistry.with { registry in
                try await NginxServer.with(
                    upstream: registry.address, settings: ["client_max_body_size 0;", "proxy_read_timeout 1s;"]
                ) { nginx in
                    try await machine.withDaemon { _ in
                        registry.process.send(SIGSTOP)
                        let id = try await machine.enqueue("app:1", nginx.address + "/team/app:1")
                        try await nginx.process.waitForOutput("upstream timed out")
                        registry.process.send(SIGCONT)
                        let waited = try await machine.pushctl("wait", String(id))
                        #expect(waited.status == 0, "\(waited.errors)")
                        let verified = try await machine.json("verify", "--deep", nginx.address + "/team/app:1")
                        #expect(verified.first?["verified"]?.isTrue == true)
                    }
                }
            }
        }
    }
}

/// nginx before a registry that is slow at the worst moment and counts bytes.
@Suite(
    "Behind an impatient nginx",
    .enabled("nginx-light of Debian is needed") { NginxServer.isInstalled })
struct ImpatientNginxTests {
    private static func with(
        _ settings: [String],
        _ body: (Machine, TestRegistry, NginxServer, ProcessRunner, Descriptor) async throws -> Void
    ) async throws {
        try await Machine.with { machine in
            let layer = try CommandTests.image(machine, size: 40_000_000)
            try await TestRegistry.with { registry in
                let settings = ["client_max_body_size 0;", "proxy_request_buffering off;"] + settings
                try await NginxServer.with(upstream: registry.address, settings: settings) { nginx in
                    try await machine.withDaemon { daemon in
                        try await body(machine, registry, nginx, daemon, layer)
                    }
                }
            }
        }
    }

    @Test("an upload that is cut because the registry reads too slowly goes on where it was cut")
    func slowReader() async throws {
        try await Self.with(["proxy_send_timeout 1s;"]) { machine, registry, nginx, _, layer in
            let gate = TestGate()
            defer { gate.open() }
            registry.faults.add(
                Fault(.uploadBody, minimumBody: 1_000_000, .stall(afterBodyBytes: 2_000_000, until: gate)))
            let id = try await machine.enqueue("app:1", nginx.address + "/team/app:1")
            try await nginx.process.waitForOutput("timed out (110: Connection timed out) while sending request")
            gate.open()
            let waited = try await machine.pushctl("wait", String(id))
            #expect(waited.status == 0, "\(waited.errors)")
            #expect(try nginx.requests.contains { $0.status == 504 }, "nginx was impatient")
            #expect(registry.bodyBytes(for: layer.digest) == layer.size, "each byte once")
            #expect(registry.violations.isEmpty, "\(registry.violations)")
        }
    }

    @Test("a layer that was stored before its slow answer was given up is found, and not sent again")
    func slowAnswer() async throws {
        try await Self.with(["proxy_read_timeout 1s;"]) { machine, registry, nginx, _, layer in
            let gate = TestGate()
            defer { gate.open() }
            registry.faults.add(Fault(.uploadBody, minimumBody: 1_000_000, .stallAnswer(until: gate)))
            let push = try await machine.pushctl("push", "app:1", nginx.address + "/team/app:1")
            #expect(push.status == 0, "\(push.errors)")
            #expect(try nginx.requests.contains { $0.status == 504 }, "nginx was impatient")
            #expect(registry.bodyBytes(for: layer.digest) == layer.size, "each byte once")
            #expect(registry.violations.isEmpty, "\(registry.violations)")
        }
    }

    @Test("an upload that is cut because this machine stood still goes on where it was cut")
    func slowSender() async throws {
        try await Self.with(["client_body_timeout 1s;"]) { machine, registry, nginx, daemon, layer in
            let gate = TestGate()
            defer { gate.open() }
            registry.faults.add(
                Fault(.uploadBody, minimumBody: 1_000_000, .stall(afterBodyBytes: 2_000_000, until: gate)))
            let id = try await machine.enqueue("app:1", nginx.address + "/team/app:1")
            try await gate.waitForArrival()
            daemon.send(SIGSTOP)
            gate.open()
            try await registry.waitUntil("nginx to have given up") {
                registry.requests(.uploadBody).contains { $0.bodyBytes >= 2_000_000 && $0.endedAt != nil }
            }
            daemon.send(SIGCONT)
            let waited = try await machine.pushctl("wait", String(id))
            #expect(waited.status == 0, "\(waited.errors)")
            #expect(try nginx.requests.contains { $0.status == 408 }, "nginx was impatient")
            #expect(registry.bodyBytes(for: layer.digest) == layer.size, "each byte once")
            #expect(registry.violations.isEmpty, "\(registry.violations)")
        }
    }
}
