import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Servers and helpers that fail, and repeat the secrets that they were told in every way that they can.
@Suite("Secrets that are repeated")
struct SecretFailureTests {
    private static let user = "robot-user"
    private static let password = "pA55\"w0rd-7f3a9c"
    private static let identityToken = "identity-t0ken-51e2d8"
    private static let bearer = "bearer-t0ken-99ab01"
    private static let signature = "s1gnature-c4f1aa"
    private static var encoded: String { Data("\(user):\(password)".utf8).base64EncodedString() }

    private static var basic: String { #"{"auth":"\#(encoded)"}"# }
    private static var identity: String { #"{"auth":"","identitytoken":"\#(identityToken)"}"# }

    /// What must stand nowhere.
    private static var secrets: [String] {
        // As JSON writes it, too.
        [password, "pA55\\\"w0rd-7f3a9c", identityToken, bearer, signature, encoded, String(encoded.prefix(20))]
    }

    /// One way to fail.
    enum Failure: String, CaseIterable, CustomTestStringConvertible {
        case loginRejected, denied, failed, plainText, page, headers, success
        case tokenRefused, tokenFailed, tokenGarbage, tokenForm, bearerDenied
        case redirected, uploadElsewhereDenied, uploadElsewhereBroken, uploadElsewhereUnusable
        case tls, helperErrors, helperGarbage, helperRefusal

        var testDescription: String { rawValue }
        var wantsBearer: Bool {
            [.tokenRefused, .tokenFailed, .tokenGarbage, .tokenForm, .bearerDenied].contains(self)
        }
        var usesHelper: Bool { [.helperErrors, .helperGarbage, .helperRefusal].contains(self) }
    }

    @Test(
        "stand in no log, database, spool, event, error or process, however a push fails", arguments: Failure.allCases)
    func nowhere(_ failure: Failure) async throws {
        try await Machine.with { machine in
            try CommandTests.image(machine)
            try await ScriptedServer.with({ try Self.answer($0, failure) }) { server in
                let processes = machine.directory.file("processes")
                try await prepare(machine, server.address, failure, processes)
                let tls =
                    failure == .tls
                    ? "registries: { '\(server.address)': { plainHttp: false, connectTimeout: '300ms' } }," : ""
                let daemon = try await machine.start(
                    "\(tls) retry: { base: '1ms', cap: '5ms', maximumFailures: 2 }, log: { level: 'debug' }",
                    variables: ["PATH": machine.directory.file("programs") + ":/usr/bin:/bin"])
                defer { daemon.send(SIGKILL) }
                var told = [try Self.process(daemon.pid)]
                func run(_ words: String...) async throws {
                    let result = try await machine.pushctl(words)
                    told.append(result.output + result.errors)
                }
                let destination = server.address + "/team/app:1"
                let push = try await machine.pushctl("push", "app:1", destination)
                #expect(push.status == 1, "\(failure): \(push.output)\(push.errors)")
                told.append(push.output + push.errors)
                if !failure.usesHelper {
                    // Never kept: the servers do not take it.
                    let login = try await machine.logIn(server.address, user: Self.user, password: Self.password)
                    told.append(login.output + login.errors)
                }
                try await run("verify", "--deep", destination)
                try await run("inspect", destination)
                for json in [[], ["--json"]] {
                    for words in [["show", "1"], ["events", "--since", "1h"], ["status"], ["status", "1"]] {
                        let result = try await machine.pushctl(json + words)
                        told.append(result.output + result.errors)
                    }
                }
                #expect(told.joined().contains("team/app:1"), "something was told")
                #expect(daemon.errors.contains("debug: "), "the log tells all: \(daemon.errors)")
                if failure.usesHelper {
                    told.append(try String(contentsOfFile: processes, encoding: .utf8))
                    #expect(told.last?.contains("PATH=") == true)
                }
                if [.redirected, .uploadElsewhereDenied, .uploadElsewhereBroken].contains(failure) {
                    #expect(server.requests.contains { $0.target.contains(Self.signature) }, "went elsewhere")
                }
                var found = try Self.search(machine.state)
                daemon.send(SIGTERM)
                _ = try await daemon.wait(timeout: .seconds(10))
                told.append(daemon.output + daemon.errors)
                found += try Self.search(machine.state) + Self.search(told)
                #expect(found.isEmpty, "\(failure): \(found)")

                // That the search would find them.
                for secret in Self.secrets {
                    let places = try ["spool/x", "queue.db-wal"].map { name in
                        try machine.directory.write(("…" + secret + "…").utf8, to: "planted/\(name)")
                    }
                    #expect(try Self.search(machine.directory.file("planted")).count >= places.count)
                    #expect(!Self.search(["a", "b" + secret + "c"]).isEmpty)
                }
            }
        }
    }

    // MARK: What fails

    private func prepare(_ machine: Machine, _ address: String, _ failure: Failure, _ processes: String) async throws {
        guard failure.usesHelper else {
            let entry = failure == .tokenForm ? Self.identity : Self.basic
            return try machine.keepLogin(for: address, entry: entry.replacing("\\", with: "\\\\"))
        }
        try machine.directory.write(#"{"credsStore":"leaky"}"#.utf8, to: ".docker/config.json")
        let answer = #"{"Username":"\#(Self.user)","Secret":"\#(Self.identityToken)""#
        let behaviour =
            switch failure {
            case .helperErrors: "echo 'panic: \(Self.identityToken)' >&2; exit 1"
            // Half an answer, and an error that is a whole one.
            case .helperGarbage: "echo '\(answer)'; exit 0"
            default: "echo '\(answer)}'; echo '\(Self.identityToken)' >&2; exit 3"
            }
        let script =
            "#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/environ >> \(processes)\n"
            + "tr '\\0' ' ' < /proc/$$/cmdline >> \(processes)\n\(behaviour)\n"
        try machine.directory.makeDirectory("programs")
        try await machine.directory.makeProgram(script, as: "programs/docker-credential-leaky")
    }

    /// All that was sent, as JSON can hold it.
    private static func echo(_ exchange: Exchange, _ more: String = "") -> String {
        let authorization = exchange.head.header("Authorization") ?? ""
        let decoded = Data(base64Encoded: String(authorization.dropFirst(6))).map {
            String(decoding: $0, as: UTF8.self)
        }
        return "you sent \(authorization) which is \(decoded ?? "") \(more)"
    }

    private static func errors(_ status: Int, _ text: String, _ headers: [(String, String)] = []) -> Answer {
        let message = text.replacing("\"", with: "\\\"")
        return Answer(
            status, headers: [("Content-Type", "application/json")] + headers,
            #"{"errors":[{"code":"DENIED","message":"\#(message)","detail":"\#(message)"}]}"#)
    }

    @Sendable
    private static func answer(_ exchange: Exchange, _ failure: Failure) throws {
        let (head, host) = (exchange.head, exchange.head.header("Host") ?? "")
        if head.target.hasPrefix("/token") { return try exchange.send(try token(exchange, failure)) }
        if host.hasPrefix("localhost") { return try elsewhere(exchange, failure) }
        guard head.header("Authorization") != nil else {
            let challenge =
                failure.wantsBearer ? "Bearer realm=\"http://\(host)/token\",service=\"s\"" : "Basic realm=\"r\""
            return try exchange.send(errors(401, "log in", [("WWW-Authenticate", challenge)]))
        }
        let (said, port) = (echo(exchange), host.split(separator: ":").last ?? "")
        let other = "http://localhost:\(port)/else?X-Signature=\(signature)&sig=\(signature)"
        switch failure {
        case .loginRejected:
            let challenge = ("WWW-Authenticate", "Basic realm=\"\(said.replacing("\"", with: ""))\"")
            try exchange.send(errors(401, said, [challenge]))
        case .denied, .bearerDenied: try exchange.send(errors(403, said))
        case .failed: try exchange.send(errors(500, said))
        case .plainText: try exchange.send(Answer(400, headers: [("Content-Type", "text/plain")], said))
        case .page:
            try exchange.send(
                Answer(502, headers: [("Content-Type", "text/html")], "<html><title>\(said)</title></html>"))
        case .headers:
            let named = ["X-Request-Id", "Docker-Content-Digest", "Location", "Retry-After", "Range", "Server"]
            let value = head.header("Authorization") ?? ""
            try exchange.send(Answer(503, headers: named.map { ($0, value) }, ""))
        case .success: try exchange.send(Answer(200, headers: [("Content-Type", "text/plain")], said))
        case .redirected:
            try exchange.send(Answer(307, headers: [("Location", other)], ""))
        case .uploadElsewhereDenied, .uploadElsewhereBroken, .uploadElsewhereUnusable:
            guard head.method == "POST" else { return try exchange.send(Answer.refusal(404, "MANIFEST_UNKNOWN")) }
            let location = failure == .uploadElsewhereUnusable ? "ftp://nowhere/x y?token=\(signature)" : other
            try exchange.send(Answer(202, headers: [("Location", location)], ""))
        default: try exchange.send(errors(403, said))
        }
    }

    /// At the host that no login is for.
    private static func elsewhere(_ exchange: Exchange, _ failure: Failure) throws {
        if failure == .uploadElsewhereBroken { return exchange.cut(.reset) }
        let text = exchange.head.header("Authorization") == nil ? "not so" : "the login came here: \(password)"
        try exchange.send(errors(403, text))
    }

    private static func token(_ exchange: Exchange, _ failure: Failure) throws -> Answer {
        let form = exchange.head.method == "POST" ? String(decoding: try exchange.collectBody(), as: UTF8.self) : ""
        let said = echo(exchange, form)
        switch failure {
        case .tokenRefused: return Answer(401, #"{"details":"\#(said.replacing("\"", with: "\\\""))"}"#)
        case .tokenFailed: return errors(500, said)
        case .tokenForm: return Answer(400, #"{"error":"invalid_request","error_description":"\#(said)"}"#)
        case .tokenGarbage: return Answer(200, said)
        default: return Answer(200, #"{"token":"\#(bearer)"}"#)
        }
    }

    // MARK: The search

    private static func search(_ texts: [String]) -> [String] {
        texts.flatMap { text in secrets.filter { text.contains($0) }.map { "\($0) in \(text)" } }
    }

    private static func search(_ directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).flatMap { path -> [String] in
            let file = directory + "/" + path
            var isDirectory = false
            guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory), !isDirectory,
                // The daemon may remove a file meanwhile.
                let bytes = try? Data(contentsOf: URL(filePath: file))
            else { return [] }
            let text = String(decoding: bytes, as: UTF8.self)
            return secrets.filter { text.contains($0) }.map { "\($0) in \(path)" }
        }
    }

    /// The command line and the environment of a process.
    private static func process(_ pid: Int32) throws -> String {
        try ["cmdline", "environ"].map { name in
            String(decoding: try Data(contentsOf: URL(filePath: "/proc/\(pid)/\(name)")), as: UTF8.self)
        }.joined(separator: "\n")
    }
}
