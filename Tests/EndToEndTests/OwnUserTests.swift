import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

/// The daemon as its unit runs it: a user of its own, with the right to read all stores and to link their layers.
@Suite(
    "A daemon with a user of its own",
    .enabled(if: geteuid() == 0 && installedProgram("setpriv") != nil, "root and setpriv are needed"),
    .timeLimit(.minutes(5)))
struct OwnUserTests {
    private static let user: uid_t = 64_901
    private static let capabilities = "-all,+dac_read_search,+fowner"

    /// Runs `body` with a daemon of the user, which has the rights that the unit gives.
    private func withDaemon(
        _ machine: Machine, _ configuration: String, variables: [String: String] = [:],
        _ body: (ProcessRunner) async throws -> Void
    ) async throws {
        // The machine's directory is open to all; what the daemon owns is the user's.
        #expect(chmod(machine.directory.path, 0o755) == 0)
        for path in [machine.state, machine.directory.file("home"), machine.directory.file("run")] {
            #expect(mkdir(path, 0o700) == 0 && chown(path, Self.user, Self.user) == 0)
        }
        try machine.configure(configuration)
        let program = machine.directory.file("pushd")
        try FileManager.default.copyItem(atPath: builtProduct("pushd"), toPath: program)
        let daemon = try ProcessRunner(
            "setpriv",
            [
                "--reuid=\(Self.user)", "--regid=\(Self.user)", "--clear-groups",
                "--inh-caps=\(Self.capabilities)", "--ambient-caps=\(Self.capabilities)",
                "--bounding-set=\(Self.capabilities)", "--no-new-privs", program,
            ] + machine.daemonArguments(stores: [machine.layout], socket: machine.directory.file("run/s")),
            environment: machine.environment.merging(["HOME": machine.directory.file("home")]) { $1 }
                .merging(variables) { $1 })
        try await daemon.waitForOutput("listens on")
        try await body(daemon)
        await daemon.end()
    }

    private func pushctl(
        _ machine: Machine, _ words: String..., input: String? = nil
    ) async throws -> ProcessRunner.Result {
        try await ProcessRunner.run(
            try builtProduct("pushctl"), ["--socket", machine.directory.file("run/s")] + words,
            environment: machine.environment, input: input)
    }

    @Test("pushes a store that is closed to it, whose layer is linked and stays its owner's")
    func closedStore() async throws {
        try await Machine.with { machine in
            let layer = try CommandTests.image(machine)
            let digest = layer.digest
            let file = machine.layout + "/blobs/sha256/" + digest.hex
            #expect(chown(file, 64_902, 64_902) == 0 && chmod(file, 0o600) == 0)
            #expect(chown(machine.layout, 64_902, 64_902) == 0 && chmod(machine.layout, 0o700) == 0)
            try await TestRegistry.with { registry in
                registry.pause()
                try await withDaemon(machine, "retry: { base: '5ms', cap: '40ms' }") { _ in
                    let accepted = try await pushctl(machine, "push", "-d", "app:1", registry.address + "/team/app:1")
                    #expect(accepted.status == 0, "\(accepted.output)\(accepted.errors)")
                    var status = stat()
                    #expect(stat(file, &status) == 0)
                    #expect(status.st_nlink == 2, "linked into the spool")
                    #expect(status.st_uid == 64_902)
                    #expect(unlink(file) == 0)
                    try registry.resume()
                    let ended = try await pushctl(machine, "wait", "1")
                    #expect(ended.status == 0, "\(ended.output)\(ended.errors)")
                    #expect(registry.bodyBytes(for: digest) == layer.size)
                    let doctor = try await pushctl(machine, "doctor")
                    #expect(doctor.output.contains("oci:\(machine.layout) is readable"), "\(doctor.output)")
                }
            }
        }
    }

    @Test("gives none of its rights to the programs that it runs, and shows its memory to none")
    func programs() async throws {
        try await Machine.with { machine in
            try CommandTests.image(machine)
            let made = machine.directory.file("home/made")
            let gate: @Sendable (Exchange) throws -> Bool = { exchange in
                guard exchange.head.method == "POST", access(made, F_OK) != 0 else { return false }
                try exchange.send(.refusal(404, "NAME_UNKNOWN", "the repository does not exist in the registry"))
                return true
            }
            try await TestRegistry.with(profile: .ecr, beside: gate) { registry in
                let command = "['/bin/sh', '-c', 'grep ^Cap /proc/self/status >\(made)']"
                try await withDaemon(
                    machine, "registries: { '\(registry.address)': { createRepository: { command: \(command) } } }"
                ) { daemon in
                    let push = try await pushctl(machine, "push", "app:1", registry.address + "/team/app:1")
                    #expect(push.status == 0, "\(push.output)\(push.errors)")
                    let rights = try String(contentsOfFile: made, encoding: .utf8)
                    for kind in ["CapPrm", "CapEff", "CapAmb"] {
                        #expect(rights.contains("\(kind):\t0000000000000000\n"), "\(rights)")
                    }
                    var status = stat()
                    #expect(stat("/proc/\(daemon.pid)/mem", &status) == 0)
                    #expect(status.st_uid == 0, "the kernel gives what is not dumpable to root")
                }
            }
        }
    }

    @Test("keeps logins in its own file")
    func logins() async throws {
        try await Machine.with { machine in
            let file = try machine.directory.write("correct horse\n".utf8, to: "password")
            try await TestRegistry.with(authentication: .basic(user: "alice", password: "correct horse")) { registry in
                try await withDaemon(machine, "") { _ in
                    let login = try await pushctl(
                        machine, "login", registry.address, "-u", "alice", "--password-stdin", input: file)
                    #expect(login.status == 0, "\(login.output)\(login.errors)")
                    var status = stat()
                    #expect(stat(machine.directory.file("home/.docker/config.json"), &status) == 0)
                    #expect(status.st_uid == Self.user && status.st_mode & 0o7777 == 0o600)
                }
            }
        }
    }
}
