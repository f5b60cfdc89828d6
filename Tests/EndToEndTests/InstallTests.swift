import FoundationEssentials
import TestSupport
import Testing

/// `make install` and `make uninstall`, into a directory of the test's own.
@Suite("make install")
struct InstallTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private func make(
        _ target: String, into directory: TemporaryDirectory, prefix: String = "/usr", built: String? = nil
    ) async throws -> ProcessRunner.Result {
        let products = try URL(filePath: builtProduct("pushd")).deletingLastPathComponent().path
        return try await ProcessRunner.run(
            "make",
            [
                "--silent", "-C", Self.repository, target, "DESTDIR=\(directory.path)", "PREFIX=\(prefix)",
                "BUILT=\(built ?? products)",
            ])
    }

    private func text(_ path: String, in directory: TemporaryDirectory) throws -> String {
        try String(contentsOfFile: directory.path + path, encoding: .utf8)
    }

    @Test("units name the programs where they lie, and the installed programs run", arguments: ["/usr", "/opt/pushd"])
    func units(prefix: String) async throws {
        try await TemporaryDirectory.with { directory in
            let result = try await make("install", into: directory, prefix: prefix)
            #expect(result.status == 0, "\(result.errors)")
            for (unit, options) in [
                ("system/pushd", " --state-dir /var/lib/pushd"), ("system/pushd-files", " --open-files-for pushd"),
                ("user/pushd", ""),
            ] {
                let service = try text("\(prefix)/lib/systemd/\(unit).service", in: directory)
                #expect(service.contains("\nExecStart=\(prefix)/bin/pushd\(options)\n"), "\(unit)")
            }
            for program in ["pushd", "pushctl"] {
                let path = directory.path + "\(prefix)/bin/\(program)"
                let version = try await ProcessRunner.run(path, ["--version"])
                #expect(version.status == 0 && version.output.contains("0.1"), "\(version.errors)")
                let sections = try await ProcessRunner.run("readelf", ["--section-headers", path])
                #expect(sections.output.contains(".text") && !sections.output.contains(".debug_info"), "not stripped")
            }
        }
    }

    @Test("the site's configuration stays as it is, and the new one is laid beside it")
    func configuration() async throws {
        try await TemporaryDirectory.with { directory in
            #expect(try await make("install", into: directory).status == 0)
            let shipped = try text("/etc/pushd/pushd.json5", in: directory)
            #expect(shipped == (try String(contentsOfFile: Self.repository + "/etc/pushd.json5", encoding: .utf8)))

            let again = try await make("install", into: directory)
            #expect(again.output.isEmpty, "nothing to tell: \(again.output)")
            #expect(!FileManager.default.fileExists(atPath: directory.path + "/etc/pushd/pushd.json5.new"))

            let own = "{ stores: [\"oci:/srv/images\"] }\n"
            try own.write(toFile: directory.path + "/etc/pushd/pushd.json5", atomically: true, encoding: .utf8)
            let upgrade = try await make("install", into: directory)
            #expect(upgrade.output.contains("/etc/pushd/pushd.json5.new"), "\(upgrade.output)")
            #expect(try text("/etc/pushd/pushd.json5", in: directory) == own)
            #expect(try text("/etc/pushd/pushd.json5.new", in: directory) == shipped)
        }
    }

    @Test("what is not built is not installed, and nothing is built for it")
    func notBuilt() async throws {
        try await TemporaryDirectory.with { directory in
            let result = try await make("install", into: directory, built: directory.path + "/nowhere")
            #expect(result.status != 0)
            #expect(result.errors.contains("make build"), "\(result.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
        }
    }

    @Test(
        "refuses a prefix that is relative, or that a unit can't name",
        arguments: ["opt", "/opt/my pushd", "/o&t", "/%h"])
    func prefixes(prefix: String) async throws {
        try await TemporaryDirectory.with { directory in
            let result = try await make("install", into: directory, prefix: prefix)
            #expect(result.status != 0 && result.errors.contains("install: PREFIX "), "\(result.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
        }
    }

    @Test("takes what was built from a directory with blanks, and leaves nothing half-done where strip fails")
    func blanks() async throws {
        try await TemporaryDirectory.with { directory in
            let built = try directory.makeDirectory("what was built")
            for program in ["pushd", "pushctl"] {
                try FileManager.default.copyItem(atPath: "/bin/true", toPath: built + "/" + program)
            }
            func install(_ place: String, strip: String) async throws -> ProcessRunner.Result {
                try await ProcessRunner.run(
                    Self.repository + "/scripts/install", ["install"],
                    environment: [
                        "PATH": "/usr/bin:/bin", "BUILT": built, "DESTDIR": directory.file(place), "STRIP": strip,
                    ])
            }
            let good = try await install("good", strip: "true")
            #expect(good.status == 0, "\(good.errors)")
            #expect(FileManager.default.isExecutableFile(atPath: directory.file("good/usr/bin/pushctl")))
            #expect(try await install("bad", strip: "false").status != 0)
            let left = try await ProcessRunner.run("find", [directory.file("bad"), "-type", "f"])
            #expect(left.output.isEmpty, "\(left.output)")
        }
    }

    @Test("uninstall removes all that install brought, but for the configuration")
    func uninstall() async throws {
        try await TemporaryDirectory.with { directory in
            #expect(try await make("install", into: directory, prefix: "/usr/local").status == 0)
            let result = try await make("uninstall", into: directory, prefix: "/usr/local")
            #expect(result.status == 0 && result.output.contains("/etc/pushd"), "\(result.output)\(result.errors)")
            let left = try await ProcessRunner.run("find", [directory.path, "-type", "f"])
            #expect(left.output == directory.path + "/etc/pushd/pushd.json5\n")
        }
    }
}
