import ImageStore
import OCI
import Registry
import TestSupport
import Testing

@testable import Publisher

private let digest = String(repeating: "0123456789abcdef", count: 4)
private let other = String(repeating: "f", count: 64)

/// An image without a look into it, or one for these machines.
private func parts(_ machines: String...) throws -> ImageParts {
    let whole = ImageParts.Part(digest: try Digest(parsing: "sha256:" + digest), platforms: [], machine: nil)
    let each = try machines.map { name in
        ImageParts.Part(
            digest: try Digest(parsing: "sha256:" + (machines.count == 1 ? digest : other)),
            platforms: machines.count == 1 ? [] : [Platform(os: "linux", architecture: name)], machine: name)
    }
    return ImageParts(whole: whole, machines: .success(each))
}

private func aliases(_ entries: [String: [String]]) throws -> Aliases {
    var aliases = Aliases()
    for (name, templates) in entries {
        aliases.add(
            Aliases.isWord(name) ? .word(name) : .registry(name), try templates.map { try DestinationTemplate($0) })
    }
    return aliases
}

@Suite("Destination templates")
struct DestinationTemplateTests {
    private func fill(_ template: String, _ parts: ImageParts, name: String = "team/app", tag: String = "1.2") throws
        -> [String]
    {
        try Addressing(aliases: Aliases(), defaultTag: "latest")
            .places(of: [try DestinationTemplate(template)], for: PublishedName(name: name, tag: tag), parts)
            .map(\.destination.description)
    }

    @Test(
        "are filled in with name, tag, digest and machine, and get the tag where they have none",
        arguments: [
            ("r.example/m/{name}:{tag}", ["r.example/m/team/app:1.2"]),
            ("r.example/{name}", ["r.example/team/app:1.2"]),
            ("r.example:5000/all:{tag}-x", ["r.example:5000/all:1.2-x"]),
            ("r.example/{name}:{digest}", ["r.example/team/app:" + digest]),
            ("r.example/{name}@sha256:{digest}", ["r.example/team/app@sha256:" + digest]),
            ("r.example/{name}:{tag}-{arch}", ["r.example/team/app:1.2-amd64", "r.example/team/app:1.2-armv7"]),
            ("r.example/{arch}/{name}", ["r.example/amd64/team/app:1.2", "r.example/armv7/team/app:1.2"]),
            (
                "r.example/{tag}/{name}-{name}:{arch}-{arch}",
                ["r.example/1.2/team/app-team/app:amd64-amd64", "r.example/1.2/team/app-team/app:armv7-armv7"]
            ),
        ])
    func fills(template: String, expected: [String]) throws {
        #expect(try fill(template, parts("amd64", "armv7")) == expected)
    }

