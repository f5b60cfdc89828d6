import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Two other users at the control socket of root's daemon, with real uids: only root can become one.
@Suite(
    "A member of the control group",
    .enabled(if: geteuid() == 0 && installedProgram("setpriv") != nil, "root and setpriv are needed"),
    .timeLimit(.minutes(5)))
struct MemberTests {
    private static let (member, nobody) = (12_345, 65_534)

    /// Runs pushctl as a user without rights, in the group `users` or in no group besides its own.
    private func run(
        _ machine: Machine, as uid: Int, inGroup: Bool = true, _ words: String..., input: String? = nil
    ) async throws -> ProcessRunner.Result {
        let program = machine.directory.file("pushctl")
        if !FileManager.default.fileExists(atPath: program) {
            try FileManager.default.copyItem(atPath: builtProduct("pushctl"), toPath: program)
        }
        let group = try #require(getgrnam("users")).pointee.gr_gid
        let environment = machine.environment.merging(["HOME": machine.directory.file("home")]) { $1 }
        return try await ProcessRunner.run(
            "setpriv",
            ["--reuid=\(uid)", "--regid=\(uid)", inGroup ? "--groups=\(group)" : "--clear-groups", program] + words,
            environment: environment, input: input)
    }

    /// A machine whose image everybody may read, and a registry that knows one login, which is the member's.
    private func with(_ body: (Machine, TestRegistry, _ password: String) async throws -> Void) async throws {
        let authentication = TestAuthentication.basic(user: "mel", password: "mels-secret")
        try await TestRegistry.with(authentication: authentication) { registry in
            try await Machine.with { machine in
                #expect(chmod(machine.directory.path, 0o755) == 0)
                let builder = try LayoutBuilder(directory: machine.layout)
                try builder.addImage(layers: [try builder.addLayer(size: 5000)], name: "app:1")
                try builder.writeIndexJSON()
                _ = try machine.directory.makeDirectory("home/.docker")
                let login = Data("mel:mels-secret".utf8).base64EncodedString()
                let other = Data("mel:other-secret".utf8).base64EncodedString()
                try machine.directory.write(
                    Array(
                        #"{"auths":{"\#(registry.address)":{"auth":"\#(login)"},"other.example":{"auth":"\#(other)"}}}"#
                            .utf8), to: "home/.docker/config.json")
                let password = try machine.directory.write(Array("mels-secret\n".utf8), to: "password")
                try await body(machine, registry, password)
            }
        }
    }

    @Test("pushes with its own login, sees its own jobs whole and little of others', and changes no other's")
    func member() async throws {
        try await with { machine, registry, _ in
            let configuration =
                "retry: { base: '5ms', cap: '40ms' }, control: { group: 'users', allow: "
                + "[{ group: 'users', to: ['\(registry.address)/ci/**'] }] }"
            try await machine.withDaemon(configuration) { daemon async throws in
                try await machine.pushctl("pause", registry.address)
                let roots = try await machine.enqueue("app:1", "\(registry.address)/secret/app:1")
                let refused = try await run(
                    machine, as: Self.member, "push", "app:1", "\(registry.address)/team/app:1")
                #expect(refused.status == 1)
                #expect(refused.errors.contains("you may not use pushd's own login"), "\(refused.errors)")
                #expect(refused.errors.contains("\(registry.address)/team/**"), "\(refused.errors)")
                let allowed = try await run(
                    machine, as: Self.member, "push", "-d", "app:1", "\(registry.address)/ci/app:1")
                #expect(allowed.status == 0, "\(allowed.errors)")
                try await machine.pushctl("resume", registry.address)
                let own = try await run(
                    machine, as: Self.member, "push", "-q", "--my-login", "app:1", "\(registry.address)/team/app:1")
                #expect(own.status == 0, "\(own.errors)")
                #expect(own.output.hasPrefix("\(registry.address)/team/app:1@sha256:"))

                let shown = try await run(machine, as: Self.member, "show", "\(roots)")
                #expect(shown.status == 0 && shown.output.contains("another user"), "\(shown.output)")
                #expect(!shown.output.contains("secret"), "\(shown.output)")
                let list = try await run(machine, as: Self.member, "--json", "status")
                #expect(list.output.contains("/team/app:1") && !list.output.contains("secret/app"))
                let mine = try await run(machine, as: Self.member, "--json", "status", "--user", "\(Self.member)")
                #expect(try JSON(parsing: mine.output)["jobs"]?.list?.count == 2)
                let whole = try await machine.job(roots + 2)
                #expect(whole["askedBy"]?["uid"]?.integer == Self.member)
                let report = try await machine.pushctl("show", "\(roots + 2)")
                #expect(report.output.contains("user \(Self.member), process "), "\(report.output)")

                for words in [["cancel", "\(roots)"], ["retry", "\(roots)"]] {
                    let result = try await run(machine, as: Self.member, words[0], words[1])
                    #expect(result.status == 1 && result.errors.contains("another user's"), "\(result.errors)")
                }
                for word in ["pause", "resume"] {
                    let result = try await run(machine, as: Self.member, word, registry.address)
                    #expect(result.status == 1 && result.errors.contains("control.operators"), "\(result.errors)")
                }
                let log = daemon.errors
                #expect(log.contains("push by user \(Self.member), process "))
                #expect(log.contains("pause by root (0), process "))
                #expect(!log.contains("mels-secret"))
            }
        }
    }

    @Test("becomes an operator by a reload, who need not be in the group, and is none after the next")
    func operators() async throws {
        try await with { machine, registry, password in
            try await machine.withDaemon("control: { group: 'users' }") { daemon async throws in
                let stranger = try await run(machine, as: Self.nobody, inGroup: false, "ping")
                #expect(stranger.status == 3)
                func reload(_ configuration: String) async throws {
                    let before = daemon.errors.ranges(of: "was read again").count
                    try machine.configure(configuration)
                    daemon.send(SIGHUP)
                    try await daemon.waitForOutput("was read again", times: before + 1)
                }
                try await reload("control: { group: 'users', operators: ['nobody'] }")
                let paused = try await run(machine, as: Self.nobody, inGroup: false, "pause", registry.address)
                #expect(paused.status == 0, "\(paused.errors)")
                let login = try await run(
                    machine, as: Self.nobody, inGroup: false, "login", "-u", "mel", "--password-stdin",
                    registry.address, input: password)
                #expect(login.status == 0, "\(login.errors)")
                // The socket is open for all then, and the daemon turns strangers away.
                let other = try await run(machine, as: Self.member, inGroup: false, "ping")
                #expect(other.status == 3 && other.errors.contains("may not control"), "\(other.errors)")
                try await reload("control: { group: 'users' }")
                let again = try await run(machine, as: Self.nobody, inGroup: false, "ping")
                #expect(again.status == 3)
                let member = try await run(machine, as: Self.member, "ping")
                #expect(member.status == 0, "\(member.errors)")
            }
        }
    }
}
