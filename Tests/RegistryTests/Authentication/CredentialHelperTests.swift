import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Registry

@Suite("Credential helpers", .timeLimit(.minutes(1)))
struct CredentialHelperTests {
    /// A directory with the program `docker-credential-test`, and the environment in which it is found.
    private static func with(
        _ script: String, _ body: (TemporaryDirectory, [String: String]) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            try await directory.makeProgram("#!/bin/sh\n" + script, as: "bin/docker-credential-test")
            try await body(directory, ["PATH": directory.file("bin") + ":/usr/bin:/bin", "HERE": directory.path])
        }
    }

    private static func ask(_ script: String, limit: Duration = .seconds(30)) async throws -> Credential? {
        var found: Credential?
        try await with(script) { _, environment in
            found = try await CredentialHelper(name: "test", environment: environment, limit: limit)
                .login(for: "reg.example:5000")
        }
        return found
    }

    private static func reason(_ script: String, limit: Duration = .seconds(30)) async throws -> String? {
        do {
            _ = try await ask(script, limit: limit)
            return nil
        } catch CredentialHelper.Failure.failed(let reason) {
            return reason
        }
    }

    @Test("are asked by the protocol: one word, the server on standard input, an answer in JSON")
    func get() async throws {
        let script = #"""
            [ "$1 $#" = "get 1" ] && [ "$(cat)" = "reg.example:5000" ] || exit 9
            printf '{"ServerURL":"reg.example:5000","Username":"u","Secret":"p:w"}'
            """#
        #expect(try await Self.ask(script) == .basic(user: "u", password: Secret("p:w")))
        let token = #"printf '{"Username":"<token>","Secret":"t"}'"#
        #expect(try await Self.ask(token) == .identityToken(Secret("t")))
    }

    @Test(
        "that have nothing say so",
        arguments: [
            "echo credentials not found in native keychain; exit 1", #"printf '{"Username":"","Secret":""}'"#,
        ])
    func nothing(script: String) async throws {
        #expect(try await Self.ask(script) == nil)
    }

    @Test(
        "that fail are told of, without a secret",
        arguments: [
            ("echo no network; exit 3", "its exit status is 3, and it says: no network"),
            (#"printf '{"Secret":"sesame"}'; exit 1"#, "its exit status is 1"),
            ("echo nothing", "its answer has not the form of a login"),
            ("", "its answer has not the form of a login"),
            (#"printf '{"Username":"u","Secret":""}'"#, "its answer has no secret"),
            (#"printf '{"Username":"a:b","Secret":"sesame"}'"#, "its answer's user name is empty or holds a colon"),
            ("kill -9 $$", "a signal ended it"),
            ("head -c 100000 /dev/zero", "it wrote more than 65536 bytes"),
            ("head -c 100000 /dev/zero >&2", "it wrote more than 65536 bytes"),
        ])
    func failures(script: String, reason: String) async throws {
        #expect(try await Self.reason(script) == reason)
    }

    @Test("that take too long are killed with all that they started")
    func time() async throws {
        try await Self.with("sleep 1000 & echo $! > $HERE/child; wait") { directory, environment in
            let helper = CredentialHelper(name: "test", environment: environment, limit: .seconds(2))
            await #expect(throws: CredentialHelper.Failure.self) { try await helper.login(for: "a") }
            try await Self.expectGone(directory)
        }
    }

    @Test("are killed when nobody waits any more")
    func cancellation() async throws {
        let script = "sleep 1000 & echo $! > $HERE/child.new; mv $HERE/child.new $HERE/child; wait"
        try await Self.with(script) { directory, environment in
            let helper = CredentialHelper(name: "test", environment: environment)
            let asking = Task { try await helper.login(for: "a") }
            while access(directory.file("child"), F_OK) != 0 { await Task.yield() }
            asking.cancel()
            await #expect(throws: CancellationError.self) { try await asking.value }
            try await Self.expectGone(directory)
        }
    }

    /// Its orphan was adopted and may stay on the kernel's list for a moment.
    private static func expectGone(_ directory: TemporaryDirectory) async throws {
        let number = try String(contentsOfFile: directory.file("child"), encoding: .utf8).filter(\.isNumber)
        let child = try #require(pid_t(number))
        func isAlive() -> Bool {
            guard let status = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8) else { return false }
            return !status.contains(") Z ")
        }
        while isAlive() { await Task.yield() }
    }

    @Test("are not given what the service manager tells the daemon alone")
    func environment() async throws {
        try await Self.with(#"printf '{"Username":"u","Secret":"%s"}' "$NOTIFY_SOCKET$LISTEN_FDS-$KEPT""#) {
            _, environment in
            let all = environment.merging(["NOTIFY_SOCKET": "/n", "LISTEN_FDS": "1", "KEPT": "yes"]) { $1 }
            let login = try await CredentialHelper(name: "test", environment: all).login(for: "a")
            #expect(login == .basic(user: "u", password: Secret("-yes")))
        }
    }

    @Test("are asked once by all who want the same login, and again when the answer is old")
    func once() async throws {
        let script = #"echo x >> $HERE/asked; printf '{"Username":"u","Secret":"p"}'"#
        try await Self.with(script) { directory, environment in
            let clock = TestClock()
            let desk = CredentialHelperDesk(environment: environment, now: { clock.now })
            try await withThrowingTaskGroup(of: Credential?.self) { group in
                for _ in 0..<20 { group.addTask { try await desk.login(from: "test", for: "a") } }
                for try await login in group { #expect(login?.user == "u") }
            }
            func asked() throws -> Int {
                try String(contentsOfFile: directory.file("asked"), encoding: .utf8).count / 2
            }
            #expect(try asked() == 1)
            clock.advance(by: .seconds(121))
            _ = try await desk.login(from: "test", for: "a")
            #expect(try asked() == 2)
            _ = try await desk.login(from: "test", for: "b")
            #expect(try asked() == 3)
        }
    }

    @Test("of a login file are asked under the key that it was stored by, and what has none is looked for further on")
    func inFiles() async throws {
        let script = #"""
            case "$(cat)" in
            reg.example) printf '{"Username":"u","Secret":"p"}' ;;
            https://index.docker.io/v1/) printf '{"Username":"hub","Secret":"p"}' ;;
            *) echo credentials not found in native keychain; exit 1 ;;
            esac
            """#
        try await Self.with(script) { directory, environment in
            let first = try directory.write(
                #"{"credsStore":"test","auths":{"https://index.docker.io/v1/":{}}}"#.utf8, to: "a")
            let second = try directory.write(
                #"{"auths":{"other.example":{"auth":"dXNlcjpwOnc="}},"credHelpers":{"broken.example":"none"}}"#.utf8,
                to: "b")
            let files = CredentialFiles(paths: [first, second], environment: environment, home: nil)
            func user(_ registry: String) async throws -> String? {
                try await files.credential(registry: registry, repository: "a")?.user
            }
            #expect(try await user("reg.example") == "u")
            #expect(try await user("docker.io") == "hub")
            #expect(try await user("other.example") == "user")
            #expect(try await user("none.example") == nil)
            let found = try await files.credential(registry: "reg.example", repository: "")
            #expect(found?.origin == "\(first) (docker-credential-test)")
            let error = try await authenticationError { try await user("broken.example") }
            guard case .helperMissing(name: "none", path: second)? = error?.cause else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