    @Test("name the digest of the part that goes there, and take that part")
    func partDigest() throws {
        let places = try Addressing(aliases: Aliases(), defaultTag: "latest").places(
            of: [try DestinationTemplate("r.example/x:{arch}-{digest}"), try DestinationTemplate("r.example/x:all")],
            for: PublishedName(name: "app", tag: "1"), parts("amd64", "arm64"))
        #expect(
            places.map(\.destination.description) == [
                "r.example/x:amd64-" + other, "r.example/x:arm64-" + other, "r.example/x:all",
            ])
        #expect(places.map { $0.part.platforms.map(\.description) } == [["linux/amd64"], ["linux/arm64"], []])
    }

    @Test("of an image for one machine take all of it")
    func oneMachine() throws {
        #expect(try fill("r.example/x:{arch}-{digest}", parts("arm64")) == ["r.example/x:arm64-" + digest])
    }

    @Test("read nothing in what they are filled in with")
    func values() throws {
        #expect(throws: TemplateError.self) { try fill("r.example/{name}", parts(), name: "{tag}") }
    }

    @Test("with a machine in them say why an image can't fill it in")
    func unknownMachine() throws {
        let root = try Digest(parsing: "sha256:" + digest)
        func error(_ reason: TemplateError.Reason) throws -> String {
            let whole = ImageParts.Part(digest: root, platforms: [], machine: nil)
            do {
                _ = try fill("r.example/x:{arch}", ImageParts(whole: whole, machines: .failure(reason)))
                return ""
            } catch { return "\(error)" }
        }
        #expect(
            try error(.platformUnknown(root)) == "destination \"r.example/x:{arch}\": {arch} can't be filled in: "
                + "sha256:\(digest) does not say which platform it is for")
        let (linux, windows) = (
            Platform(os: "linux", architecture: "amd64"), Platform(os: "windows", architecture: "amd64")
        )
        #expect(
            try error(.machinesAlike(linux, windows)).hasSuffix("linux/amd64 and windows/amd64 would both be amd64"))
    }

    @Test(
        "are refused when a destination can come of no image",
        arguments: [
            "{name}:{tag}", "r.example/{image}", "r.example/{name", "r.example/UPPER/{name}", "", "release/{name}",
            "r.example/{name}@sha256:{tag}", "r.example/{}", String(repeating: "r.example/", count: 60),
        ])
    func refuses(template: String) {
        #expect(throws: TemplateError.self) { try DestinationTemplate(template) }
    }

    @Test("for each machine of an image are found out in one reading of it, and for no more machines than any has")
    func manyMachines() async throws {
        try await TemporaryDirectory.with { directory in
            let builder = try LayoutBuilder(directory: directory.path)
            let layer = try builder.addLayer(size: 10)
            func root(_ count: Int) throws -> (Descriptor, [Descriptor]) {
                let children = try (0..<count).map { number in
                    let platform = Platform(os: "linux", architecture: "m\(number)")
                    return try builder.addImage(layers: [layer], platform: platform)
                }
                return (try builder.addIndex(of: children), children)
            }
            let layout = OCILayout(directory: builder.directory)
            func parts(_ root: Descriptor) async throws -> ImageParts {
                try await .read(
                    StoredImage(storeID: layout.storeID, names: [], root: root), in: layout, platforms: [])
            }
            let (most, children) = try root(ImageParts.mostMachines)
            let start = ContinuousClock.now
            let found = try #require(try await parts(most).machines).get()
            let took = ContinuousClock.now - start
            #expect(found.map(\.digest) == children.map(\.digest))
            #expect(found.map(\.machine) == children.indices.map { "m\($0)" })
            #expect(took < .seconds(3), "\(took)")
            guard case .failure(.tooManyMachines(let count))? = try await parts(root(201).0).machines else {
                Issue.record("it is taken")
                return
            }
            #expect(count == 201)
        }
    }

    @Test("with another digest written into them are refused")
    func fixedDigest() throws {
        #expect(throws: TemplateError.self) { try fill("r.example/{name}@sha256:\(other)", parts()) }
    }
}

@Suite("Aliases of destinations")
struct AliasTests {
    private static let entries = [
        "release": ["a.example/rel/{name}:{tag}", "b.example/{name}:{tag}"],
        "r.example": ["r.example/{name}:{tag}", "mirror.example/{name}:{tag}"],
        "localhost:5000": ["c.example/{arch}/{name}:{tag}"],
    ]

    private func destinations(_ text: String, own: PublishedName? = PublishedName(name: "team/app", tag: "1")) throws
        -> [String]?
    {
        let aliases = try aliases(Self.entries)
        return try aliases.expansion(of: text, own: own, defaultTag: "latest").map {
            try Addressing(aliases: aliases, defaultTag: "latest").places(of: $0, parts("amd64", "arm64"))
                .map(\.destination.description)
        }
    }

    @Test(
        "stand for all that they name, filled in with what was written, and are not looked up in that again",
        arguments: [
            ("release", ["a.example/rel/team/app:1", "b.example/team/app:1"]),
            ("release:3", ["a.example/rel/team/app:3", "b.example/team/app:3"]),
            ("release/other:2", ["a.example/rel/other:2", "b.example/other:2"]),
            ("release/other", ["a.example/rel/other:latest", "b.example/other:latest"]),
            ("release/x/y:2", ["a.example/rel/x/y:2", "b.example/x/y:2"]),
            ("r.example/team/app:1", ["r.example/team/app:1", "mirror.example/team/app:1"]),
            ("r.example/app", ["r.example/app:latest", "mirror.example/app:latest"]),
            ("localhost:5000/app:1", ["c.example/amd64/app:1", "c.example/arm64/app:1"]),
            ("r.example:5000/app:1", nil), ("sub.r.example/app", nil), ("release2/app", nil), ("releases", nil),
            ("team/release", nil), ("app:release", nil), ("a.example/release:1", nil), ("r.example", nil),
        ] as [(String, [String]?)])
    func expands(text: String, expected: [String]?) throws {
        #expect(try destinations(text) == expected)
    }

