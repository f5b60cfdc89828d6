import Dispatch
import Glibc
import HTTP
import TestSupport
import Testing

@testable import Registry

/// What a real tool writes after a real login, read back and used at the same registry.
@Suite("A login made by skopeo", .enabled(if: Tool.areThere("skopeo", "docker-registry")))
struct SkopeoLoginTests {
    @Test("is found, and the registry accepts it")
    func roundTrip() async throws {
        try await TemporaryDirectory.with { directory in
            let registry = try await PasswordRegistry.start(in: directory)
            defer { registry.stop() }
            let file = directory.file("auth.json")
            let arguments = [
                "login", "--tls-verify=false", "--authfile", file, "-u", "alice", "-p", "p:ss-w0rd", registry.address,
            ]
            let login = try await Tool.start("skopeo", arguments).end()
            #expect(login.status == 0, "\(login.output)")

            let files = CredentialFiles(paths: [], environment: ["REGISTRY_AUTH_FILE": file], home: nil)
            let found = try #require(try await files.credential(registry: registry.address, repository: "team/app"))
            #expect(found.credential == .basic(user: "alice", password: Secret("p:ss-w0rd")))

            let http = HTTPClient()
            let settings = RegistrySettings()
            let endpoint = try RegistryEndpoint(domain: registry.address, settings: settings)
            let authenticator = Authenticator(endpoint: endpoint, settings: settings, http: http, credentials: files)
            var request = HTTPRequest(url: try endpoint.url("/v2/"))
            let refusal = try await http.send(request)
            #expect(refusal.status == 401)
            let header = try await authenticator.answer(refusal, for: [], sent: nil)
            request.headers["Authorization"] = header
            #expect(try await http.send(request).status == 200)
            await http.shutdown()
        }
    }
}

/// Debian's `docker-registry` with one user, alice, on a port that the system chose.
private struct PasswordRegistry {
    let address: String
    private let process: Tool

    func stop() { process.kill() }

    static func start(in directory: TemporaryDirectory) async throws -> PasswordRegistry {
        // The password is "p:ss-w0rd".
        let users = "alice:$2y$05$abcdefghijklmnopqrstuuXMjaLPl3PN0Nbdvnt6Uf94ZJ4.rsnLi\n"
        let passwords = try directory.write(users.utf8, to: "htpasswd")
        let configuration = """
            version: 0.1
            log: {level: info}
            storage: {filesystem: {rootdirectory: \(directory.file("storage"))}}
            http: {addr: "127.0.0.1:0"}
            auth: {htpasswd: {realm: test, path: \(passwords)}}
            """
        let path = try directory.write(configuration.utf8, to: "registry.yml")
        let process = try Tool.start("docker-registry", ["serve", path])
        // It says where it listens: "listening on 127.0.0.1:41237".
        let said = await process.output { $0.contains("listening on 127.0.0.1:") && $0.hasSuffix("\n") }
        guard let mark = said.firstRange(of: "listening on ") else {
            process.kill()
            throw TestSupportError("docker-registry did not start: \(said)")
        }
        let address = said[mark.upperBound...].prefix { $0.isNumber || $0 == "." || $0 == ":" }
        return PasswordRegistry(address: String(address), process: process)
    }
}

/// A program that runs beside the test.
private struct Tool {
    private let process: pid_t
    /// Where its two outputs arrive. Open as long as it may write.
    private let pipe: Int32

    static func areThere(_ names: String...) -> Bool { names.allSatisfy { path(of: $0) != nil } }

    private static func path(of name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    static func start(_ name: String, _ arguments: [String]) throws -> Tool {
        guard let path = path(of: name) else { throw TestSupportError("there is no \(name)") }
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw TestSupportError("no pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, nil, &words, environ)
        guard code == 0 else {
            close(ends[0])
            throw TestSupportError("cannot start \(path): \(code)")
        }
        return Tool(process: process, pipe: ends[0])
    }

    /// All that it has written when `isEnough`, or when it has ended.
    func output(until isEnough: @escaping @Sendable (String) -> Bool) async -> String {
        await blocking {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while true {
                let count = read(pipe, &buffer, buffer.count)
                if count > 0 { bytes += buffer[..<count] }
                let text = String(decoding: bytes, as: UTF8.self)
                if count <= 0 || isEnough(text) { return text }
            }
        }
    }

    /// Its exit status and all that it wrote.
    func end() async -> (status: Int32, output: String) {
        let text = await output { _ in false }
        return await blocking {
            var status: Int32 = 0
            waitpid(process, &status, 0)
            close(pipe)
            return (status >> 8 & 0xFF, text)
        }
    }

    func kill() {
        Glibc.kill(process, SIGKILL)
        waitpid(process, nil, 0)
        close(pipe)
    }

    private func blocking<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }
}
