import FoundationEssentials
import Glibc
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite("Keeping logins", .timeLimit(.minutes(1)))
struct CredentialStoreTests {
    private static func with(
        _ content: String?, _ body: (CredentialStore, _ path: String, CredentialFiles) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            // Keeps what it is told in a file for each server, as the protocol has it.
            let script = #"""
                #!/bin/sh
                input=$(cat)
                case "$1" in
                store) server=$(printf %s "$input" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/; s,\\\\/,/,g')
                    printf %s "$input" > "$HERE/kept-$(printf %s "$server" | tr /: __)" ;;
                get) cat "$HERE/kept-$(printf %s "$input" | tr /: __)" 2>/dev/null ||
                    { echo credentials not found in native keychain; exit 1; } ;;
                erase) rm "$HERE/kept-$(printf %s "$input" | tr /: __)" ;;
                esac
                """#
            try await directory.makeProgram(script, as: "bin/docker-credential-keep")
            let environment = ["PATH": directory.file("bin") + ":/usr/bin:/bin", "HERE": directory.path]
            let path = directory.file(".docker/config.json")
            if let content { try directory.write(content.utf8, to: ".docker/config.json") }
            try await body(
                CredentialStore(paths: [], environment: environment, home: directory.path), path,
                CredentialFiles(
                    paths: [], environment: environment.merging(["XDG_RUNTIME_DIR": directory.path]) { $1 },
                    home: directory.path))
        }
    }

    private static func document(_ path: String) throws -> JSONValue {
        try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: path))))
    }

    @Test(
        "makes the file for its owner alone, and pushd finds the login there",
        arguments: ["reg.example:5000", "docker.io"])
    func new(registry: String) async throws {
        try await Self.with(nil) { store, path, files in
            #expect(try await store.store(user: "u", password: Secret("p:w"), for: registry) == path)
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let found = try await files.credential(registry: registry, repository: "a")
            #expect(found?.credential == .basic(user: "u", password: Secret("p:w")))
            let key = registry == "docker.io" ? "https://index.docker.io/v1/" : registry
            #expect(try Self.document(path)["auths"]?[key]?["auth"] == .string("dTpwOnc="))
            #expect(try await store.erase(registry) == path)
            #expect(try await files.credential(registry: registry, repository: "a") == nil)
            #expect(try await store.erase(registry) == nil)
        }
    }

    @Test("leaves all else as it is, and replaces the registry's entries under all their names")
    func others() async throws {
        let content = #"""
            {"auths":{"other.example":{"auth":"dTpw","email":"x"},"https://reg.example/v1/":{"auth":"b2xkOm9sZA=="},
             "reg.example/team":{"auth":"dTpw"}},
             "HttpHeaders":{"User-Agent":"x"},"big":12345678901234567,"psFormat":"table {{.ID}}\\t","list":[1,2.5,null,true]}
            """#
        try await Self.with(content) { store, path, _ in
            let before = try Self.document(path)
            _ = try await store.store(user: "u", password: Secret("p"), for: "reg.example")
            var after = try Self.document(path)
            #expect(after["auths"]?["reg.example"]?["auth"] == .string("dTpw"))
            #expect(after["auths"]?["https://reg.example/v1/"] == nil)
            var auths = try #require(after["auths"])
            auths["reg.example"] = nil
            auths["https://reg.example/v1/"] = before["auths"]?["https://reg.example/v1/"]
            after["auths"] = auths
            #expect(after == before)
        }
    }

    @Test(
        "gives the secret to the helper that the file names, and leaves a mark",
        arguments: ["credsStore", "credHelpers"])
    func helper(kind: String) async throws {
        let content =
            kind == "credsStore" ? #"{"credsStore":"keep"}"# : #"{"credHelpers":{"reg.example":"keep"}}"#
        try await Self.with(content) { store, path, files in
            let place = try await store.store(user: "u", password: Secret("sesame"), for: "reg.example")
            #expect(place == "docker-credential-keep, which \(path) names")
            #expect(try Self.document(path)["auths"]?["reg.example"] == .object([:]))
            #expect(!(try String(contentsOfFile: path, encoding: .utf8).contains("sesame")))
            let found = try await files.credential(registry: "reg.example", repository: "a")
            #expect(found?.credential == .basic(user: "u", password: Secret("sesame")))
            #expect(try await store.erase("reg.example") == place)
            #expect(try Self.document(path)["auths"]?["reg.example"] == nil)
            #expect(try await store.erase("reg.example") == nil)
        }
    }

    @Test("follows a link, and keeps the old file where the new one can't be written")
    func links() async throws {
        try await Self.with(nil) { store, path, _ in
            let real = path + ".real"
            try FileManager.default.createDirectory(
                atPath: String(path.dropLast("/config.json".count)), withIntermediateDirectories: true)
            try Data("{}".utf8).write(to: URL(filePath: real))
            symlink(real, path)
            _ = try await store.store(user: "u", password: Secret("p"), for: "reg.example")
            #expect(try Self.document(real)["auths"]?["reg.example"] != nil)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == real)
        }
    }

    @Test("keeps the file's mode, and leaves nothing else beside it", arguments: [0o600, 0o640, 0o664] as [mode_t])
    func mode(_ mode: mode_t) async throws {
        try await Self.with("{}") { store, path, _ in
            chmod(path, mode)
            let password = Secret(String(repeating: "x", count: 500_000))
            _ = try await store.store(user: "u", password: password, for: "reg.example")
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == mode)
            #expect(status.st_size > 600_000)
            let directory = String(path.dropLast("/config.json".count))
            let files = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(files == ["config.json"])
        }
    }

    @Test("of another user leaves the file that user's", .enabled(if: geteuid() == 0))
    func owner() async throws {
        try await Self.with("{}") { store, path, _ in
            let directory = String(path.dropLast("/config.json".count))
            chown(directory, 12_345, 12_345)
            chown(path, 12_345, 54_321)
            chmod(path, 0o600)
            _ = try await store.store(user: "u", password: Secret("p"), for: "reg.example")
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_uid == 12_345 && status.st_gid == 54_321)
            #expect(status.st_mode & 0o7777 == 0o600)
            // A new one is the directory's owner's, too.
            unlink(path)
            _ = try await store.store(user: "u", password: Secret("p"), for: "reg.example")
            #expect(stat(path, &status) == 0 && status.st_uid == 12_345 && status.st_mode & 0o7777 == 0o600)
        }
    }

    /// Another user's link would have root write, and read, what that user may not.
    @Test("follows no link that another user can have made", .enabled(if: geteuid() == 0), arguments: [true, false])
    func plantedLink(isFile: Bool) async throws {
        try await Self.with("{}") { store, path, _ in
            let directory = String(path.dropLast("/config.json".count))
            let other = directory + ".of-root"
            mkdir(other, 0o700)
            let secret = other + "/config.json"
            try Data(#"{"auths":{"secret.example":{"auth":"cm9vdDpzZXNhbWU="}}}"#.utf8).write(to: URL(filePath: secret))
            if isFile {
                unlink(path)
                symlink(secret, path)
                chown(directory, 12_345, 12_345)
            } else {
                // A directory on the way, in one that all may write.
                unlink(path)
                rmdir(directory)
                symlink(other, directory)
                lchown(directory, 12_345, 12_345)
            }
            let failure = await #expect(throws: CredentialStore.Failure.self) {
                try await store.store(user: "u", password: Secret("p"), for: "reg.example")
            }
            #expect(failure?.description.contains("is a link that another user can change") == true)
            await #expect(throws: CredentialStore.Failure.self) { try await store.erase("secret.example") }
            let kept = try String(contentsOfFile: secret, encoding: .utf8)
            #expect(kept.contains("secret.example"))
            let files = try FileManager.default.contentsOfDirectory(atPath: other)
            #expect(files == ["config.json"])
        }
    }

    @Test("of nobody makes no directory")
    func logoutMakesNothing() async throws {
        try await Self.with(nil) { store, path, _ in
            let place = try await store.erase("reg.example")
            #expect(place == nil)
            #expect(access(String(path.dropLast("/config.json".count)), F_OK) != 0)
        }
    }

    @Test("refuses a file that it does not understand, and no home", arguments: ["sesame", "[]", #"{"auths":3}"#])
    func unreadable(content: String) async throws {
        try await Self.with(content) { store, path, _ in
            let failure = await #expect(throws: CredentialStore.Failure.self) {
                try await store.store(user: "u", password: Secret("p"), for: "reg.example")
            }
            #expect(failure?.description.hasPrefix("the logins in \(path) can't be read: ") == true)
            #expect(failure?.description.contains("sesame") == false)
            let kept = try String(contentsOfFile: path, encoding: .utf8)
            #expect(kept == content)
        }
        let homeless = CredentialStore(paths: [], environment: [:], home: nil)
        await #expect(throws: CredentialStore.Failure.self) { try await homeless.erase("reg.example") }
    }
}