    @Test("that are registries are found under each of their names")
    func spellings() throws {
        var aliases = try aliases(["r.example:443": ["a.example/{name}:{tag}"], "LOCALHOST:5000": ["b.example/{name}"]])
        func found(_ text: String) throws -> Bool {
            try aliases.expansion(of: text, own: nil, defaultTag: "latest") != nil
        }
        for text in ["r.example/x:1", "R.example:0443/x:1", "localhost:5000/x", "LocalHost:05000/x"] {
            #expect(try found(text), "\(text)")
        }
        aliases.names = RegistryNames(plainHTTP: ["r.example": true])
        #expect(try !found("r.example/x:1"), "another port")
    }

    @Test(
        "are refused with what is no name behind them",
        arguments: ["release/", "release/UP", "release:-x", "release/a:b:c", "release//a", "release/a@sha256:12"])
    func refuses(text: String) {
        #expect(throws: TemplateError.self) { try destinations(text) }
    }

    @Test("take a digest as a condition, and no digest without a tag")
    func digests() throws {
        let aliases = try aliases(Self.entries)
        let expansion = try aliases.expansion(
            of: "release/app:1@sha256:\(digest)", own: nil, defaultTag: "latest")
        #expect(expansion?.digest?.hex == digest && expansion?.name.description == "app:1")
        #expect(throws: TemplateError.self) { try destinations("release/app@sha256:\(digest)") }
        #expect(throws: TemplateError.self) { try destinations("r.example/app@sha256:\(digest)") }
    }

    @Test("that stand alone need a name of the image's own")
    func nameless() throws {
        #expect(throws: TemplateError.self) { try destinations("release", own: nil) }
        #expect(try destinations("release/app:1", own: nil)?.count == 2)
    }

    @Test("serve rules too, alone, before a slash, or as a registry; a machine outside counts inside")
    func rules() throws {
        let aliases = try aliases([
            "release": ["a.example/{name}:{tag}"], "r.example": ["b.example/{name}:{tag}-{arch}"],
        ])
        let templates = try ["release", "release/m/{name}:{tag}", "r.example/{arch}/{name}", "d.example/{name}"].map {
            try DestinationTemplate($0, aliases: aliases)
        }
        let places = try Addressing(aliases: aliases, defaultTag: "latest").places(
            of: templates, for: PublishedName(name: "app", tag: "1"), parts("amd64", "arm64"))
        #expect(
            places.map(\.destination.description) == [
                "a.example/app:1", "a.example/m/app:1", "b.example/amd64/app:latest-amd64",
                "b.example/arm64/app:latest-arm64", "d.example/app:1",
            ])
    }

    @Test(
        "that are words have no dot, colon, slash or capital",
        arguments: [
            ("release", true), ("my_app", true), ("a-b", true), ("localhost", false), ("a.b", false), ("a:1", false),
            ("a/b", false), ("A", false), ("", false), ("-a", false), ("a@b", false),
        ])
    func words(text: String, isWord: Bool) {
        #expect(Aliases.isWord(text) == isWord)
    }
}

@Suite("Where an unqualified image goes")
struct DefaultDestinationTests {
    private func destination(
        _ name: String, registry: String? = "r.example", namespace: String? = nil,
        login: any CredentialProvider = NoCredentials()
    ) async throws -> String {
        var settings = PublisherSettings()
        settings.defaultRegistry = registry
        settings.defaultNamespace = namespace
        settings.defaultTag = "dev"
        return try await DefaultDestination(settings, login)
            .destination(for: ImageReference(parsing: name), as: name).description
    }

    private func login(_ user: String) -> OneLogin { OneLogin(user: user, password: Secret("x"), origin: "a test") }

