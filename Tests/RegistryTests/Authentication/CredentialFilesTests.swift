import Glibc
import TestSupport
import Testing

@testable import Registry

@Suite("Logins in files")
struct CredentialFilesTests {
    /// `user:p:w`, and `user:` and `user:pw` with NULs behind it.
    static let auth = "dXNlcjpwOnc="

    private func find(
        _ registry: String, _ repository: String = "", in content: String
    ) async throws -> FoundCredential? {
        try await TemporaryDirectory.with { directory in
            let path = try directory.write(content.utf8, to: "config.json")
            return try await CredentialFiles(
                paths: [path], environment: ["REGISTRY_AUTH_FILE": path, "PATH": directory.path], home: nil
            ).credential(registry: registry, repository: repository)
        }
    }

    private func basic(_ user: String, _ password: String) -> Credential {
        .basic(user: user, password: Secret(password))
    }

    @Test(
        "are read in every form",
        arguments: [
            (#"{"auth":"dXNlcjpwOnc="}"#, .basic(user: "user", password: Secret("p:w")), nil),
            (#"{"auth":"dXNlcjpwOnc"}"#, .basic(user: "user", password: Secret("p:w")), nil),
            (#"{"auth":"dXNlcjpwdwAA"}"#, .basic(user: "user", password: Secret("pw")), nil),
            (#"{"username":"u","password":"p","email":"x","other":{}}"#, .basic(user: "u", password: Secret("p")), nil),
            (
                #"{"username":"u","password":"p","auth":"dXNlcjpwOnc="}"#,
                .basic(user: "user", password: Secret("p:w")), nil
            ),
            (#"{"username":"u","password":"p","auth":null}"#, .basic(user: "u", password: Secret("p")), nil),
            (#"{"auth":"dXNlcjo=","identitytoken":"t"}"#, .identityToken(Secret("t")), nil),
            (
                #"{"auth":"dXNlcjpwOnc=","identitytoken":"t"}"#, .identityToken(Secret("t")),
                .basic(user: "user", password: Secret("p:w"))
            ),
            (#"{"registrytoken":"r"}"#, .bearer(Secret("r")), nil),
        ] as [(String, Credential, Credential?)])
    func forms(entry: String, credential: Credential, fallback: Credential?) async throws {
        let found = try await find("reg.example", in: #"{"auths":{"reg.example":\#(entry)}}"#)
        #expect(found?.credential == credential)
        #expect(found?.fallback == fallback)
        #expect(found?.origin.hasSuffix(#"/config.json (entry "reg.example")"#) == true)
    }

    @Test(
        "that say nothing are none",
        arguments: [
            "", "{}", #"{"auths":null}"#, #"{"auths":{}}"#, #"{"auths":{"reg.example":{}}}"#,
            #"{"auths":{"reg.example":{"auth":"","email":"x"}}}"#,
            #"{"auths":{"other.example":{"auth":"dXNlcjpwOnc="}}}"#,
            #"{"auths":{"other.example":{"auth":"!"}}}"#, #"{"credsStore":"desktop"}"#,
            #"{"credsStore":"desktop","auths":{"other.example":{}}}"#, #"{"credHelpers":{"other.example":"x"}}"#,
        ])
    func none(content: String) async throws {
        #expect(try await find("reg.example", in: content) == nil)
    }

    @Test(
        "are found under the most specific key, cut at whole path elements",
        arguments: [
            ("reg.example", "a/b/c", "3"), ("reg.example", "a/b/cc", "2"), ("reg.example", "a/b", "2"),
            ("reg.example", "a/bb", "1"), ("reg.example", "x", "0"), ("reg.example", "", "0"),
            ("reg.example:5000", "a", nil), ("reg", "a", nil),
        ] as [(String, String, String?)])
    func namespaces(registry: String, repository: String, user: String?) async throws {
        let content = #"""
            {"auths":{"reg.example":{"username":"0","password":"p"},"reg.example/a":{"username":"1","password":"p"},
            "reg.example/a/b":{"username":"2","password":"p"},"reg.example/a/b/c":{"username":"3","password":"p"}}}
            """#
        #expect(try await find(registry, repository, in: content)?.user == user)
    }

    @Test(
        "are found under keys in other spellings",
        arguments: [
            ("reg.example", "https://reg.example"), ("reg.example", "http://reg.example/v1/"),
            ("reg.example", "REG.example"), ("reg.example", "https://reg.example:443"),
            ("reg.example", "reg.example:0443"),
            ("reg.example:443", "reg.example"), ("LOCALHOST:05000", "localhost:5000"), ("[0::1]:5000", "[::1]:5000"),
            ("reg.example:5000", "https://reg.example:5000/v2/"), ("docker.io", "https://index.docker.io/v1/"),
            ("docker.io", "docker.io"), ("docker.io", "index.docker.io"), ("docker.io", "docker.io/library/app"),
            ("docker.io", "docker.io/library"), ("index.docker.io", "https://index.docker.io/v1/"),
            ("registry-1.docker.io", "https://index.docker.io/v1/"), ("docker.io", "registry-1.docker.io"),
        ])
    func spellings(registry: String, key: String) async throws {
        let content = #"{"auths":{"\#(key)":{"auth":"dXNlcjpwOnc="}}}"#
        let found = try await find(registry, "library/app", in: content)
        #expect(found?.user == "user")
        #expect(found?.origin.contains("\"\(key)\"") == true)
    }

    @Test(
        "are not found under keys that mean something else",
        arguments: [
            ("reg.example", "https://reg.example:444"), ("reg.example", "reg.example:80"),
            ("localhost", "localhost:443"), ("reg.example", "reg.example/b"),
            ("reg.example", "sub.reg.example"), ("reg.example", "reg.example.org"),
            ("reg.example", "https://reg.example.org/reg.example"),
            ("index.docker.io.example", "https://index.docker.io/v1/"),
        ])
    func otherKeys(registry: String, key: String) async throws {
        let content = #"{"auths":{"\#(key)":{"auth":"dXNlcjpwOnc="}}}"#
        #expect(try await find(registry, "a/app", in: content) == nil)
    }

    @Test(
        "that are left to a helper which is not there are an error that names it",
        arguments: [
            (
                #"{"credHelpers":{"reg.example":"ecr-login"},"auths":{"reg.example":{"auth":"dXNlcjpwOnc="}}}"#,
                "reg.example", "ecr-login"
            ),
            (#"{"credsStore":"desktop","auths":{"reg.example":{}}}"#, "reg.example", "desktop"),
            (#"{"credsStore":"desktop","auths":{"https://index.docker.io/v1/":{}}}"#, "docker.io", "desktop"),
            (#"{"credHelpers":{"https://index.docker.io/v1/":"pass"}}"#, "docker.io", "pass"),
            (#"{"credHelpers":{"docker.io":"../pass"}}"#, "docker.io", "../pass"),
        ])
    func helpers(content: String, registry: String, helper: String) async throws {
        let error = try await authenticationError { try await find(registry, "a", in: content) }
        guard case .helperMissing(name: helper, path: let path)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path.hasSuffix("/config.json"))
        #expect(error?.description.contains("docker-credential-\(helper)") == true)
    }

    @Test("beside a helper for all hosts still count where the entry has one")
    func storeAndLogin() async throws {
        let content = #"{"credsStore":"desktop","auths":{"reg.example":{"auth":"dXNlcjpwOnc="}}}"#
        #expect(try await find("reg.example", in: content)?.user == "user")
    }

    @Test(
        "that can't be understood are an error which quotes nothing",
        arguments: [
            ("{\n\"auths\": {\n\"reg.example\": {\"auth\": sesame}}}", "it is not valid JSON"),
            ("sesame", "it is not valid JSON"),
            (#"["sesame"]"#, "it does not have the form of a Docker or containers login file"),
            (#"{"auths":"sesame"}"#, "it does not have the form of a Docker or containers login file"),
            (#"{"auths":{"reg.example":"sesame"}}"#, #"entry "reg.example": it is not an object"#),
            (
                #"{"auths":{"reg.example":{"auth":"sesame!"}}}"#,
                #"entry "reg.example": its field auth is not the Base64 form"#
            ),
            (
                #"{"auths":{"reg.example":{"auth":"c2VzYW1l"}}}"#,
                #"entry "reg.example": its field auth is not the Base64 form"#
            ),
            (
                #"{"auths":{"reg.example":{"auth":"OnNlc2FtZQ=="}}}"#,
                #"entry "reg.example": its field auth is not the Base64 form"#
            ),
            (#"{"auths":{"reg.example":{"auth":["sesame"]}}}"#, #"entry "reg.example": its field auth is not a text"#),
            (
                #"{"auths":{"reg.example":{"password":"sesame"}}}"#,
                #"entry "reg.example": it lacks a user or a password"#
            ),
            (
                #"{"auths":{"reg.example":{"username":"u:sesame","password":"p"}}}"#,
                #"entry "reg.example": its user name holds a colon"#
            ),
            (
                #"{"auths":{"reg.example":{"registrytoken":"ses\name"}}}"#,
                #"entry "reg.example": its field registrytoken"#
            ),
        ])
    func malformed(content: String, reason: String) async throws {
        let error = try await authenticationError { try await find("reg.example", in: content) }
        guard case .credentialFileUnreadable(let path, let found)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path.hasSuffix("/config.json"))
        #expect(found.hasPrefix(reason))
        #expect(!String(reflecting: error).contains("sesame"))
    }
}

@Suite("The files that hold logins")
struct CredentialPlacesTests {
    @Test(
        "are looked at in order",
        arguments: [
            (
                ["/a", "/b"], [:], "/h",
                [
                    "/a", "/b", "/run/containers/7/auth.json", "/h/.config/containers/auth.json",
                    "/h/.docker/config.json", "/h/.dockercfg",
                ]
            ),
            (
                [], ["XDG_RUNTIME_DIR": "/x", "XDG_CONFIG_HOME": "/c", "DOCKER_CONFIG": "/d"], "/h",
                ["/x/containers/auth.json", "/c/containers/auth.json", "/d/config.json", "/h/.dockercfg"]
            ),
            ([], ["XDG_RUNTIME_DIR": "", "DOCKER_CONFIG": ""], nil, ["/run/containers/7/auth.json"]),
            (["/a"], ["REGISTRY_AUTH_FILE": "/only", "DOCKER_CONFIG": "/d"], "/h", ["/a", "/only"]),
            (
                [], ["CREDENTIALS_DIRECTORY": "/run/cred", "REGISTRY_AUTH_FILE": "/only"], "/h",
                ["/run/cred/registry-auth", "/only"]
            ),
        ] as [([String], [String: String], String?, [String])])
    func order(paths: [String], environment: [String: String], home: String?, expected: [String]) {
        #expect(CredentialFiles(paths: paths, environment: environment, home: home, user: 7).places == expected)
    }

    @Test("those of root count after the daemon's own, unless one file is all")
    func rootsPlaces() {
        func places(_ environment: [String: String]) -> [String] {
            CredentialFiles(paths: ["/a"], environment: environment, home: "/h", systemHome: "/r", user: 7).places
        }
        #expect(
            places(["DOCKER_CONFIG": "/d", "XDG_CONFIG_HOME": "/c"]).suffix(4) == [
                "/h/.dockercfg", "/run/containers/0/auth.json", "/r/.config/containers/auth.json",
                "/r/.docker/config.json",
            ])
        #expect(places(["REGISTRY_AUTH_FILE": "/only"]) == ["/a", "/only"])
    }

    @Test("give the first login for the repository; missing ones are passed over")
    func firstWins() async throws {
        try await TemporaryDirectory.with { directory in
            let config =
                #"{"auths":{"r":{"username":"docker","password":"p"},"s":{"username":"docker","password":"p"}}}"#
            let auth = #"{"auths":{"r":{"username":"containers","password":"p"},"s":{}}}"#
            let legacy = #"{"https://old.example/v1/":{"auth":"dXNlcjpwOnc="},"r/a":{"auth":"dXNlcjpwOnc="}}"#
            try directory.write(config.utf8, to: ".docker/config.json")
            try directory.write(auth.utf8, to: ".config/containers/auth.json")
            try directory.write(legacy.utf8, to: ".dockercfg")
            let files = CredentialFiles(
                paths: [directory.file("missing")], environment: ["XDG_RUNTIME_DIR": directory.file("nowhere")],
                home: directory.path)
            #expect(try await files.credential(registry: "r", repository: "a")?.user == "containers")
            #expect(try await files.credential(registry: "s", repository: "a")?.user == "docker")
            #expect(try await files.credential(registry: "old.example", repository: "a")?.user == "user")
            #expect(try await files.credential(registry: "t", repository: "a") == nil)
        }
    }

    @Test("stop the search when they can't be read")
    func unreadable() async throws {
        try await TemporaryDirectory.with { directory in
            let good = try directory.write(#"{"auths":{"r":{"auth":"dXNlcjpwOnc="}}}"#.utf8, to: "good")
            let large = try directory.write([UInt8](repeating: 0x20, count: 1 << 20 | 1), to: "large")
            let loop = directory.file("loop")
            #expect(symlink(loop, loop) == 0)
            let pipe = directory.file("pipe")
            #expect(mkfifo(pipe, 0o600) == 0)
            let bad = [
                (try directory.makeDirectory("directory"), "it is not a regular file"),
                (pipe, "it is not a regular file"),
                (large, "it is larger than 1 MiB"), (loop, "Too many levels of symbolic links"),
            ]
            for (path, reason) in bad {
                let files = CredentialFiles(paths: [path, good], environment: [:], home: nil)
                let error = try await authenticationError { try await files.credential(registry: "r", repository: "") }
                guard case .credentialFileUnreadable(path, reason)? = error?.cause else {
                    Issue.record("\(path): \(String(describing: error))")
                    continue
                }
            }
        }
    }

    @Test("are read again when they have changed, appeared or gone")
    func changes() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("auth.json")
            let files = CredentialFiles(paths: [path], environment: ["REGISTRY_AUTH_FILE": path], home: nil)
            func user() async throws -> String? { try await files.credential(registry: "r", repository: "")?.user }
            #expect(try await user() == nil)
            for name in ["ann", "bob", "eve"] {
                // As login tools do it: a new file takes the old one's name. Size and contents' length stay the same.
                let new = try directory.write(
                    #"{"auths":{"r":{"username":"\#(name)","password":"p"}}}"#.utf8, to: "new")
                #expect(rename(new, path) == 0)
                #expect(try await user() == name)
                #expect(try await user() == name)
            }
            try directory.write("{".utf8, to: "auth.json")
            #expect(try await authenticationError { try await user() } != nil)
            #expect(try await authenticationError { try await user() } != nil)
            #expect(unlink(path) == 0)
            #expect(try await user() == nil)
        }
    }
}
