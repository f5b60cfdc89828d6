import FoundationEssentials
import HTTP
import TestSupport
import Testing

@testable import Registry

@Suite("Directories of certificates")
struct CertificateDirectoriesTests {
    private static func with(
        _ files: [String], now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        _ body: (CertificateDirectories, TemporaryDirectory) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            for file in files { try directory.write([], to: file) }
            let parents = [directory.file("user"), directory.file("system")]
            try await body(CertificateDirectories(in: parents, for: "r.example:5000", now: now), directory)
        }
    }

    @Test("give all authorities besides the configured ones, and the first client certificate")
    func all() async throws {
        let files = ["b.crt", "a.crt", "z.cert", "z.key", "m.cert", "m.key", "README", "a.pem"]
        try await Self.with(files.map { "system/r.example:5000/\($0)" }) { found, directory in
            let place = directory.file("system/r.example:5000")
            var configured = TLSOptions(authorityFiles: ["/ca"], verify: false)
            var options = try await found.options(adding: configured)
            #expect(options.authorityFiles == ["/ca", place + "/a.crt", place + "/b.crt"])
            #expect(options.clientCertificate == place + "/m.cert" && options.clientKey == place + "/m.key")
            #expect(!options.verify)
            configured.clientCertificate = "/c"
            options = try await found.options(adding: configured)
            #expect(options.clientCertificate == "/c" && options.clientKey == nil)
        }
    }

    @Test("are those of exactly this host and port, the user's own before the system's")
    func place() async throws {
        let files = ["system/r.example:5000/s.crt", "user/r.example:5000/u.crt", "user/r.example/x.crt"]
        try await Self.with(files) { found, directory in
            let files = try await found.options(adding: TLSOptions()).authorityFiles
            #expect(files == [directory.file("user/r.example:5000/u.crt")])
        }
        try await Self.with(["user/r.example/x.crt"]) { found, _ in
            let options = try await found.options(adding: TLSOptions())
            #expect(options == TLSOptions())
        }
    }

    @Test(
        "may spell the registry otherwise, as far as it is the same",
        arguments: [
            ("r.example:443", "R.example", true), ("r.example", "r.example:0443", true),
            ("r.example:443", "r.example:444", false),
            ("localhost:443", "localhost", false), ("docker.io", "registry-1.docker.io", true),
            ("[::1]:5000", "[0::1]:5000", true),
        ])
    func spelling(domain: String, directory: String, isFound: Bool) async throws {
        try await TemporaryDirectory.with { parent in
            try parent.write([], to: "\(directory)/a.crt")
            let found = CertificateDirectories(in: [parent.path], for: domain)
            #expect(try await found.options(adding: TLSOptions()).authorityFiles.count == (isFound ? 1 : 0))
        }
    }

    @Test("with half a client certificate are an error", arguments: [("a.cert", "a.key"), ("a.key", "a.cert")])
    func half(there: String, missing: String) async throws {
        try await Self.with(["user/r.example:5000/\(there)"]) { found, directory in
            let problem = await #expect(throws: CertificateDirectories.Problem.self) {
                try await found.options(adding: TLSOptions())
            }
            let start = "\(directory.file("user/r.example:5000/\(there)")) is there without \(missing)"
            #expect(problem?.reason.hasPrefix(start) == true)
            #expect(problem?.reason.contains("authorities end in .crt") == (there == "a.cert"))
        }
    }

    @Test("are looked at again after a second")
    func again() async throws {
        let clock = TestClock()
        try await Self.with([], now: { clock.now }) { found, directory in
            func count() async throws -> Int { try await found.options(adding: TLSOptions()).authorityFiles.count }
            #expect(try await count() == 0)
            try directory.write([], to: "user/r.example:5000/a.crt")
            #expect(try await count() == 0)
            clock.advance(by: .seconds(1))
            #expect(try await count() == 1)
        }
    }
}
