import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import Registry

/// What docker (docker/cli configfile), podman and skopeo (containers/image docker/config), crane
/// (go-containerregistry authn) and Kubernetes take, each in at least one of them.
@Suite("Login files as tools, scripts and people write them", .timeLimit(.minutes(1)))
struct CredentialLeniencyTests {
    private func find(
        _ registry: String, _ repository: String = "team/app", in content: String
    ) async throws -> FoundCredential? {
        try await TemporaryDirectory.with { directory in
            let path = try directory.write(content.utf8, to: "config.json")
            return try await CredentialFiles(
                paths: [path], environment: ["REGISTRY_AUTH_FILE": path, "PATH": directory.path], home: nil
            ).credential(registry: registry, repository: repository)
        }
    }

    private static let password = "glpat-" + String(repeating: "x", count: 90)
    private static let base64 = Data("bot:\(password)".utf8).base64EncodedString()
    /// As `base64` without `-w0` writes it.
    private static let wrapped = Data("bot:\(password)".utf8).base64EncodedString(
        options: [.lineLength76Characters, .endLineWithLineFeed])

    @Test(
        "the Base64 of auth may have line breaks, blanks, too little and too much padding, and stray bits at its end",
        arguments: [
            (wrapped, password), (wrapped.replacing("\n", with: "\r\n"), password), (base64 + "\n", password),
            (" \t" + base64 + " ", password), (base64 + "\r\n\r\n", password),
            ("Ym90OnA", "p"), ("Ym90OnA=", "p"), ("Ym90OnA==", "p"), ("Ym90OnA=\n", "p"), ("Ym90OnB3", "pw"),
            ("Ym90OnB3==", "pw"), ("Ym90OnB", "p"),
        ])
    func encodings(auth: String, password: String) async throws {
        #expect(auth != Self.base64)
        let text = String(decoding: try JSONEncoder().encode(auth), as: UTF8.self)
        let found = try await find("reg.example", in: #"{"auths":{"reg.example":{"auth":\#(text)}}}"#)
        #expect(found?.credential == .basic(user: "bot", password: Secret(password)))
    }

    @Test(
        "NULs around the password are none of it, those within are",
        arguments: [("bot:pw\0\0\0", "pw"), ("bot:\0pw\0", "pw"), ("bot:p\0w", "p\0w"), ("bot:p:w\n", "p:w\n")])
    func nul(pair: String, password: String) async throws {
        let auth = Data(pair.utf8).base64EncodedString()
        let found = try await find("reg.example", in: #"{"auths":{"reg.example":{"auth":"\#(auth)"}}}"#)
        #expect(found?.credential == .basic(user: "bot", password: Secret(password)))
    }

    private static let entry = #"{"auth":"Ym90OnB3"}"#

    @Test(
        "a key is the same host with a slash, a scheme, a version, a user, in capitals or with blanks around it",
        arguments: [
            "reg.example/", "reg.example//", "https://reg.example/", "http://reg.example", "HTTPS://REG.example/v2/",
            "https://reg.example/v1/", "https://reg.example/v1", "https://reg.example/v2", "http://reg.example/v2/",
            "reg.example/v1/", "reg.example/v2", "https://bot@reg.example/v2/", "https://reg.example/v2/?x=1",
            "Reg.Example", " reg.example ", "https://reg.example/team", "https://reg.example/artifactory/api/docker/x",
        ])
    func keys(key: String) async throws {
        let found = try await find("reg.example", "other/app", in: #"{"auths":{"\#(key)":\#(Self.entry)}}"#)
        #expect(found?.user == "bot")
        #expect(found?.origin.contains("\"\(key)\"") == true)
    }

    @Test(
        "Docker Hub's login is found under each of its names, and under namespaces of it",
        arguments: [
            "index.docker.io/v1/", "https://index.docker.io/v2/", "https://index.docker.io", "https://docker.io/v1/",
            "docker.io/", "https://registry-1.docker.io/v2/", "registry-1.docker.io", "Docker.io",
            "docker.io/team", "docker.io/team/", "index.docker.io/team/app", "registry-1.docker.io/team",
        ])
    func hub(key: String) async throws {
        let content = #"{"auths":{"\#(key)":\#(Self.entry)}}"#
        #expect(try await find("docker.io", in: content)?.user == "bot")
        #expect(try await find("index.docker.io", in: content)?.user == "bot")
        #expect(try await find("docker.io.example", in: content) == nil)
    }

    @Test("what docker keeps beside Docker Hub's login is no login", arguments: ["access-token", "refresh-token"])
    func halves(name: String) async throws {
        #expect(
            try await find("docker.io", in: #"{"auths":{"https://index.docker.io/v1/\#(name)":\#(Self.entry)}}"#) == nil
        )
    }

    @Test(
        "the longest path counts first, then the plainest spelling",
        arguments: [
            (
                #""reg.example":{"username":"1","password":"p"},"reg.example/team/":{"username":"2","password":"p"}"#,
                "2"
            ),
            (
                #""https://reg.example/v2/":{"username":"1","password":"p"},"REG.example/Team/App":{"username":"2","password":"p"}"#,
                "2"
            ),
            (
                #""https://reg.example/":{"username":"1","password":"p"},"reg.example":{"username":"2","password":"p"}"#,
                "2"
            ),
            (
                #""https://reg.example/team":{"username":"1","password":"p"},"reg.example":{"username":"2","password":"p"}"#,
                "1"
            ),
            (
                #""https://reg.example/x":{"username":"1","password":"p"},"http://reg.example/":{"username":"2","password":"p"}"#,
                "2"
            ),
            // Two guesses: neither counts.
            (
                #""https://reg.example/x":{"username":"1","password":"p"},"https://reg.example/y":{"username":"2","password":"p"}"#,
                nil
            ),
        ] as [(String, String?)])
    func order(entries: String, user: String?) async throws {
        #expect(try await find("reg.example", in: #"{"auths":{\#(entries)}}"#)?.user == user)
    }

    @Test(
        "names of members are read in capitals too, as Go's tools do, and a file may begin with a byte order mark",
        arguments: [
            #"{"Auths":{"reg.example":{"Auth":"Ym90OnB3"}}}"#,
            #"{"auths":{"reg.example":{"Username":"bot","PASSWORD":"pw"}}}"#,
            "\u{FEFF}" + #"{"auths":{"reg.example":{"auth":"Ym90OnB3"}}}"#,
            "\r\n\t" + #"{"auths":{"reg.example":{"auth":"Ym90OnB3","email":null,"x":[1,{}]}},"y":false}"# + "\n\n",
        ])
    func members(content: String) async throws {
        #expect(
            try await find("reg.example", in: content)?.credential == .basic(user: "bot", password: Secret("pw")))
    }

    @Test("empty entries say nothing", arguments: ["null", "{}", #"{"auth":null,"username":"","password":null}"#])
    func empty(entry: String) async throws {
        #expect(try await find("reg.example", in: #"{"auths":{"reg.example":\#(entry)}}"#) == nil)
        #expect(
            try await find(
                "reg.example", in: #"{"auths":{"reg.example":\#(entry),"https://reg.example":\#(Self.entry)}}"#)?.user
                == "bot")
        #expect(try await find("reg.example", in: " \n") == nil)
    }

    @Test(
        "what can't be read in an entry is no fault beside what can",
        arguments: [
            #"{"auth":"sesame!","username":"bot","password":"pw"}"#,
            #"{"auth":"Ym90OnB3","password":12}"#, #"{"auth":["sesame"],"username":"bot","password":"pw"}"#,
            #"{"auth":"Ym90OnB3","registrytoken":"ses\name"}"#, #"{"auth":"Ym90OnB3","identitytoken":7}"#,
        ])
    func partly(entry: String) async throws {
        let found = try await find("reg.example", in: #"{"auths":{"reg.example":\#(entry)}}"#)
        #expect(found?.credential == .basic(user: "bot", password: Secret("pw")))
    }

    @Test(
        "a broken entry, or a broken name of a helper, breaks no other host's login",
        arguments: [
            #""auths":{"bad.example":"sesame","reg.example":{"auth":"Ym90OnB3"}}"#,
            #""auths":{"bad.example":[1],"bad.example/x":{"auth":3},"reg.example":{"auth":"Ym90OnB3"}}"#,
            #""credHelpers":{"bad.example":5},"auths":{"reg.example":{"auth":"Ym90OnB3"}}"#,
            #""credsStore":{"x":1},"auths":{"reg.example":{"auth":"Ym90OnB3"},"bad.example":{}}"#,
        ])
    func broken(content: String) async throws {
        #expect(try await find("reg.example", in: "{\(content)}")?.user == "bot")
        let error = try await authenticationError { try await find("bad.example", in: "{\(content)}") }
        guard case .credentialFileUnreadable? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.description.contains("sesame") == false)
    }

    @Test("a broken entry gives way to the same host's in another spelling, not to that of a wider scope")
    func scopes() async throws {
        let spellings = #"{"auths":{"reg.example":{"auth":"!"},"https://reg.example":\#(Self.entry)}}"#
        #expect(try await find("reg.example", in: spellings)?.user == "bot")
        let wider = #"{"auths":{"reg.example/team":{"auth":"!"},"reg.example":\#(Self.entry)}}"#
        #expect(try await find("reg.example", "other/app", in: wider)?.user == "bot")
        let error = try await authenticationError { try await find("reg.example", "team/app", in: wider) }
        #expect(error?.description.contains(#"entry "reg.example/team""#) == true)
    }

    @Test(
        "a helper is named for a host in other spellings too",
        arguments: ["https://reg.example", "reg.example/", "REG.example", "https://reg.example/v2/"])
    func helpers(key: String) async throws {
        let error = try await authenticationError {
            try await find("reg.example", in: #"{"credHelpers":{"\#(key)":"gcloud"}}"#)
        }
        guard case .helperMissing(name: "gcloud", path: _)? = error?.cause else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("one that is just being written in place is waited for")
    func halfWritten() async throws {
        try await TemporaryDirectory.with { directory in
            let whole = Array(#"{"auths":{"reg.example":{"auth":"Ym90OnB3"}}}"#.utf8)
            let path = try directory.write(whole.prefix(20), to: "config.json")
            let files = CredentialFiles(
                paths: [path], environment: ["REGISTRY_AUTH_FILE": path], home: nil,
                pause: { try directory.write(whole, to: "config.json") })
            #expect(try await files.credential(registry: "reg.example", repository: "")?.user == "bot")
        }
    }

    @Test("one that is just being written is waited for by each of several callers", arguments: [0, 20])
    func halfWrittenForTwo(bytes: Int) async throws {
        try await TemporaryDirectory.with { directory in
            let whole = Array(#"{"auths":{"reg.example":{"auth":"Ym90OnB3"}}}"#.utf8)
            let path = try directory.write(whole.prefix(bytes), to: "config.json")
            let (first, second) = (Gate(), Gate())
            let pauses = Mutex(0)
            let files = CredentialFiles(
                paths: [path], environment: ["REGISTRY_AUTH_FILE": path], home: nil,
                pause: {
                    let number = pauses.withLock { count in
                        count += 1
                        return count
                    }
                    await (number == 1 ? first : second).wait()
                })
            async let one = files.credential(registry: "reg.example", repository: "")
            await first.arrival()
            async let other = files.credential(registry: "reg.example", repository: "")
            await second.arrival()
            try directory.write(whole, to: "config.json")
            first.open()
            second.open()
            let users = try await [one?.user, other?.user]
            #expect(users == ["bot", "bot"])
        }
    }

    @Test("one that is rewritten within a tick of the clock, with as many bytes, is seen")
    func quickly() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("auth.json")
            let files = CredentialFiles(paths: [path], environment: ["REGISTRY_AUTH_FILE": path], home: nil)
            for number in 100..<200 {
                try directory.write(
                    #"{"auths":{"r":{"username":"u\#(number)","password":"p"}}}"#.utf8, to: "auth.json")
                #expect(try await files.credential(registry: "r", repository: "")?.user == "u\(number)")
            }
        }
    }
}
