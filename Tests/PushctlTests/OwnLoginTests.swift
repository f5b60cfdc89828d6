import Control
import FoundationEssentials
import OCI
import Synchronization
import Testing

@testable import pushctl

@Suite("pushctl with the caller's own logins")
struct OwnLoginTests {
    private static let file = """
        {"auths": {"https://index.docker.io/v1/": {"auth": "aHViOmE="}, "r.example": {"auth": "cjpi"},
         "r.example/team": {"auth": "dDpj", "email": null}, "http://other.example:5000/v2/": {"auth": "bzpk"}},
         "credHelpers": {"ecr.example": "ecr-login", "r.example": "pass"}, "credsStore": "secretservice",
         "HttpHeaders": {"X": "secret"}}
        """

    private static func entries() throws -> LoginEntries {
        try LoginEntries(LoginFile(path: "/f", content: file))
    }

    @Test(
        "takes out of a file what is for the registries alone",
        arguments: [
            (["r.example"], ["r.example", "r.example/team"], ["r.example"]),
            (["docker.io"], ["https://index.docker.io/v1/"], []),
            (["other.example:5000"], ["http://other.example:5000/v2/"], []),
            (["other.example", "example"], [], []), ([], [], []),
            (["docker.io", "ecr.example"], ["https://index.docker.io/v1/"], ["ecr.example"]),
            (["R.example:0443"], ["r.example", "r.example/team"], ["r.example"]),
            (["registry-1.docker.io"], ["https://index.docker.io/v1/"], []),
        ] as [(Set<String>, [String], [String])])
    func picks(registries: Set<String>, logins: [String], helpers: [String]) throws {
        let picked = try Self.entries().only(for: registries)
        #expect(picked.auths.keys.sorted() == logins.sorted())
        #expect(picked.helpers.keys.sorted() == helpers)
        #expect(picked.store == .string("secretservice"), "that a program keeps the login, the daemon is to say")
        #expect(!picked.text.contains("HttpHeaders"))
        let again = try LoginEntries(LoginFile(path: "/f", content: picked.text))
        #expect(again == picked)
    }

    @Test(
        "reads a file as leniently as the daemon does",
        arguments: [
            #"{"Auths":{"r.example":{"auth":"x"}}}"#, "\u{FEFF}" + #"{"auths":{"r.example:443":{"auth":"x"}}}"#,
            #"{"auths":{"https://R.example/v2/":{"auth":"x"}},"credHelpers":{"a.example":null},"credsStore":7}"#,
        ])
    func lenient(content: String) throws {
        let picked = try LoginEntries(LoginFile(path: "/f", content: content)).only(for: ["r.example"])
        #expect(picked.auths.count == 1)
        #expect(try LoginEntries(LoginFile(path: "/f", content: "\n")).auths.isEmpty, "one that was just made")
    }

    @Test("refuses a file that is none", arguments: ["[]", "{\"auths\": 3}", "no JSON"])
    func faults(content: String) {
        #expect(throws: Failure.self) { try LoginEntries(LoginFile(path: "/f", content: content)) }
    }

    /// Runs a push with a login file of the test's own, and returns what the daemon was sent.
    private func push(
        to destination: String, _ option: String = "-d", plan: @escaping @Sendable (Push.Input) throws -> [String]
    ) async throws -> [Push.Input] {
        let calls = Mutex<[Push.Input]>([])
        var daemon = FakeDaemon()
        daemon.onPush = { input in
            calls.withLock { $0.append(input) }
            guard input.dryRun == true else { return Push.Output(jobs: []) }
            return Push.Output(
                jobs: [],
                plan: try plan(input).map {
                    PlannedPush(
                        image: "a:1", source: "s", digest: "d", mediaType: "m", destination: $0, platforms: [],
                        supersedes: [], bytesTotal: 0, blobs: [])
                })
        }
        try await withLoginFile(Self.file) { path in
            _ = try await pushctl(
                "push \(option) --my-login a:1 \(destination)", daemon, environment: ["REGISTRY_AUTH_FILE": path])
        }
        return calls.withLock { $0 }
    }

