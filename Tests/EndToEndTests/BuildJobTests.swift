import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

/// The examples of `docs/ci.md`, taken from there and run as build servers run them: without a terminal, without `HOME`, by
/// the shell of each, as root and as another user.
@Suite(
    "Examples of build jobs", .serialized,
    .enabled("docker-registry of Debian is needed") { DebianRegistry.isInstalled })
struct BuildJobTests {
    enum Job: String, CaseIterable { case gitlab = "GitLab", github = "GitHub", jenkins = "Jenkins" }

    enum Person: CaseIterable {
        /// As in a container: everything below `/run` and `/var/lib` is the job's own.
        case root
        /// A user that the system knows nothing of.
        case stranger

        static let possible: [Person] = getuid() == 0 ? allCases : [.stranger]
    }

    @Test("push, tell what was pushed, and leave no daemon behind", arguments: Job.allCases, Person.possible)
    func job(_ job: Job, as person: Person) async throws {
        try await Workspace.with(person) { workspace in
            try await DebianRegistry.with(login: true) { registry in
                let script = try Self.script(of: job)
                let tag = Workspace.tag
                let repository = registry.address + "/team/app"
                let variables = [
                    "CI_REGISTRY_USER": DebianRegistry.user, "CI_REGISTRY_PASSWORD": DebianRegistry.password,
                    "CI_REGISTRY_IMAGE": repository, "CI_COMMIT_SHORT_SHA": tag, "REGISTRY": registry.address,
                    "TOKEN": DebianRegistry.password, "GITHUB_ACTOR": DebianRegistry.user, "GITHUB_SHA": tag,
                    "GITHUB_REPOSITORY": "team/app", "GITHUB_OUTPUT": workspace.directory.file("output"),
                    "REGISTRY_LOGIN_USR": DebianRegistry.user, "REGISTRY_LOGIN_PSW": DebianRegistry.password,
                    "BUILD_NUMBER": tag,
                ]
                let shell =
                    switch job {
                    case .gitlab: ["bash", "-eo", "pipefail", "-c", script]
                    case .github: ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
                    case .jenkins: ["sh", "-xe", "-c", script]
                    }
                let result = try await workspace.run(shell, variables)
                #expect(result.status == 0, "\(result.output)\(result.errors)\(workspace.log)")
                let pushed = "\(repository):\(tag)@\(workspace.digest)\n"
                switch job {
                case .gitlab, .jenkins: #expect(try workspace.read("pushed.txt") == pushed)
                case .github: #expect(try workspace.read("output") == "pushed=" + pushed)
                }
                let all = result.output + result.errors + (try workspace.read("pushd.log"))
                #expect(!all.contains(DebianRegistry.password))
                #expect(all.contains(": stopped; "), "the daemon ended before the job did: \(all)")
            }
        }
    }

    @Test("fail with the push, and tell why", arguments: Job.allCases)
    func failingJob(_ job: Job) async throws {
        try await Workspace.with(Person.possible[0]) { workspace in
            try await DebianRegistry.with(login: true) { registry in
                let variables = [
                    "CI_REGISTRY_USER": DebianRegistry.user, "CI_REGISTRY_PASSWORD": "wrong",
                    "CI_REGISTRY_IMAGE": registry.address + "/app", "CI_COMMIT_SHORT_SHA": Workspace.tag,
                    "REGISTRY": registry.address, "TOKEN": "wrong", "GITHUB_ACTOR": "x", "GITHUB_SHA": Workspace.tag,
                    "GITHUB_REPOSITORY": "app", "GITHUB_OUTPUT": workspace.directory.file("output"),
                    "REGISTRY_LOGIN_USR": "x", "REGISTRY_LOGIN_PSW": "wrong", "BUILD_NUMBER": Workspace.tag,
                ]
                let result = try await workspace.run(
                    ["bash", "-eo", "pipefail", "-c", try Self.script(of: job)], variables)
                #expect(result.status == 1, "\(result.output)\(result.errors)")
                #expect(result.errors.contains("pushctl: job 1 to \(registry.address)/"), "\(result.errors)")
                #expect((try? workspace.read("pushed.txt")) == nil && (try? workspace.read("output")) == nil)
            }
        }
    }

