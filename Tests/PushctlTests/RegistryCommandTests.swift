import Control
import Testing

@testable import pushctl

@Suite("pushctl limit, doctor and registries")
struct RegistryCommandTests {
    @Test(
        "a limit is set, lifted, taken back, or shown",
        arguments: [
            ("limit", Limit.Input()), ("limit 20MB/s", Limit.Input(change: "set", bytesPerSecond: 20_000_000)),
            ("limit r.example 1.5MiB", Limit.Input(registry: "r.example", change: "set", bytesPerSecond: 1_572_864)),
            ("limit r.example none", Limit.Input(registry: "r.example", change: "lift")),
            ("limit default", Limit.Input(change: "default")),
            ("limit 2M", Limit.Input(change: "set", bytesPerSecond: 2_000_000)),
            ("limit 500k", Limit.Input(change: "set", bytesPerSecond: 500_000)),
            ("limit 2MiB/s", Limit.Input(change: "set", bytesPerSecond: 2_097_152)),
        ])
    func limit(line: String, expected: Limit.Input) async throws {
        var daemon = FakeDaemon()
        daemon.onLimit = { input in
            #expect(input == expected)
            return Limit.Output(limits: [
                LimitInfo(bytesPerSecond: 5_000_000, configured: nil, byHand: true),
                LimitInfo(registry: "registry.example", bytesPerSecond: nil, configured: nil, byHand: false),
            ])
        }
        let outcome = try await pushctl(line, daemon)
        #expect(
            outcome
                == Outcome(
                    status: 0,
                    output: """
                        all together      5.00 MB/s  set by hand; configured for now: no limit
                        registry.example  no limit

                        """, errors: ""))
    }

    @Test(
        "a rate that is none is refused before anything is asked",
        arguments: ["5 apples", "0", "12", "MB", "-5MB/s", "1e9MB"])
    func badRate(rate: String) async throws {
        let around = Surroundings(environment: [:], directory: "/", userID: 0)
        #expect(throws: UsageError.self) { try Invocation(["limit", rate], in: around) }
    }

    private func doctor(_ steps: [DoctorStep]) -> FakeDaemon {
        var daemon = FakeDaemon()
        daemon.onDoctor = { input in
            #expect(input == Doctor.Input(registry: "r.example"))
            var replies = steps.map { Doctor.Output(registry: "r.example", step: $0) }
            replies.append(Doctor.Output(registry: "r.example"))
            return AsyncThrowingStream { continuation in
                for reply in replies { continuation.yield(reply) }
                continuation.finish()
            }
        }
        daemon.onRegistries = { input in
            #expect(input == Registries.Input(registry: "r.example"))
            let fact = LearnedInfo(
                name: "maximum-body", value: "5", text: "bodies of more than 5 bytes are refused",
                at: Timestamp(milliseconds: 0))
            return Registries.Output(registries: [RegistryInfo(name: "r.example", running: 0, learned: [fact])])
        }
        return daemon
    }

    @Test("doctor prints each step with its time, and what was learned before")
    func good() async throws {
        let steps = [
            DoctorStep(kind: "resolve", outcome: "good", text: "the address is 192.0.2.7:443", time: 0.0123),
            DoctorStep(
                kind: "login", outcome: "doubtful", text: "there is none", advice: "pushctl login r.example", time: 61),
        ]
        let outcome = try await pushctl("doctor r.example", doctor(steps))
        #expect(outcome.status == 0)
        #expect(
            outcome.output.hasPrefix(
                """
                resolve  ok      12 ms     the address is 192.0.2.7:443
                login    ?       1 min 1 s there is none
                                           pushctl login r.example

                learned from earlier pushes:
                  bodies of more than 5 bytes are refused (
                """))
    }

    @Test("doctor of everything prints the installation and each registry under its name")
    func everything() async throws {
        var daemon = FakeDaemon()
        daemon.onDoctor = { input in
            #expect(input == Doctor.Input())
            func reply(_ registry: String, _ kind: String, _ outcome: String) -> Doctor.Output {
                Doctor.Output(registry: registry, step: DoctorStep(kind: kind, outcome: outcome, text: "t"))
            }
            return AsyncThrowingStream { continuation in
                for reply in [
                    reply("", "state", "good"), reply("", "clock", "doubtful"), reply("a.example", "resolve", "bad"),
                    reply("b.example", "push", "good"), Doctor.Output(registry: ""),
                ] {
                    continuation.yield(reply)
                }
                continuation.finish()
            }
        }
        let outcome = try await pushctl("doctor", daemon)
        #expect(outcome.status == 1)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: " ").prefix(2).joined(separator: " ")
        }
        #expect(
            lines == [
                "this installation", "state ok", "clock ?", "", "a.example", "resolve failed", "", "b.example",
                "push ok",
                "",
            ])
        let json = try await pushctl("doctor --json", daemon).output.split(separator: "\n")
        #expect(json.first == #"{"kind":"state","outcome":"good","text":"t"}"#)
        #expect(json.last == #"{"kind":"push","outcome":"good","registry":"b.example","text":"t"}"#)
    }

    @Test("doctor ends with status 1 where a step failed, also with --json")
    func bad() async throws {
        let daemon = doctor([DoctorStep(kind: "push", outcome: "bad", text: "denied", advice: "ask", time: nil)])
        #expect(try await pushctl("doctor r.example", daemon).status == 1)
        let json = try await pushctl("doctor r.example --json", daemon)
        #expect(json.status == 1)
        #expect(json.output == #"{"advice":"ask","kind":"push","outcome":"bad","text":"denied"}"# + "\n")
    }

    @Test("registries are shown with their state, login, limits and what they have shown to do")
    func registries() async throws {
        var daemon = FakeDaemon()
        daemon.onRegistries = { input in
            #expect(input == Registries.Input(registry: "a.example", forget: true))
            return Registries.Output(registries: [
                RegistryInfo(
                    name: "a.example", reason: "paused by command", running: 1, held: true, requestsAllowed: 100,
                    requestsLeft: 76, requestsPeriod: 21_600, bytesPerSecond: 2_000_000, login: "me, from /f",
                    learned: [LearnedInfo(name: "n", value: "v", text: "it can", at: Timestamp(milliseconds: 0))]),
                RegistryInfo(name: "b.example", running: 0),
            ])
        }
        let outcome = try await pushctl("registries a.example --forget", daemon)
        #expect(outcome.status == 0)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "a.example")
        #expect(lines[1] == "  state    paused by command; 1 job runs")
        #expect(lines[2] == "  login    me, from /f")
        #expect(lines[3] == "  limit    2.00 MB/s")
        #expect(lines[4] == "  allows   76 of 100 requests left in 6 h")
        #expect(lines[5].hasPrefix("  learned  it can ("))
        #expect(
            lines[6...].elementsEqual([
                "", "b.example", "  state    open; 0 jobs run", "  login    none: it is asked anonymously", "",
            ]))
    }

    @Test("forgetting wants a registry") func forgetAll() throws {
        let around = Surroundings(environment: [:], directory: "/", userID: 0)
        #expect(throws: UsageError.self) { try Invocation(["registries", "--forget"], in: around) }
    }

    @Test("status tells of registries that hold jobs up, or soon may")
    func status() async throws {
        var daemon = FakeDaemon()
        daemon.onList = { _ in List.Output(jobs: [], counts: [:]) }
        daemon.onStatus = { _ in
            Status.Output(
                version: "1", pid: 1, startedAt: Timestamp(milliseconds: 0), counts: [:],
                registries: [
                    RegistryInfo(name: "busy.example", running: 3),
                    RegistryInfo(
                        name: "docker.io", running: 0, requestsAllowed: 100, requestsLeft: 9, requestsPeriod: 21_600),
                    RegistryInfo(name: "held.example", running: 0, held: true),
                ], stateDirectory: "/s", stores: [])
        }
        let outcome = try await pushctl("status", daemon)
        #expect(
            outcome.output.hasPrefix(
                "docker.io: 9 of 100 requests left in 6 h\n"
                    + "held.example is paused by command; go on with: pushctl resume held.example\nno jobs yet"))
        #expect(!outcome.output.contains("busy.example"))
    }

    @Test("the caller's login files are those that docker and podman use, in their order")
    func files() {
        #expect(loginFiles(["HOME": "/h"]) == ["/h/.config/containers/auth.json", "/h/.docker/config.json"])
        #expect(
            loginFiles(["HOME": "/h", "XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/c", "DOCKER_CONFIG": "/d"])
                == ["/r/containers/auth.json", "/c/containers/auth.json", "/d/config.json"])
        #expect(loginFiles(["HOME": "/h", "REGISTRY_AUTH_FILE": "/only"]) == ["/only"])
        #expect(loginFiles([:]).isEmpty)
    }

    @Test("a push hands over a login only where it is told to")
    func pushLogin() async throws {
        let questions = Questions(canAsk: false, ask: { _, _ in nil }, readAll: { _ in Array("p w\n".utf8) })
        var daemon = FakeDaemon()
        daemon.onPush = { input in
            #expect(input.login == JobLogin(user: "me", password: "p w"))
            #expect(input.loginFiles == nil)
            return Push.Output(jobs: [], plan: nil)
        }
        _ = try await pushctl("push -d -u me --password-stdin a:1 r.example/a:1", daemon, questions: questions)
        daemon.onPush = { input in
            #expect(input.login == nil && input.loginFiles == nil)
            return Push.Output(jobs: [], plan: nil)
        }
        _ = try await pushctl("push -d a:1 r.example/a:1", daemon)
        let around = Surroundings(environment: [:], directory: "/", userID: 0)
        for line in ["push -u me --my-login a b", "push --password-stdin a b"] {
            #expect(throws: UsageError.self) {
                try Invocation(line.split(separator: " ").map(String.init), in: around)
            }
        }
    }
}

