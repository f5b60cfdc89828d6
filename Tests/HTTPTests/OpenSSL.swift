import Dispatch
import Glibc
import HTTP

/// Certificates of a test's own, made by the `openssl` command in a directory that is removed at the end.
final class Certificates: Sendable {
    let directory: String

    /// A new authority, `ca.pem`, and a key for all servers and clients, `key.pem`.
    init() async throws {
        var template = Array("/tmp/pushd-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServerError(what: "mkdtemp", errno: errno) }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try await run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=authority of a test", "-keyout", path("ca.key"), "-out", path("ca.pem"))
        try await run(
            "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test",
            "-keyout", path("key.pem"), "-out", path("request.pem"))
        try write(
            "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=\(directory)\ndatabase=\(path("db"))\nserial=\(path("serial"))\n"
                + "default_md=sha256\nunique_subject=no\npolicy=p\n[p]\ncommonName=supplied\n", to: "ca.cnf")
        try write("", to: "db")
        try write("01\n", to: "serial")
    }

    deinit { _ = try? Child(["rm", "-r", directory]).wait() }

    func path(_ name: String) -> String { directory + "/" + name }

    /// A certificate signed by the authority, as `name`.pem.
    ///
    /// - Parameter days: of validity, as `YYYYMMDD` of the first and the last.
    func issue(_ name: String, for alternative: String = "IP:127.0.0.1", days: (String, String)) async throws -> String
    {
        try write("subjectAltName=\(alternative)\n", to: name + ".ext")
        try await run(
            "openssl", "ca", "-batch", "-notext", "-config", path("ca.cnf"), "-in", path("request.pem"), "-cert",
            path("ca.pem"), "-keyfile", path("ca.key"), "-startdate", days.0 + "000000Z", "-enddate",
            days.1 + "000000Z", "-extfile", path(name + ".ext"), "-out", path(name + ".pem"))
        return path(name + ".pem")
    }

    func write(_ text: String, to name: String) throws {
        let descriptor = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw ServerError(what: name, errno: errno)
        }
    }

    private func run(_ command: String...) async throws {
        let child = try Child(command)
        // Not on the cooperative pool: all tests share its few threads.
        let status = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: child.wait()) }
        }
        guard status == 0 else { throw ServerError(what: command.joined(separator: " "), errno: 0) }
    }
}

/// `openssl s_server` on a port of its own, which answers every GET with 200 and a page about the session.
final class TLSServer: Sendable {
    let port: Int
    private let child: Child

    init(certificate: String, key: String, options: [String] = []) throws {
        child = try Child(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key] + options)
        guard let line = child.line(startingWith: "ACCEPT "), let port = Int(line.split(separator: ":").last ?? "")
        else {
            throw ServerError(what: "openssl s_server", errno: 0)
        }
        self.port = port
    }

    deinit { child.kill() }

    func url(host: String = "127.0.0.1") throws -> HTTPURL { try HTTPURL(parsing: "https://\(host):\(port)/") }
}

/// A process whose standard output can be read.
final class Child: Sendable {
    private let id: pid_t
    private let output: Int32

    init(_ command: [String]) throws {
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else { throw ServerError(what: "pipe", errno: errno) }
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var id = pid_t()
        let code = posix_spawnp(&id, command[0], &actions, nil, arguments, environ)
        close(pipes[1])
        output = pipes[0]
        self.id = id
        guard code == 0 else { throw ServerError(what: command[0], errno: code) }
    }

    deinit { close(output) }

    /// The first such line; nil if the output ends before.
    func line(startingWith prefix: String) -> String? {
        var line = ""
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1 {
            if byte != UInt8(ascii: "\n") {
                line.append(Character(Unicode.Scalar(byte)))
            } else if line.hasPrefix(prefix) {
                return line
            } else {
                line = ""
            }
        }
        return nil
    }

    /// - Returns: the exit status; 256 where there is none.
    func wait() -> Int32 {
        var status: Int32 = 0
        guard waitpid(id, &status, 0) == id, status & 0x7F == 0 else { return 256 }
        return status >> 8 & 0xFF
    }

    func kill() {
        Glibc.kill(id, SIGKILL)
        _ = wait()
    }
}
