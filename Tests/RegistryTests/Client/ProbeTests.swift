import Glibc
import HTTP
import OCI
import Registry
import TestSupport
import Testing

@Suite("A registry that is in trouble", .timeLimit(.minutes(2)))
struct ProbeTests {
    @Test("gets a fresh connection until it has answered, to any of its clients")
    func freshConnections() async throws {
        try await Bench.with { bench in
            func ask() async throws { _ = try await bench.client.manifestHead("team/app", .tag("v1")) }
            try await ask()
            try await ask()
            #expect(bench.registry.connectionsAccepted == 1)
            bench.client.limitConnecting(to: .seconds(20))
            try await ask()
            #expect(bench.registry.connectionsAccepted == 2)
            try await ask()
            #expect(bench.registry.connectionsAccepted == 2)
        }
    }

    @Test("is given up soon where no connection is made")
    func silence() async throws {
        let silent = try SilentServer()
        defer { silent.stop() }
        let settings = RegistrySettings(plainHTTP: false, limits: HTTPLimits(connect: .seconds(3600)))
        try await Bench.withClient("127.0.0.1:\(silent.port)", settings: settings) { client, _, _ in
            client.limitConnecting(to: .milliseconds(100))
            let error = try await registryError { _ = try await client.manifestHead("team/app", .tag("v1")) }
            #expect(error?.cause == .unreachable(reason: "no connection came about in time"))
        }
    }
}

/// Listens and never reads: TCP connects, and a TLS handshake waits.
private struct SilentServer {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, length) == 0 && listen(listening, 8) == 0
                    && getsockname(listening, $0, &length) == 0
            }
        }
        guard isListening else { throw TestSupportError("cannot listen: errno \(errno)") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    func stop() { close(descriptor) }
}
