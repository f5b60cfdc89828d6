internal import Glibc

/// A real HTTP proxy, Debian's `tinyproxy`, at a port of its own on this machine; its log tells what went through it.
public final class TestProxy: Sendable {
    /// `127.0.0.1:PORT`.
    public let address: String
    public let process: ProcessRunner

    private init(address: String, process: ProcessRunner) {
        self.address = address
        self.process = process
    }

    /// Whether the program is there; tests that need it are left out otherwise.
    public static var isInstalled: Bool { installedProgram("tinyproxy") != nil }

    /// Runs `body` with a proxy that takes connections, and ends it afterwards.
    ///
    /// - Parameters:
    ///   - login: the one user and password that it lets through; nil: it asks for none.
    ///   - forbidden: a part of the names of hosts that it lets nobody through to.
    public static func with<Result>(
        login: (user: String, password: String)? = nil, forbidden: String? = nil,
        _ body: (TestProxy) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            let proxy = try await start(in: directory) { port in
                var lines = [
                    "Port \(port)", "Listen 127.0.0.1", "Timeout 600", "MaxClients 100", "LogLevel Info",
                    "ViaProxyName \"test\"",
                ]
                if let login { lines.append("BasicAuth \(login.user) \(login.password)") }
                if let forbidden {
                    try directory.write(Array("\(forbidden)\n".utf8), to: "filter")
                    lines.append("Filter \"\(directory.file("filter"))\"")
                }
                return lines.joined(separator: "\n") + "\n"
            }
            do {
                let result = try await body(proxy)
                await proxy.process.end()
                return result
            } catch {
                await proxy.process.end()
                throw error
            }
        }
    }

    private static func start(
        in directory: TemporaryDirectory, configuration: (_ port: Int) throws -> String
    ) async throws -> TestProxy {
        guard let program = installedProgram("tinyproxy") else { throw TestSupportError("tinyproxy is not installed") }
        var lastError: (any Error)?
        for _ in 0..<5 {
            let port = try freePort()
            let file = try directory.write(Array(try configuration(port).utf8), to: "tinyproxy.conf")
            let process = try ProcessRunner(program, ["-d", "-c", file], environment: ["PATH": "/usr/bin:/bin"])
            do {
                try await process.waitForOutput("Accepting connections")
                return TestProxy(address: "127.0.0.1:\(port)", process: process)
            } catch {
                await process.end()
                lastError = error
            }
        }
        throw lastError ?? TestSupportError("tinyproxy does not start")
    }

    /// The requests that came, as `CONNECT 192.0.2.7:443 HTTP/1.1` or `GET http://192.0.2.7/v2/ HTTP/1.1`, also those
    /// that were refused; whatever was answered is there already.
    public var requests: [String] {
        (process.output + process.errors).split(separator: "\n").compactMap { line in
            guard line.contains("Request (file descriptor"), let mark = line.firstRange(of: "): ") else { return nil }
            return String(line[mark.upperBound...])
        }
    }
}

/// An address of this machine that is not the loopback's: what runs there is a foreign server to pushd.
///
/// - Returns: the first interface's. A machine without a network has 0.0.0.0, which leads back to it too.
public func ownAddress() -> String {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return "0.0.0.0" }
    defer { freeifaddrs(list) }
    var entry = list
    while let interface = entry?.pointee {
        entry = interface.ifa_next
        let flags = Int32(bitPattern: interface.ifa_flags)
        guard let address = interface.ifa_addr, Int32(address.pointee.sa_family) == AF_INET,
            flags & Int32(IFF_UP) != 0, flags & Int32(IFF_LOOPBACK) == 0
        else { continue }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        if getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
    return "0.0.0.0"
}
