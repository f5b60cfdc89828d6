import HTTP
import TestSupport
import Testing

@testable import Registry

@Suite("An examination")
struct ExaminationTests {
    private func steps(_ client: RegistryClient, in repository: String = "team/app") async throws -> [ExaminationStep] {
        var steps: [ExaminationStep] = []
        try await client.examine(pushingTo: repository) { steps.append($0) }
        return steps
    }

    @Test("of a registry that is well goes the whole way, and leaves no upload")
    func good() async throws {
        try await Bench.with { bench in
            let steps = try await steps(bench.client)
            #expect(steps.map(\.kind) == [.resolve, .connect, .api, .login, .token, .push])
            #expect(steps.filter { $0.outcome == .bad }.isEmpty)
            #expect(steps.allSatisfy { $0.time != nil })
            #expect(steps.first?.text == "the address is \(bench.registry.address)")
            #expect(steps.last?.text == "allowed: an upload to team/app was opened and given up")
            #expect(bench.registry.methods == ["GET", "GET", "POST", "DELETE"])
            #expect(bench.registry.openUploads(in: "team/app") == 0)
        }
    }

    @Test("opens no upload where that may make a repository that nobody wants")
    func careful() async throws {
        try await Bench.with { bench in
            let steps = Recorder<ExaminationStep>()
            try await bench.client.examine(pushingTo: "me/scratch", mayCreate: false) { steps.add($0) }
            #expect(steps.values.last?.kind == .push)
            #expect(steps.values.last?.outcome == .doubtful)
            #expect(bench.registry.methods == ["GET", "GET"])
        }
    }

    @Test("tells the login, where it is from, and who issued the token, and no secret")
    func token() async throws {
        let login = OneLogin(user: "me", password: Secret("pass-word"), origin: "/some/file")
        try await Bench.with(
            authentication: .bearer(TestTokenService(user: "me", password: "pass-word")), credentials: login
        ) { bench in
            let steps = try await steps(bench.client)
            #expect(steps.map(\.outcome) == Array(repeating: .good, count: 6))
            #expect(steps[2].text == "a registry answers, and asks for a login (bearer)")
            #expect(steps[3].text == "user me, from /some/file")
            #expect(steps[4].text.hasPrefix("a token was issued by http://127.0.0.1:"))
            #expect(!steps.contains { $0.text.contains("pass-word") })
        }
    }

    @Test("ends where the login is refused, and says what to do")
    func rejected() async throws {
        let login = OneLogin(user: "me", password: Secret("wrong"), origin: "/some/file")
        try await Bench.with(authentication: .basic(user: "me", password: "right"), credentials: login) { bench in
            let steps = try await steps(bench.client)
            #expect(steps.last?.kind == .token)
            #expect(steps.last?.outcome == .bad)
            #expect(steps.last?.advice?.contains("pushctl login") == true)
        }
    }

    @Test("ends where pushing is not allowed")
    func denied() async throws {
        try await Bench.with { bench in
            bench.registry.faults.add(
                Fault(.uploadStart, .respond(Answer(403, #"{"errors":[{"code":"DENIED","message":"no"}]}"#))))
            let last = try #require(try await steps(bench.client).last)
            #expect(last.kind == .push)
            #expect(last.outcome == .bad)
            #expect(last.advice != nil)
        }
    }

    @Test("ends at the step that fails before there is an answer", arguments: ["nothing-here.invalid", "127.0.0.1:1"])
    func unreachable(domain: String) async throws {
        try await Bench.withClient(domain) { client, _, _ in
            let last = try #require(try await steps(client).last)
            #expect(last.kind == (domain.hasPrefix("127") ? .connect : .resolve))
            #expect(last.outcome == .bad)
        }
    }

    @Test("says so where something else answers")
    func otherServer() async throws {
        let server = try ScriptedServer { exchange in try exchange.send(Answer(404)) }
        try await Bench.withClient(server.address) { client, _, _ in
            let last = try #require(try await steps(client).last)
            #expect(last.kind == .api)
            #expect(last.outcome == .bad)
        }
        await server.stop()
    }
}
