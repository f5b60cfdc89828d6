import FoundationEssentials
import OCI
import TestSupport
import Testing

/// Debian's registry, which wants signed tokens and checks them, and a token server beside it.
@Suite("Signed tokens", .enabled(if: DebianRegistry.isInstalled))
struct SignedTokenTests {
    private typealias Server = SignedTokenServer

    private static let needed: Comment = "python3-cryptography and docker-registry of Debian are needed"

    /// A machine with an image of one layer, a login, and both servers.
    private static func with(
        _ algorithm: SignedTokenServer.Algorithm = .es256, _ settings: SignedTokenServer.Settings = .init(),
        login: String? = "", _ body: (Machine, DebianRegistry, SignedTokenServer) async throws -> Void
    ) async throws {
        try await Machine.with { machine in
            try CommandTests.image(machine)
            try await SignedTokenServer.with(algorithm, settings) { server in
                try await DebianRegistry.with(tokens: server) { registry in
                    if let login { try machine.keepLogin(for: registry.address, entry: login.isEmpty ? nil : login) }
                    try await machine.withDaemon { _ in try await body(machine, registry, server) }
                }
            }
        }
    }

    @Test(
        "let a cold push and its verification in, with one token for each set of rights",
        .enabled(needed) { await Server.isInstalled }, arguments: SignedTokenServer.Algorithm.allCases)
    func coldPush(_ algorithm: SignedTokenServer.Algorithm) async throws {
        try await Self.with(algorithm) { machine, registry, server in
            let destination = registry.address + "/team/app:1"
            let push = try await machine.pushctl("push", "app:1", destination)
            #expect(push.status == 0, "\(push.errors)")
            let asked = try server.requests
            #expect(asked.allSatisfy { $0.method == "GET" && $0.status == 200 && $0.account == DebianRegistry.user })
            #expect(Set(asked.map(\.scopes)).count == asked.count, "none was asked for twice: \(asked)")
            #expect(asked.contains { $0.scopes == ["repository:team/app:pull,push"] }, "\(asked)")
            #expect(try await machine.json("verify", "--deep", destination).first?["verified"]?.isTrue == true)
        }
    }

    @Test(
        "let one token mount from one repository to another, and no byte is sent",
        .enabled(needed) { await Server.isInstalled })
    func mount() async throws {
        try await Self.with { machine, registry, server in
            #expect(try await machine.pushctl("push", "app:1", registry.address + "/team/app:1").status == 0)
            let before = try server.requests.count
            #expect(try await machine.pushctl("push", "app:1", registry.address + "/other/app:1").status == 0)
            let job = try await machine.job(2)
            #expect(job["bytesUploaded"]?.integer == 0)
            #expect(job["bytesMounted"] == job["bytesTotal"], "\(job)")
            let wanted = Set(["repository:other/app:pull,push", "repository:team/app:pull"])
            let asked = try server.requests.dropFirst(before)
            #expect(asked.contains { Set($0.scopes) == wanted }, "\(asked)")
        }
    }

    @Test("come for an identity token by POST", .enabled(needed) { await Server.isInstalled })
    func identityToken() async throws {
        var settings = SignedTokenServer.Settings()
        settings.identityToken = "r3fresh"
        try await Self.with(.es256, settings, login: #"{"auth":"","identitytoken":"r3fresh"}"#) {
            machine, registry, server in
            let push = try await machine.pushctl("push", "app:1", registry.address + "/team/app:1")
            #expect(push.status == 0, "\(push.errors)")
            let asked = try server.requests
            #expect(!asked.isEmpty && asked.allSatisfy { $0.method == "POST" && $0.status == 200 }, "\(asked)")
            settings.identityToken = "revoked since"
            try server.set(settings)
            let refused = try await machine.pushctl("push", "app:1", registry.address + "/third/app:1")
            #expect(refused.status == 1)
            #expect(try await machine.job(2)["error"]?["code"]?.string == "login-rejected", "\(refused.errors)")
        }
    }

