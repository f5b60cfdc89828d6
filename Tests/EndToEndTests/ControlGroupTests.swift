import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Another user at the control socket, as the kernel knows him: only root can become one.
@Suite(
    "The control group",
    .enabled(if: geteuid() == 0 && installedProgram("setpriv") != nil, "root and setpriv are needed"),
    .timeLimit(.minutes(5)))
struct ControlGroupTests {
    /// Runs pushctl as a user without rights, in these groups besides its own.
    private func ping(_ machine: Machine, groups: String) async throws -> ProcessRunner.Result {
        let program = machine.directory.file("pushctl")
        if !FileManager.default.fileExists(atPath: program) {
            try FileManager.default.copyItem(atPath: builtProduct("pushctl"), toPath: program)
        }
        return try await ProcessRunner.run(
            "setpriv",
            ["--reuid=65534", "--regid=65534"] + (groups.isEmpty ? ["--clear-groups"] : ["--groups=" + groups])
                + [program, "ping"], environment: machine.environment)
    }

    @Test("admits its members by a supplementary group, and no other user")
    func members() async throws {
        try await Machine.with { machine in
            #expect(chmod(machine.directory.path, 0o755) == 0)
            // A group that every system has.
            try await machine.withDaemon("control: { group: 'users' }") { _ async throws in
                let id = try #require(getgrnam("users")).pointee.gr_gid
                let member = try await ping(machine, groups: String(id))
                #expect(member.status == 0, "\(member.errors)")
                #expect(member.output.contains("answers at"))
                let stranger = try await ping(machine, groups: "")
                #expect(stranger.status == 3)
                #expect(stranger.errors.hasPrefix("pushctl: this user may not open"), "\(stranger.errors)")
            }
        }
    }
}
