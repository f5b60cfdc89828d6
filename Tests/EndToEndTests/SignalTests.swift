import Glibc
import TestSupport
import Testing

@Suite("The daemon and signals")
struct SignalTests {
    @Test("a SIGTERM is never lost, however early it comes", arguments: 0..<40)
    func early(milliseconds: Int) async throws {
        try await Machine.with { machine in
            let daemon = try machine.launch()
            // The moment is the subject: from before main() until it takes calls.
            try await Task.sleep(for: .milliseconds(milliseconds * 2))
            daemon.send(SIGTERM)
            let result = try await daemon.wait(timeout: .seconds(15))
            #expect(result.status == 0 || result.signal == SIGTERM, "\(result.errors)")
        }
    }

    @Test("a SIGTERM as soon as it takes calls ends it properly", arguments: 0..<20)
    func ready(round: Int) async throws {
        try await Machine.with { machine in
            let daemon = try await machine.start()
            daemon.send(SIGTERM)
            let result = try await daemon.wait(timeout: .seconds(15))
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.errors.contains("stopped;"))
        }
    }

    @Test("SIGHUP takes a new configuration over, and a faulty one leaves the old one in force")
    func reload() async throws {
        try await Machine.with { machine in
            try await machine.withDaemon { daemon in
                try machine.directory.write(Array("{ stores: ['oci:/nowhere'] }".utf8), to: "pushd.json5")
                daemon.send(SIGHUP)
                try await daemon.waitForOutput("the configuration was read again")
                try machine.directory.write(Array("{ stores: [".utf8), to: "pushd.json5")
                daemon.send(SIGHUP)
                try await daemon.waitForOutput(
                    "the old configuration stays in force: \(machine.directory.path)/pushd.json5: line 1, column 11:")
                let stores = try await machine.json("version").first
                #expect(stores != nil, "it still answers")
                daemon.send(SIGTERM)
                #expect(try await daemon.wait().status == 0)
            }
        }
    }
}
