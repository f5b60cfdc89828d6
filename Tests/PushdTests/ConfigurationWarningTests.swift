import Glibc
import TestSupport
import Testing

@testable import pushd

@Suite("A configuration that may not be meant so")
struct ConfigurationWarningTests {
    private func warnings(_ document: String, file: String = "/f") throws -> [String] {
        try Configuration(parsing: Array(document.utf8), file: file).warnings(file: file)
    }

    @Test("names stores, login files and certificates that are not there or are something else")
    func missing() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write([0x7B, 0x7D], to: "file")
            let (file, gone) = (directory.file("file"), directory.file("gone"))
            chmod(file, 0o600)
            let document = """
                { stores: ["oci:\(directory.path)", "oci:\(gone)", "oci:\(file)"],
                  credentials: { files: ["\(file)", "\(gone)", "\(directory.path)"] },
                  registries: { "h.example": { caFile: "\(gone)", clientCertificate: "\(file)", clientKey: "\(gone)" } } }
                """
            #expect(
                try warnings(document) == [
                    "stores: oci:\(gone) can't be used yet: No such file or directory",
                    "stores: oci:\(file) is no directory",
                    "credentials.files: \(gone) can't be used yet: No such file or directory",
                    "credentials.files: \(directory.path) is no plain file",
                    "registries.\"h.example\".caFile: \(gone) can't be used yet: No such file or directory",
                    "registries.\"h.example\".clientKey: \(gone) can't be used yet: No such file or directory",
                ])
        }
    }

    @Test("names files with a password that every user can read", arguments: [0o644, 0o640])
    func readable(mode: Int) async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write([0x7B, 0x7D], to: "logins")
            try directory.write([0x7B, 0x7D], to: "pushd.json5")
            let (logins, file) = (directory.file("logins"), directory.file("pushd.json5"))
            for path in [logins, file] { #expect(chmod(path, mode_t(mode)) == 0) }
            let document = """
                { credentials: { files: "\(logins)" },
                  registries: { "h.example": { proxy: "http://user:secret-7@p.example:3128" },
                                "i.example": { proxy: "http://p.example:3128" } } }
                """
            let warnings = try warnings(document, file: file)
            #expect(!warnings.contains { $0.contains("secret-7") })
            let expected = [
                "credentials.files: \(logins) can be read by every user: chmod 600 \(logins)",
                "registries.\"h.example\".proxy: there is a password in it, and every user can read \(file): chmod 600 \(file)",
            ]
            #expect(warnings == (mode == 0o644 ? expected : []))
        }
    }
}
