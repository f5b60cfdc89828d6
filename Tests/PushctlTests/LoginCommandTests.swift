import Control
import Synchronization
import Testing

@testable import pushctl

@Suite("pushctl login")
struct LoginCommandTests {
    /// A person who gives these answers, and what was asked of them.
    private final class Person: Sendable {
        let asked = Mutex<[(String, Bool)]>([])
        private let answers: Mutex<[String?]>

        init(_ answers: String?...) { self.answers = Mutex(answers) }

        var questions: Questions {
            Questions(
                canAsk: true,
                ask: { question, isSecret in
                    self.asked.withLock { $0.append((question, isSecret)) }
                    return self.answers.withLock { $0.removeFirst() }
                }, readAll: { _ in nil })
        }
    }

    private func daemon(expecting user: String, _ password: String, registry: String? = "r.example") -> FakeDaemon {
        var daemon = FakeDaemon()
        daemon.onLogin = { input in
            #expect(input == Login.Input(registry: registry, user: user, password: password))
            return Login.Output(registry: registry ?? "docker.io", place: "/home/u/.docker/config.json", jobs: [3, 4])
        }
        return daemon
    }

    private func piped(_ text: String) -> Questions {
        Questions(canAsk: false, ask: { _, _ in nil }, readAll: { _ in Array(text.utf8) })
    }

    @Test("asks for what is missing, the password unseen, and tells what follows")
    func asks() async throws {
        let person = Person("me", "p w")
        let outcome = try await pushctl("login r.example", daemon(expecting: "me", "p w"), questions: person.questions)
        #expect(
            outcome
                == Outcome(
                    status: 0,
                    output: """
                        logged in to r.example as me; the login is in /home/u/.docker/config.json
                        jobs 3, 4 go on

                        """, errors: ""))
        #expect(person.asked.withLock { $0.map(\.1) } == [false, true])
        let other = Person("token")
        let hub = try await pushctl(
            "login -u me", daemon(expecting: "me", "token", registry: nil), questions: other.questions)
        #expect(hub.status == 0 && hub.output.hasPrefix("logged in to docker.io as me"))
        #expect(other.asked.withLock { $0.map(\.1) } == [true])
    }

    @Test("reads a password that is piped in, without the line's end", arguments: ["p:w", "p:w\n", "p:w\r\n"])
    func pipes(input: String) async throws {
        let outcome = try await pushctl(
            "login r.example -u me --password-stdin", daemon(expecting: "me", "p:w"), questions: piped(input))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(!outcome.output.contains("p:w"))
    }

    @Test("needs a user, a password and somebody to ask")
    func refusals() async throws {
        let none = FakeDaemon()
        #expect(try await pushctl("login r.example --password-stdin", none, questions: piped("p")).status == 2)
        #expect(try await pushctl("login r.example -u me --password-stdin", none, questions: piped("\n")).status == 2)
        let nobody = try await pushctl("login r.example", none, questions: piped("p"))
        #expect(nobody.status == 2 && nobody.errors.contains("--password-stdin r.example < FILE"))
        #expect(try await pushctl("login r.example", none, questions: Person("").questions).status == 2)
        #expect(try await pushctl("login r.example", none, questions: Person("me", nil).questions).status == 2)
        #expect(try await pushctl("login r.example").status == 3)
    }

    @Test("logout tells where the login was, and where there is another")
    func logout() async throws {
        var daemon = FakeDaemon()
        daemon.onLogout = { _ in
            Logout.Output(registry: "r.example", place: "/a", remaining: "/b (entry \"r.example\")")
        }
        #expect(
            try await pushctl("logout r.example", daemon).lines == [
                "logged out of r.example; the login was in /a",
                "pushd still finds a login in /b (entry \"r.example\"), which pushctl does not change",
            ])
        daemon.onLogout = { _ in Logout.Output(registry: "r.example") }
        #expect(
            try await pushctl("logout r.example", daemon).lines == ["there was no login for r.example to remove"])
    }
}