    @Test(
        "that end while an image is pushed are renewed, and each byte is sent once",
        .enabled(needed) { await Server.isInstalled })
    func shortTokens() async throws {
        var settings = SignedTokenServer.Settings()
        (settings.life, settings.expiresIn) = (2, 2)
        try await Self.with(.es256, settings) { machine, registry, server in
            let builder = try LayoutBuilder(directory: machine.layout)
            var count = 30
            var tokens = 0
            // As many layers as it takes on this machine for tokens to end in the middle.
            while tokens < 4 {
                let seed = UInt64(count) << 32
                let layers = try (0..<count).map { try builder.addLayer(size: 1 << 20, seed: seed + UInt64($0)) }
                try builder.addImage(layers: layers, name: "many:\(count)")
                try builder.writeIndexJSON()
                let before = try server.requests.count
                let push = try await machine.pushctl(
                    "push", "many:\(count)", "\(registry.address)/many:\(count)", timeout: .seconds(300))
                #expect(push.status == 0, "\(push.errors)")
                tokens = try server.requests.dropFirst(before).count { $0.scopes.contains("repository:many:pull,push") }
                count *= 2
                guard count < 2000 else { throw TestSupportError("no token ended in a push of \(count / 2) layers") }
            }
            let listed = try await machine.json("status").flatMap { $0["jobs"]?.list ?? [] }
            #expect(!listed.isEmpty)
            for job in listed {
                #expect(job["attempts"]?.integer == 1, "\(job)")
                let sum = ["bytesUploaded", "bytesExisting", "bytesMounted"].reduce(0) { $0 + (job[$1]?.integer ?? 0) }
                #expect(sum == job["bytesTotal"]?.integer, "each byte once: \(job)")
            }
        }
    }

    @Test(
        "of a server whose clock is wrong hold as long as they are told to hold",
        .enabled(needed) { await Server.isInstalled }, arguments: [-600, 600])
    func wrongClock(skew: Int) async throws {
        var settings = SignedTokenServer.Settings()
        settings.skew = skew
        try await Self.with(.rs256, settings) { machine, registry, server in
            for tag in 1...3 {
                let push = try await machine.pushctl("push", "app:1", "\(registry.address)/team/app:\(tag)")
                #expect(push.status == 0, "\(push.errors)")
            }
            let asked = try server.requests.map(\.scopes)
            #expect(Set(asked).count == asked.count, "none was renewed before its time: \(asked)")
        }
    }

    @Test(
        "that the registry takes for ended or not begun, by another clock, block the job and not its queue",
        .enabled(needed) { await Server.isInstalled }, arguments: [-3600, 3600])
    func clocksDisagree(skew: Int) async throws {
        var settings = SignedTokenServer.Settings()
        (settings.skew, settings.skewsClaims) = (skew, true)
        try await Self.with(.es256, settings) { machine, registry, server in
            let refused = try await machine.pushctl("push", "app:1", registry.address + "/team/app:1")
            #expect(refused.status == 1)
            let job = try await machine.job(1)
            #expect(job["state"]?.string == "blocked", "\(job)")
            let asked = try server.requests
            #expect(asked.count <= 4, "not asked for ever: \(asked)")
            #expect(refused.errors.contains("clock"), "\(refused.errors)")

            try server.set(SignedTokenServer.Settings())
            #expect(try await machine.pushctl("retry", "1").status == 0)
            #expect(try await machine.pushctl("wait", "1").status == 0)
        }
    }

    @Test(
        "that grant less than was asked block the job with what is missing, and other repositories go on",
        .enabled(needed) { await Server.isInstalled })
    func denied() async throws {
        var settings = SignedTokenServer.Settings()
        settings.readOnly = ["team/readonly"]
        settings.refused = ["team/secret"]
        try await Self.with(.es256, settings) { machine, registry, server in
            for (number, name) in ["readonly", "secret"].enumerated() {
                let refused = try await machine.pushctl("push", "app:1", "\(registry.address)/team/\(name):1")
                #expect(refused.status == 1)
                let job = try await machine.job(number + 1)
                #expect(job["state"]?.string == "blocked")
                #expect(job["error"]?["code"]?.string == "denied", "\(job)")
                #expect(refused.errors.contains(DebianRegistry.user), "\(refused.errors)")
            }
            #expect(try await machine.pushctl("push", "app:1", registry.address + "/team/app:1").status == 0)
            settings.readOnly = []
            try server.set(settings)
            #expect(try await machine.pushctl("retry", "1").status == 0)
            let waited = try await machine.pushctl("wait", "1")
            #expect(waited.status == 0, "\(waited.errors)")
        }
    }

    @Test(
        "are had as soon as pushctl login has brought the login, and the blocked job goes on",
        .enabled(needed) { await Server.isInstalled })
    func loginLater() async throws {
        try await Self.with(login: nil) { machine, registry, server in
            let refused = try await machine.pushctl("push", "app:1", registry.address + "/team/app:1")
            #expect(refused.status == 1)
            #expect(try await machine.job(1)["error"]?["code"]?.string == "login-missing", "\(refused.errors)")
            let wrong = try await machine.logIn(registry.address, password: "wrong")
            #expect(wrong.status == 1)
            #expect(try await machine.job(1)["state"]?.string == "blocked")
            let login = try await machine.logIn(registry.address)
            #expect(login.status == 0, "\(login.errors)")
            #expect(login.output.contains("job 1 goes on"), "\(login.output)")
            let waited = try await machine.pushctl("wait", "1")
            #expect(waited.status == 0, "\(waited.errors)")
        }
    }
}
