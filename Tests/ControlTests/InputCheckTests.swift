import Testing

@testable import Control

@Suite("Values of parameters", .timeLimit(.minutes(2)))
struct InputCheckTests {
    @Test(
        "that no call can mean are refused before the service sees them, with the parameter's name",
        arguments: refusedChecks)
    func refused(check: Check) {
        let error = #expect(throws: ControlError.self) { try check.run() }
        #expect(error?.kind == .parameterInvalid(check.parameter))
        #expect(error?.code == "parameter-invalid")
        #expect(error?.message.isEmpty == false && error?.advice?.isEmpty == false)
    }

    @Test("that make sense pass", arguments: passingChecks)
    func passing(check: Check) throws {
        try check.run()
    }

    @Test("are checked on the way to the service")
    func wired() async throws {
        let service = FakeService(onPush: { _ in .named("never") })
        try await withServer(service) { fixture in
            let error = await #expect(throws: ControlError.self) {
                try await fixture.client.call(Push.self, Push.Input(image: "a", timeout: 1e300))
            }
            #expect(error?.kind == .parameterInvalid("timeout"))
        }
    }

    @Test("are refused in words that reach the client, with what to write instead")
    func words() async throws {
        try await withServer(FakeService(onPush: { _ in .named("never") })) { fixture in
            let error = await #expect(throws: ControlError.self) {
                try await fixture.client.call(Push.self, Push.Input(image: "a", priority: 500))
            }
            #expect(error?.message == "priority can't be 500")
            #expect(error?.advice == "it is a whole number from -100 to 100")
            let raw = try fixture.raw
            try await raw.send(#"{"method":"org.pushd.Control.Push","parameters":{"image":"a","priority":500}}␀"#)
            let value = try #require(try await raw.receive(1).first)
            #expect(value.contains(#""error":"org.pushd.Control.ParameterInvalid""#), "Python keeps all fields of it")
            #expect(value.contains(#""parameter":"priority""#) && value.contains(#""code":"parameter-invalid""#))
            try await raw.send(#"{"method":"org.pushd.Control.Push","parameters":{"image":"a","prio":1}}␀"#)
            let reply = try #require(try await raw.receive(1).first)
            #expect(reply.contains(#""error":"org.varlink.service.InvalidParameter""#))
            #expect(reply.contains(#""parameter":"prio""#) && reply.contains(#""code":"parameter-invalid""#))
            #expect(reply.contains("it takes allTags, destinations, dryRun"))
        }
    }

    struct Check: Sendable {
        let parameter: String
        let run: @Sendable () throws -> Void

        init(_ parameter: String, _ input: some Parameters) {
            self.parameter = parameter
            run = { try input.check() }
        }
    }

    static let refusedChecks: [Check] = [
        Check("image", Push.Input(image: "")), Check("image", Push.Input(image: String(repeating: "x", count: 4097))),
        Check("destinations", Push.Input(image: "a", destinations: [""])),
        Check("destinations", Push.Input(image: "a", destinations: Array(repeating: "b", count: 1001))),
        Check("platforms", Push.Input(image: "a", platforms: [""])),
        Check("verify", Push.Input(image: "a", verify: "some")),
        Check("platforms", Push.Input(image: "a", platforms: ["arm"])),
        Check("priority", Push.Input(image: "a", priority: 101)),
        Check("priority", Push.Input(image: "a", priority: -101)), Check("registry", Pause.Input(registry: "")),
        Check("registry", Resume.Input(registry: "")), Check("timeout", Push.Input(image: "a", timeout: .nan)),
        Check("format", Push.Input(image: "a", format: "zip")),
        Check("login", Push.Input(image: "a", login: JobLogin(user: "", password: "p"))),
        Check("login", Push.Input(image: "a", login: JobLogin(user: "a:b", password: "p"))),
        Check("login", Push.Input(image: "a", login: JobLogin(user: "u", password: ""))),
        Check(
            "loginFiles",
            Push.Input(image: "a", loginFiles: Array(repeating: LoginFile(path: "/f", content: ""), count: 9))),
        Check(
            "loginFiles",
            Push.Input(
                image: "a", loginFiles: [LoginFile(path: "/f", content: String(repeating: " ", count: 300_000))])),
        Check(
            "loginFiles", Push.Input(image: "a", login: JobLogin(user: "u", password: "p"), loginFiles: [])),
        Check("change", Limit.Input(change: "double")), Check("bytesPerSecond", Limit.Input(change: "set")),
        Check("bytesPerSecond", Limit.Input(bytesPerSecond: 5)),
        Check("bytesPerSecond", Limit.Input(change: "set", bytesPerSecond: 0)),
        Check("registry", Limit.Input(registry: "")), Check("registry", Registries.Input(forget: true)),
        Check("registry", Doctor.Input(registry: "")),
        Check("timeout", Push.Input(image: "a", timeout: 0)), Check("timeout", Push.Input(image: "a", timeout: -1)),
        Check("timeout", Push.Input(image: "a", timeout: 1e300)), Check("jobs", Follow.Input(jobs: [])),
        Check("states", List.Input(states: ["queued", "done"])), Check("registry", List.Input(registry: "")),
        Check("limit", List.Input(limit: 0)),
        Check("limit", List.Input(limit: .max)), Check("jobs", Wait.Input(jobs: [])),
        Check("timeout", Wait.Input(jobs: [1], timeout: -0.5)), Check("jobs", Cancel.Input(jobs: [])),
        Check("jobs", Cancel.Input(jobs: Array(repeating: 1, count: 100_001))), Check("jobs", Retry.Input()),
        Check("jobs", Retry.Input(failed: false)), Check("jobs", Retry.Input(jobs: [])),
        Check("failed", Retry.Input(jobs: [1], failed: true)), Check("reference", Verify.Input(reference: "")),
        Check("level", Verify.Input(reference: "r", level: "none")),
        Check("against", Verify.Input(reference: "r", against: "")),
        Check("reference", Inspect.Input(reference: "")),
        Check("repository", Tags.Input(repository: "")),
        Check("limit", Tags.Input(repository: "r.example/a", limit: 0)),
        Check("registry", Repositories.Input(registry: "")),
        Check("registry", Login.Input(registry: "", user: "u", password: "p")),
        Check("user", Login.Input(user: "", password: "p")),
        Check("user", Login.Input(user: "a:b", password: "p")),
        Check("password", Login.Input(user: "u", password: "")),
        Check("password", Login.Input(user: "u", password: String(repeating: "p", count: 65_537))),
        Check("registry", Logout.Input(registry: "")), Check("after", Events.Input(after: -1)),
        Check("after", Events.Input(since: Timestamp(milliseconds: 0), after: 1)),
        Check("limit", Repositories.Input(registry: "r.example", limit: -1)),
    ]

    static let passingChecks: [Check] = [
        Check("", Push.Input(image: "a", destinations: [], platforms: [], verify: "none", timeout: 0.1)),
        Check("", List.Input(states: ["queued", "superseded"], limit: 10_000)), Check("", List.Input()),
        Check("", Wait.Input(jobs: [1], timeout: 0)), Check("", Retry.Input(failed: true)),
        Check("", Retry.Input(jobs: [1])),
        Check("", Verify.Input(reference: "r", level: "deep")), Check("", Status.Input()),
    ]
}