    private func withLoginFile(_ content: String, _ body: (String) async throws -> Void) async throws {
        let path = "/tmp/pushctl-logins-\(UUID().uuidString).json"
        try Data(content.utf8).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test("asks where a push goes, since an alias may lead anywhere, and sends the logins of that place alone")
    func alias() async throws {
        let calls = try await push(to: "release") { _ in ["r.example/team/a:1"] }
        try #require(calls.count == 2)
        #expect(calls[0].dryRun == true && calls[0].loginFiles == [])
        #expect(calls[1].dryRun == nil)
        let sent = try #require(calls[1].loginFiles?.first?.content)
        #expect(calls[1].loginFiles?.count == 1)
        #expect(sent.contains("cjpi") && sent.contains("dDpj"))
        for secret in ["aHViOmE=", "bzpk", "secret\""] { #expect(!sent.contains(secret), "\(secret)") }
    }

    @Test("sends Docker Hub's login where only that tells the namespace")
    func namespace() async throws {
        let calls = try await push(to: "app") { _ in
            throw ControlError(.destinationMissing, "no namespace", code: "namespace-missing")
        }
        #expect(calls.last?.loginFiles?.first?.content.contains("aHViOmE=") == true)
        #expect(calls.last?.loginFiles?.first?.content.contains("cjpi") == false)
    }

    @Test("sends no login at all with a plan")
    func plan() async throws {
        let calls = try await push(to: "r.example/a:1", "--dry-run") { _ in ["r.example/a:1"] }
        try #require(calls.count == 1)
        #expect(calls[0].loginFiles == [])
    }

    @Test("brings them to a retry, by the registries of the jobs, and to what looks at a registry")
    func others() async throws {
        let retried = Mutex<Retry.Input?>(nil)
        let inspected = Mutex<Inspect.Input?>(nil)
        var daemon = FakeDaemon()
        daemon.onList = { _ in List.Output(jobs: [testJob(12, "blocked")], counts: [:]) }
        daemon.onRetry = { input in
            retried.withLock { $0 = input }
            return Retry.Output(jobs: [testJob(12, "queued")])
        }
        daemon.onInspect = { input in
            inspected.withLock { $0 = input }
            return Inspect.Output(
                reference: "r", digest: "d", mediaType: "m", size: 1, platforms: [], manifest: "e30=")
        }
        let content = #"{"auths":{"registry.example":{"auth":"bWluZQ=="},"r.example":{"auth":"b3RoZXI="}}}"#
        try await withLoginFile(content) { path in
            let environment = ["REGISTRY_AUTH_FILE": path]
            let retry = try await pushctl("retry 12 --my-login", daemon, environment: environment)
            #expect(retry.status == 0, "\(retry.errors)")
            let inspect = try await pushctl("inspect --my-login r.example/a:1", daemon, environment: environment)
            #expect(inspect.status == 0, "\(inspect.errors)")
        }
        let forRetry = try #require(retried.withLock { $0 }?.loginFiles?.first?.content)
        #expect(forRetry.contains("bWluZQ==") && !forRetry.contains("b3RoZXI="))
        let forInspect = try #require(inspected.withLock { $0 }?.loginFiles?.first?.content)
        #expect(forInspect.contains("b3RoZXI=") && !forInspect.contains("bWluZQ=="))
    }

    @Test("shows who asked for a job, and of another user's job that it is one")
    func shows() async throws {
        var daemon = FakeDaemon()
        daemon.onShow = { input in
            var job = testJob(input.job, "queued")
            job.askedBy = AskerInfo(uid: 1000, name: "alice", pid: 4711)
            if input.job == 13 {
                job = JobInfo(
                    id: 13, state: "queued", image: "", source: "", digest: "", destination: "r.example", origin: "",
                    priority: 0, verify: "", attempts: 0, createdAt: job.createdAt, updatedAt: job.updatedAt,
                    bytesTotal: 0, bytesUploaded: 0, bytesMounted: 0, bytesExisting: 0, hidden: true)
            }
            return Show.Output(job: job, attempts: [])
        }
        let own = try await pushctl("show 12", daemon).output
        #expect(own.contains("asked by      alice (1000), process 4711\n"), "\(own)")
        let other = try await pushctl("show 13", daemon).output
        #expect(other.contains("another user"), "\(other)")
        #expect(other.contains("registry      r.example\n"), "\(other)")
        for word in ["image", "digest", "bytes", "verified", "destination"] { #expect(!other.contains("  " + word)) }
    }

    @Test("cancel --all and retry --failed leave alone what is another user's")
    func selection() async throws {
        let named = Mutex<[Int]>([])
        var daemon = FakeDaemon()
        daemon.onList = { _ in
            var other = testJob(13, "queued")
            other.hidden = true
            return List.Output(jobs: [other, testJob(12, "queued")], counts: [:])
        }
        daemon.onCancel = { input in
            named.withLock { $0 += input.jobs }
            return Cancel.Output(jobs: [testJob(12, "canceled")])
        }
        daemon.onRetry = { input in
            named.withLock { $0 += input.jobs ?? [] }
            return Retry.Output(jobs: [testJob(12, "queued")])
        }
        #expect(try await pushctl("cancel --all", daemon).status == 0)
        #expect(try await pushctl("retry --failed", daemon).status == 0)
        #expect(named.withLock { $0 } == [12, 12])
    }

    @Test("status lists what one user has asked for")
    func status() async throws {
        var daemon = FakeDaemon()
        daemon.onList = { input in
            #expect(input.user == "alice" && input.limit == 50 && input.states == nil)
            return List.Output(jobs: [testJob(12, "running")], counts: ["running": 1])
        }
        let outcome = try await pushctl("status --user alice", daemon)
        #expect(outcome.status == 0 && outcome.output.contains("registry.example/team/app:1"), "\(outcome)")
    }
}
