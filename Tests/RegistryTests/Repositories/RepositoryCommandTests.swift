import TestSupport
import Testing

@testable import Registry

@Suite("The command that makes a repository")
struct RepositoryCommandTests {
    private static func filled(_ words: String..., repository: String = "team/back/app") throws -> [String] {
        try RepositoryCommand(["make"] + words).arguments(registry: "reg.example:5000", repository: repository)
    }

    @Test("has what is in braces filled in, each word one argument, once and from left to right")
    func filling() throws {
        #expect(
            try Self.filled("--name", "{repository}", "{registry}/{namespace}:{name}") == [
                "--name", "team/back/app", "reg.example:5000/team/back:app",
            ])
        #expect(try Self.filled("{namespace}", "{name}", repository: "app") == ["", "app"])
        #expect(try Self.filled("{name}{name}", "a {name} b", repository: "x") == ["xx", "a x b"])
        // Braces of other kinds are the program's: JSON, an empty pair, one that is never closed.
        #expect(
            try Self.filled(#"{"n": "{name}"}"#, "{}", "{", "}{name", "{name}}") == [
                #"{"n": "app"}"#, "{}", "{", "}{name", "app}",
            ])
    }

    @Test(
        "is refused where it could never run",
        arguments: [
            ([], "it has no program"), ([""], "it has no program"),
            (["bin/aws"], "the program is a name or an absolute path, not \"bin/aws\""),
            (["{name}"], "the program itself can't be filled in"),
            (["aws", "{repo}"], "{repo} is not known: {repository}, {registry}, {namespace}, {name} are"),
            (["aws", "a\0b"], "it is too long"), (["aws", String(repeating: "x", count: 5000)], "it is too long"),
        ])
    func refused(words: [String], reason: String) {
        #expect(throws: RepositoryCommandError.self) { try RepositoryCommand(words) }
        do { _ = try RepositoryCommand(words) } catch { #expect(error.reason == reason) }
    }

    /// Runs a script as the command; returns why it failed.
    private static func trouble(
        _ script: String, limit: Duration = .seconds(30)
    ) async throws -> (text: String, mayPass: Bool)? {
        try await TemporaryDirectory.with { directory in
            try await directory.makeProgram("#!/bin/sh\n" + script, as: "bin/make-it")
            let environment = ["PATH": directory.file("bin") + ":/usr/bin:/bin", "HERE": directory.path]
            let command = try RepositoryCommand(["make-it", "{repository}", "a b"], limit: limit)
            do {
                try await command.make("team/app", at: "reg.example", environment: environment)
                return nil
            } catch let trouble as RepositoryTrouble {
                switch trouble {
                case .refused(let text, _): return (text, false)
                case .failed(let text): return (text, true)
                }
            }
        }
    }

    @Test("gets its arguments as they are, the daemon's environment, and no shell")
    func run() async throws {
        let script = #"""
            [ "$#:$1:$2" = "2:team/app:a b" ] && [ -d "$HERE" ] && [ -z "$(cat)" ]
            """#
        #expect(try await Self.trouble(script) == nil)
    }

    @Test("that fails shows its exit status and the end of what it wrote, bounded and on one line")
    func failure() async throws {
        let denied = try #require(
            try await Self.trouble("echo out; for n in 1 2 3 4 5 6; do echo \"line $n\" >&2; done; exit 254"))
        #expect(
            denied.text
                == "the command make-it ended with exit status 254, and it says: line 2 line 3 line 4 line 5 line 6")
        #expect(!denied.mayPass)
        let quiet = try #require(try await Self.trouble("echo only here; exit 3"))
        #expect(quiet.text == "the command make-it ended with exit status 3, and it says: only here")
        let loud = try #require(
            try await Self.trouble(
                "i=0; while [ $i -lt 9000 ]; do echo 'much \u{1B}[31mmore' >&2; i=$((i+1)); done; echo last >&2; exit 1"
            ))
        #expect(loud.text.hasSuffix("last"), "\(loud.text)")
        #expect(loud.text.utf8.count < 700 && !loud.text.contains("\u{1B}"))
    }

    @Test("that succeeds may write as much as it likes")
    func talkative() async throws {
        #expect(
            try await Self.trouble("i=0; while [ $i -lt 9000 ]; do echo 'a long line of words'; i=$((i+1)); done")
                == nil)
    }

    @Test("that is killed or takes too long may go better later; one that is not there may not")
    func passing() async throws {
        let killed = try #require(try await Self.trouble("kill -9 $$"))
        #expect(killed.mayPass && killed.text == "a signal ended the command make-it")
        let slow = try #require(try await Self.trouble("sleep 100", limit: .milliseconds(300)))
        #expect(slow.mayPass && slow.text.contains("it took longer than"), "\(slow.text)")
        let command = try RepositoryCommand(["no-such-program-anywhere"])
        await #expect(throws: RepositoryTrouble.self) {
            try await command.make("a/b", at: "reg.example", environment: ["PATH": "/usr/bin"])
        }
    }
}
