import FoundationEssentials
import TestSupport
import Testing

@Suite("Certificates", .enabled(if: DebianRegistry.isInstalled))
struct CertificateTests {
    @Test("that lie where docker and podman look for them count as soon as they are there")
    func directories() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 9000, seed: 1)], name: "app:1")
            try builder.writeIndexJSON()
            let server = try await TestCertificate.make(in: machine.directory, name: "server")
            let client = try await TestCertificate.make(in: machine.directory, name: "client")
            try await DebianRegistry.with(certificate: server, client: client) { registry in
                // Nothing is set: it is found out that a registry of this machine speaks TLS.
                try await machine.withDaemon { _ in
                    func error() async throws -> String? {
                        let result = try await machine.pushctl("inspect", "--json", "\(registry.address)/app:1")
                        return result.status == 0 ? nil : result.output
                    }
                    func put(_ path: String, as name: String) throws {
                        let place = "\(machine.directory.path)/.config/containers/certs.d/\(registry.address)"
                        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                        try FileManager.default.copyItem(atPath: path, toPath: "\(place)/\(name)")
                    }
                    /// Looks again until what lies there was noticed: within a second or so.
                    func expect(_ text: String) async throws {
                        let end = ContinuousClock.now + .seconds(20)
                        while let found = try await error() {
                            if found.contains(text) { return }
                            guard ContinuousClock.now < end else {
                                throw TestSupportError("\(text) is not in: \(found)")
                            }
                        }
                        throw TestSupportError("it worked")
                    }
                    try await expect("put the authority's certificate into /etc/containers/certs.d/\(registry.address)")
                    try put(server.certificate, as: "ca.crt")
                    try await expect("it wants a client certificate")
                    try put(client.certificate, as: "us.cert")
                    try await expect("us.cert is there without us.key")
                    try put(client.key, as: "us.key")
                    try await expect("is not in the registry")
                    let push = try await machine.pushctl("push", "app:1", "\(registry.address)/app:1")
                    #expect(push.status == 0, "\(push.errors)")
                }
            }
        }
    }
}