    @Test("is below the configured namespace, whoever is logged in")
    func configured() async throws {
        #expect(
            try await destination("app", namespace: "org/team", login: login("ann")) == "r.example/org/team/app:dev")
        #expect(try await destination("x/app:1", namespace: "team") == "r.example/team/x/app:1")
        #expect(try await destination("app", namespace: "", login: login("ann")) == "r.example/app:dev")
    }

    @Test("is below the user who is logged in there, unless the name has a namespace of its own")
    func user() async throws {
        #expect(try await destination("app:1", login: login("ann")) == "r.example/ann/app:1")
        #expect(try await destination("app", registry: "docker.io", login: login("ann")) == "docker.io/ann/app:dev")
        #expect(try await destination("team/app", login: login("ann")) == "r.example/team/app:dev")
        #expect(try await destination("team/app", registry: "docker.io") == "docker.io/team/app:dev")
    }

    @Test(
        "has no namespace of a login that names no user",
        arguments: [
            "<token>", "AWS", "_json_key", "oauth2accesstoken", "00000000-0000-0000-0000-000000000000", "$oauthtoken",
            "me@mail.example", "robot$ci", "a/b", "", "iamapikey", "Ann",
        ])
    func noUser(user: String) async throws {
        #expect(try await destination("app", login: login(user)) == "r.example/app:dev")
    }

    private struct Token: CredentialProvider {
        func credential(registry: String, repository: String) -> FoundCredential? {
            FoundCredential(
                credential: .identityToken(Secret("t")), fallback: .basic(user: "ann", password: Secret("p")),
                origin: "x")
        }
    }

    @Test("takes a layout's directory for the name where the layout says only a tag, as rules do")
    func bareTag() async throws {
        try await Bench.with({ $0.defaultRegistry = "r.example" }) { bench in
            try bench.image("1.2", layers: [try bench.builder.addLayer(size: 1000)])
            let layout = bench.directory.file("images")
            let plans = try await bench.publisher.plan(PushRequest(image: "oci:\(layout):1.2")).pushes
            #expect(plans.map(\.destination.description) == ["r.example/images:1.2"])
        }
    }

    @Test("of Docker Hub needs one, and the error says the ways to it")
    func hub() async throws {
        for login in [NoCredentials(), Token(), login("oauth2accesstoken")] as [any CredentialProvider] {
            #expect(try await destination("app", login: login) == "r.example/app:dev")
            do {
                let found = try await destination("app:1", registry: "docker.io", login: login)
                Issue.record("\(found)")
            } catch let refusal as PushRefusal {
                #expect(refusal.description.hasPrefix("\"app:1\" would go to docker.io"))
                let advice = try #require(refusal.advice)
                #expect(advice.contains("pushctl login docker.io") && advice.contains("defaults.namespace"))
                #expect(advice.contains("pushctl push app:1 docker.io/NAMESPACE/NAME:TAG"))
            }
        }
        await #expect(throws: PushRefusal.self) {
            try await destination("app", registry: "docker.io", namespace: "")
        }
    }

    private struct Broken: CredentialProvider {
        func credential(registry: String, repository: String) throws -> FoundCredential? {
            throw AuthenticationError(.helperFailed(name: "x", reason: "it is locked"), registry: registry)
        }
    }

    @Test("asks for a login only where that decides, and says when it can't be read")
    func unreadable() async throws {
        #expect(try await destination("team/app", login: Broken()) == "r.example/team/app:dev")
        #expect(try await destination("app", namespace: "team", login: Broken()) == "r.example/team/app:dev")
        #expect(try await destination("a.example/app", login: Broken()) == "a.example/app:dev")
        do {
            _ = try await destination("app", login: Broken())
            Issue.record("was taken")
        } catch let refusal as PushRefusal { #expect(refusal.description.contains("it is locked")) }
    }

    @Test("is nowhere without a default registry, and the error says the two ways out")
    func nowhere() async throws {
        do {
            _ = try await destination("app:1", registry: nil, namespace: "team", login: login("ann"))
            Issue.record("was taken")
        } catch let refusal as PushRefusal {
            #expect(refusal.description == "\"app:1\" does not say which registry it is for")
            #expect(refusal.advice?.contains("pushctl push app:1 HOST/REPOSITORY:TAG") == true)
            #expect(refusal.advice?.contains("defaults.registry") == true)
        }
    }
}
