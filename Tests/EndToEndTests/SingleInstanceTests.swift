import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite("One daemon")
struct SingleInstanceTests {
    /// Starts one more daemon on some of the machine's places.
    private func second(_ machine: Machine, socket: String? = nil, state: String? = nil) async throws
        -> ProcessRunner.Result
    {
        try await ProcessRunner.run(
            try builtProduct("pushd"), machine.daemonArguments(stores: [], socket: socket, state: state),
            environment: machine.environment)
    }

    @Test("a second one is refused the state directory, and told whose it is")
    func sameState() async throws {
        try await Machine.with { machine in
            try await machine.withDaemon { daemon async throws in
                let other = machine.directory.file("other")
                let refused = try await second(machine, socket: other)
                #expect(refused.status == 1)
                #expect(refused.errors.contains("another pushd (process \(daemon.pid)) already works on"))
                #expect(refused.errors.contains("--state-dir"), "it says what to do")
                #expect(!FileManager.default.fileExists(atPath: other))
                #expect(try await machine.pushctl("status").status == 0, "the first one does not notice")
            }
        }
    }

    @Test("a second one is refused the socket")
    func sameSocket() async throws {
        try await Machine.with { machine in
            try await machine.withDaemon { _ async throws in
                let refused = try await second(machine, state: machine.directory.file("other"))
                #expect(refused.status == 1)
                #expect(refused.errors.contains("cannot listen on \(machine.socket): another daemon"))
                #expect(refused.errors.contains("--socket"), "it says what to do: \(refused.errors)")
                #expect(try await machine.pushctl("status").status == 0)
            }
        }
    }

    @Test("the next one takes over what one that was killed left behind")
    func takesOver() async throws {
        try await Machine.with { machine in
            let first = try await machine.start()
            first.send(SIGKILL)
            _ = try await first.wait()
            #expect(FileManager.default.fileExists(atPath: machine.socket), "a dead socket is in the way")
            try await machine.withDaemon { _ async throws in
                #expect(try await machine.pushctl("status").status == 0)
            }
        }
    }

    @Test("a file that is no socket is not touched")
    func otherFile() async throws {
        try await Machine.with { machine in
            try machine.configure("")
            try machine.directory.write(Array("mine".utf8), to: "s")
            let refused = try await second(machine)
            #expect(refused.status == 1)
            #expect(try String(contentsOfFile: machine.socket, encoding: .utf8) == "mine")
        }
    }
}