@Suite("pushctl pause")
struct PauseCommandTests {
    private func daemon() -> FakeDaemon {
        var daemon = FakeDaemon()
        daemon.onPause = { input in
            Pause.Output(registries: input.registry.map { [RegistryInfo(name: $0, running: 0, held: true)] } ?? [])
        }
        daemon.onRegistries = { _ in
            Registries.Output(registries: [RegistryInfo(name: "registry.example:5000", running: 0)])
        }
        return daemon
    }

    @Test(
        "of a registry that no job has been for does it, and says so, with the name that was likely meant",
        arguments: [
            ("registry.example:5000", nil),
            ("other.example", "no job has been for other.example yet; to take it back: pushctl resume other.example"),
            (
                "registry.exmaple:5000",
                "no job has been for registry.exmaple:5000 yet, but for registry.example:5000; if that was meant: "
                    + "pushctl resume registry.exmaple:5000 && pushctl pause registry.example:5000"
            ),
        ] as [(String, String?)])
    func stranger(name: String, note: String?) async throws {
        let outcome = try await pushctl("pause \(name)", daemon())
        #expect(outcome.status == 0)
        #expect(outcome.lines.first?.hasPrefix("\(name)  paused by command") == true)
        #expect(outcome.lines.dropFirst().map(String.init) == (note.map { [$0] } ?? []))
    }

    @Test("is not held up by a daemon that can't say which registries it knows")
    func hangingNames() async throws {
        var daemon = daemon()
        daemon.onRegistries = { input in
            #expect(input.brief == true, "no program is run for it")
            try await Task.sleep(for: .seconds(3600))
            throw CancellationError()
        }
        let outcome = try await pushctl("pause other.example", daemon)
        #expect(outcome.status == 0 && outcome.lines.count == 1, "\(outcome)")
    }

    @Test("of all registries asks for no names")
    func all() async throws {
        var daemon = daemon()
        daemon.onRegistries = { _ in throw ControlError(.failed, "asked") }
        #expect(try await pushctl("pause", daemon).status == 0)
        #expect(try await pushctl("--json pause other.example", daemon).status == 0)
    }
}