    @Test("with the daemon of the machine hand the push over, and wait later")
    func sharedDaemon() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.directory.file("build"))
            let image = try builder.addImage(layers: [builder.addLayer(size: 50_000)], name: "7", label: "7")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let programs = try Self.programs(in: machine.directory)
                    let result = try await ProcessRunner.run(
                        "sh", ["-eu", "-c", try Self.block("With the daemon of the machine")],
                        environment: machine.environment.merging([
                            "PATH": programs + ":/usr/bin:/bin", "TAG": "7", "REGISTRY": registry.address, "CI": "true",
                        ]) { $1 }, directory: machine.directory.path)
                    #expect(result.status == 0, "\(result.errors)")
                    #expect(registry.tags("team/app") == ["7": image.digest])
                }
            }
        }
    }

    // MARK: What the document says

    /// The lines that the job's shell runs.
    static func script(of job: Job) throws -> String {
        let lines = try block(job.rawValue).split(separator: "\n", omittingEmptySubsequences: false)
        switch job {
        case .gitlab:
            // The items of a YAML list; a line that is indented further continues the one before.
            var script = ""
            for line in lines.drop(while: { !$0.hasSuffix("script:") }).dropFirst().prefix(while: {
                $0.hasPrefix("    ")
            }) {
                script += line.hasPrefix("    - ") ? "\n" + line.dropFirst(6) : " " + line.drop { $0 == " " }
            }
            return script
        case .github:
            return lines.drop { !$0.hasSuffix("run: |") }.dropFirst().joined(separator: "\n")
        case .jenkins:
            return lines.drop { !$0.hasSuffix("'''") }.dropFirst().prefix { !$0.hasSuffix("'''") }
                .joined(separator: "\n")
        }
    }

    /// What stands between the first fences below a heading.
    static func block(_ heading: String) throws -> String {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try String(contentsOf: URL(filePath: root + "/docs/ci.md"), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .drop { $0 != "## " + heading }.drop { !$0.hasPrefix("```") }.dropFirst().prefix { !$0.hasPrefix("```") }
        guard !lines.isEmpty else { throw TestSupportError("docs/ci.md has no example below \(heading)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A directory of the two programs only, as a `PATH` has it.
    static func programs(in directory: TemporaryDirectory) throws -> String {
        let path = try directory.makeDirectory("programs")
        for name in ["pushd", "pushctl"] {
            try FileManager.default.copyItem(atPath: try builtProduct(name), toPath: path + "/" + name)
        }
        return path
    }

    /// The working directory of a job, with an image in the layout `build`.
    private struct Workspace {
        static let tag = "4f53cda1"

        let directory: TemporaryDirectory
        let digest: Digest
        let person: Person
        /// A number that no account has.
        let user: UInt32

        static func with(_ person: Person, _ body: (Workspace) async throws -> Void) async throws {
            try await TemporaryDirectory.with { directory in
                let builder = try LayoutBuilder(directory: directory.file("build"))
                let image = try builder.addImage(layers: [builder.addLayer(size: 50_000)], name: tag, label: tag)
                try builder.writeIndexJSON()
                _ = try BuildJobTests.programs(in: directory)
                let user = getuid() == 0 ? 1_900_000_000 + UInt32.random(in: 0...100_000_000) : getuid()
                let workspace = Workspace(directory: directory, digest: image.digest, person: person, user: user)
                if person == .stranger, getuid() == 0 {
                    let owned = try await ProcessRunner.run("chown", ["-R", "\(user):\(user)", directory.path])
                    guard owned.status == 0 else { throw TestSupportError("chown: \(owned.errors)") }
                }
                defer { try? FileManager.default.removeItem(atPath: "/tmp/pushd-\(user)") }
                try await body(workspace)
            }
        }

        /// Runs a command as the job of a build server.
        func run(_ command: [String], _ variables: [String: String]) async throws -> ProcessRunner.Result {
            var environment = variables
            environment["PATH"] = directory.file("programs") + ":/usr/sbin:/usr/bin:/sbin:/bin"
            environment["CI"] = "true"
            var words: [String]
            switch (person, getuid() == 0) {
            case (.root, _):
                let own = "mount -t tmpfs none /run && mount -t tmpfs none /var/lib && exec \"$@\""
                words = ["unshare", "--mount", "sh", "-c", own, "sh"]
            case (.stranger, true):
                words = ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups"]
                environment["HOME"] = directory.path
            case (.stranger, false):
                words = []
                // A daemon of the person who runs the tests is left alone.
                environment["XDG_RUNTIME_DIR"] = directory.path
                environment["HOME"] = directory.path
            }
            words += command
            return try await ProcessRunner.run(
                words[0], Array(words.dropFirst()), environment: environment, directory: directory.path)
        }

        func read(_ name: String) throws -> String {
            try String(contentsOf: URL(filePath: directory.file(name)), encoding: .utf8)
        }

        var log: String { (try? read("pushd.log")) ?? "" }
    }
}
