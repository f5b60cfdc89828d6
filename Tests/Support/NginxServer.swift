internal import FoundationEssentials

/// Debian's nginx in front of a registry, with a configuration, a directory and a port of the test's own.
public final class NginxServer: Sendable {
    /// `127.0.0.1:PORT`.
    public let address: String
    public let process: ProcessRunner
    private let log: String

    private init(address: String, process: ProcessRunner, log: String) {
        self.address = address
        self.process = process
        self.log = log
    }

    /// Debian keeps it where only root's `PATH` leads.
    private static var program: String? {
        installedProgram("nginx") ?? (FileManager.default.isExecutableFile(atPath: path) ? path : nil)
    }
    private static let path = "/usr/sbin/nginx"

    /// Whether the program is there; tests that need it are left out otherwise.
    public static var isInstalled: Bool { program != nil }

    /// A request as nginx saw it.
    public struct Request: Sendable, Equatable {
        public let method: String
        public let path: String
        public let status: Int
        /// Bytes of its head and of as much of its body as was read.
        public let length: Int64
    }

    /// Runs `body` with a proxy that answers, and ends it afterwards.
    ///
    /// - Parameters:
    ///   - upstream: `127.0.0.1:PORT` of the registry, which is spoken to in plain HTTP.
    ///   - certificate: for HTTPS; nil: plain HTTP.
    ///   - settings: directives of the `server` block.
    ///   - headers: that the registry gets besides, with nginx's variables in them.
    public static func with<Result>(
        upstream: String, certificate: TestCertificate? = nil, settings: [String] = [],
        headers: [String: String] = [:], _ body: (NginxServer) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            let server = try await start(in: directory, upstream, certificate, settings, headers)
            do {
                let result = try await body(server)
                await server.process.end()
                return result
            } catch {
                await server.process.end()
                throw error
            }
        }
    }

    /// All requests that have ended, in the order of their ends.
    public var requests: [Request] {
        get throws {
            let text = String(decoding: try Data(contentsOf: URL(filePath: log)), as: UTF8.self)
            return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().compactMap { line in
                let words = line.split(separator: " ").map(String.init)
                guard words.count == 4, let status = Int(words[2]), let length = Int64(words[3]) else { return nil }
                return Request(method: words[0], path: words[1], status: status, length: length)
            }
        }
    }

    private static func start(
        in directory: TemporaryDirectory, _ upstream: String, _ certificate: TestCertificate?, _ settings: [String],
        _ headers: [String: String]
    ) async throws -> NginxServer {
        guard let program else { throw TestSupportError("nginx is not installed") }
        var lastError: (any Error)?
        for _ in 0..<5 {
            let address = "127.0.0.1:\(try freePort())"
            let text = configuration(address, directory, upstream, certificate, settings, headers)
            let file = try directory.write(Array(text.utf8), to: "nginx.conf")
            let process = try ProcessRunner(program, ["-p", directory.path, "-c", file, "-e", "stderr"])
            do {
                try await process.waitForOutput("event method")
                return NginxServer(address: address, process: process, log: directory.file("access.log"))
            } catch {
                await process.end()
                lastError = error
                guard process.errors.contains("Address already in use") else { break }
            }
        }
        throw lastError ?? TestSupportError("nginx does not start")
    }

    private static func configuration(
        _ address: String, _ directory: TemporaryDirectory, _ upstream: String, _ certificate: TestCertificate?,
        _ settings: [String], _ headers: [String: String]
    ) -> String {
        // One process, which is easy to end. Debian's defaults below /var belong to the system's own nginx.
        let places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
            "    \($0)_temp_path \(directory.file($0));"
        }
        let tls = certificate.map {
            ["ssl_certificate \($0.certificate);", "ssl_certificate_key \($0.key);"]
        }
        let lines =
            [
                "daemon off;", "master_process off;", "error_log stderr info;", "pid \(directory.file("nginx.pid"));",
                "events {}", "http {",
                "    log_format plain '$request_method $uri $status $request_length';",
                "    access_log \(directory.file("access.log")) plain;",
            ] + places + ["    server {", "        listen \(address)\(tls == nil ? "" : " ssl");"]
            + ((tls ?? []) + settings).map { "        " + $0 }
            + [
                "        location / {", "            proxy_pass http://\(upstream);",
                "            proxy_http_version 1.1;", "            proxy_set_header Host $http_host;",
            ] + headers.map { "            proxy_set_header \($0) \($1);" } + ["        }", "    }", "}"]
        return lines.joined(separator: "\n") + "\n"
    }
}
