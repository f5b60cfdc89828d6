internal import Glibc

/// The path of an executable of this package, as it was built for these tests.
///
/// - Parameter name: `pushd` or `pushctl`.
/// - Throws: ``TestSupportError`` if it was not built.
public func builtProduct(_ name: String) throws -> String {
    // The test bundle is a program on Linux and stands beside the products. A helper may have loaded it instead.
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    let candidates =
        [own.map { String(cString: $0) }].compactMap { $0 } + CommandLine.arguments.filter { $0.contains(".xctest") }
    for candidate in candidates {
        guard let slash = candidate.lastIndex(of: "/") else { continue }
        let path = candidate[..<slash] + "/" + name
        if access(String(path), X_OK) == 0 { return String(path) }
    }
    throw TestSupportError("\(name) is not built: run swift build --product \(name)")
}

/// The absolute path of an installed program; nil if there is none, so that a test can be left out.
public func installedProgram(_ name: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}

/// A port that nobody listens on right now, for programs that can't choose one themselves.
///
/// Another program may take it first: whoever uses it starts again with a new one then.
public func freePort() throws -> Int {
    let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(probe) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(probe, $0, length) == 0 && getsockname(probe, $0, &length) == 0
        }
    }
    guard isBound else { throw TestSupportError("no free port: errno \(errno)") }
    return Int(UInt16(bigEndian: address.sin_port))
}

/// A certificate for 127.0.0.1 and localhost, made by the `openssl` program; its own authority, or another's.
public struct TestCertificate: Sendable {
    /// PEM files' absolute paths. A certificate that is its own authority is also what a client has to trust.
    public let certificate: String
    public let key: String

    /// - Parameters:
    ///   - days: how long it is valid from now.
    ///   - address: one more that it is for.
    ///   - authority: who signs it; nil: itself.
    public static func make(
        in directory: TemporaryDirectory, name: String = "tls", days: Int = 2, address: String? = nil,
        signedBy authority: TestCertificate? = nil
    ) async throws -> TestCertificate {
        let made = TestCertificate(
            certificate: directory.file("\(name).crt"), key: directory.file("\(name).key"))
        let result = try await ProcessRunner.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", String(days), "-subj", "/CN=pushd test", "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost" + (address.map { ",IP:" + $0 } ?? ""),
                "-keyout", made.key, "-out", made.certificate,
            ] + (authority.map { ["-CA", $0.certificate, "-CAkey", $0.key] } ?? []))
        guard result.status == 0 else { throw TestSupportError("openssl: \(result.errors)") }
        return made
    }
}
