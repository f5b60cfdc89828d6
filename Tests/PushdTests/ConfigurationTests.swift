import FoundationEssentials
import HTTP
import ImageStore
import OCI
import Publisher
import PushQueue
import Registry
import Testing

@testable import pushd

private struct NoProxy: Error {}

@Suite("The configuration")
struct ConfigurationTests {
    private func read(_ document: String) throws -> Configuration {
        try Configuration(parsing: Array(document.utf8), file: "/f")
    }

    @Test("has a default for everything", arguments: ["{}", "{ limits: null, stores: null, retry: {}, rules: [] }"])
    func defaults(document: String) throws {
        let configuration = try read(document)
        #expect(configuration.stores.isEmpty)
        #expect(configuration.publisher.jobs == PublisherSettings().jobs)
        #expect(configuration.publisher.retry == RetryPolicy())
        #expect(configuration.logLevel == .info)
        #expect(configuration.control == ControlSettings())
    }

    @Test("is taken over whole") func taken() throws {
        let configuration = try read(
            """
            {
                stores: ["oci:/a/", "oci:/b c"],
                defaults: { registry: "h.example:5000", namespace: "org/team", tag: "dev", verify: "deep" },
                rules: [{ image: "team/*", to: "h.example/{name}:{tag}" }, { image: "*:v?", to: ["a.example/x", "b.example/x"] }],
                aliases: { release: "h.example/{arch}/{name}:{tag}", "h.example:5000": ["a.example/x", "b.example/{digest}"] },
                publishExisting: true,
                registries: {
                    "h.example:5000": {
                        plainHttp: true, insecure: true, caFile: "/ca", clientCertificate: "/c", clientKey: "/k",
                        connectTimeout: 1, responseTimeout: "2s", answerTimeout: "4s", stallTimeout: "3s", commitPatience: 0, manifestGrace: "5s",
                        jobs: 11, uploads: 12, checks: 13, manifests: 14, requestsPerSecond: 15, bandwidth: "500kB/s",
                    },
                    localhost: {},
                    "a.example": { proxy: "socks5://user:hunter2@p.example" },
                    "b.example": { proxy: "none" },
                },
                credentials: { files: "/auth.json" },
                limits: {
                    jobs: 3, jobsPerRegistry: 2, uploads: 5, uploadsPerRegistry: 4, chunkSize: "1MiB",
                    checksPerRegistry: 6, manifestsPerRegistry: 7, requestsPerSecond: 0.5, bandwidth: "20MB/s",
                    bandwidthWindows: [
                        { days: "fri-mon,wed", from: "22:30", to: "24:00", bandwidth: 5000 },
                        { from: "00:00", to: "06:00", bandwidth: "none" },
                    ],
                },
                retry: { base: "20ms", cap: "1m", giveUpAfter: "2d", maximumFailures: 9, maximumRetryAfter: "10m" },
                ledger: { age: 0, learnedAge: "1h" },
                history: { age: "12h", count: 0 },
                spool: { acrossFileSystems: "copy" },
                watch: { rescan: "5s" },
                control: {
                    group: "users", operators: ["alice", "%wheel"],
                    allow: [
                        { group: "ci", to: ["h.example:5000/ci/**", "docker.io/team/*"] }, { user: "bob", to: "**" },
                    ],
                    quotas: { connections: 3, jobs: 4, bytes: "5kB" },
                },
                log: { level: "debug" },
            }
            """)
        #expect(configuration.stores == ["/a", "/b c"])
        let publisher = configuration.publisher
        #expect(publisher.defaultRegistry == "h.example:5000")
        #expect(publisher.defaultNamespace == "org/team")
        #expect(publisher.defaultTag == "dev")
        #expect(publisher.verify == .deep)
        #expect(publisher.registry.requests == RequestLimits(checks: 6, manifests: 7, perSecond: 0.5))
        #expect(
            publisher.bandwidth
                == BandwidthPlan(
                    usual: 20_000_000,
                    windows: [
                        BandwidthWindow(days: [4, 5, 6, 0, 2], from: 1350, to: 1440, bytesPerSecond: 5000),
                        BandwidthWindow(days: [0, 1, 2, 3, 4, 5, 6], from: 0, to: 360, bytesPerSecond: nil),
                    ]))
        #expect(publisher.jobsByRegistry == ["h.example:5000": 11])
        #expect(publisher.uploadsByRegistry == ["h.example:5000": 12])
        #expect(publisher.bandwidths == ["h.example:5000": 500_000])
        #expect(
            publisher.registries["h.example:5000"]?.requests
                == RequestLimits(checks: 13, manifests: 14, perSecond: 15))
        #expect(
            publisher.registries["localhost"]?.requests == publisher.registry.requests, "what holds for each registry")
        #expect(
            publisher.rules.map { $0.destinations.map(\.description) } == [
                ["h.example/{name}:{tag}"], ["a.example/x", "b.example/x"],
            ])
        #expect(publisher.publishesExisting)
        let registry = try #require(publisher.registries["h.example:5000"])
        #expect(registry.plainHTTP == true)
        #expect(!registry.tls.verify)
        #expect(registry.tls.authorityFiles == ["/ca"])
        #expect(registry.tls.clientCertificate == "/c")
        #expect(registry.tls.clientKey == "/k")
        #expect(registry.limits.connect == .seconds(1))
        #expect(registry.limits.response == .seconds(2))
        #expect(registry.limits.answer == .seconds(4))
        #expect(registry.limits.stall == .seconds(3))
        #expect(registry.commitPatience == .zero)
        #expect(registry.manifestGrace == .seconds(5))
        #expect(publisher.registries["localhost"]?.tls.verify == true)
        guard case .through(let proxy)? = publisher.registries["a.example"]?.proxy else { throw NoProxy() }
        #expect(proxy.description == "socks5://p.example:1080" && proxy.name.hasLogin)
        #expect(proxy.source.place == "registries.\"a.example\".proxy in pushd.json5")
        #expect(!"\(configuration)".contains("hunter2"))
        #expect(publisher.registries["b.example"]?.proxy == ProxyChoice.none)
        #expect(publisher.registry.proxy == .environment && registry.proxy == .environment)
        #expect(configuration.credentialFiles == ["/auth.json"])
        #expect(
            [publisher.jobs, publisher.jobsPerRegistry, publisher.uploads, publisher.uploadsPerRegistry] == [
                3, 2, 5, 4,
            ])
        #expect(publisher.chunkSize == 1_048_576)
        #expect(
            publisher.retry
                == RetryPolicy(
                    base: .milliseconds(20), cap: .seconds(60), maximumRetryAfter: .seconds(600), maximumFailures: 9,
                    giveUpAfter: .seconds(172_800)))
        #expect(publisher.ledgerAge == .zero)
        #expect(publisher.learnedAge == .seconds(3600))
        #expect(publisher.historyAge == .seconds(43_200))
        #expect(publisher.historyCount == 0)
        #expect(configuration.acrossFileSystems == .copy)
        #expect(configuration.rescan == .seconds(5))
        #expect(configuration.control.group == "users")
        #expect(configuration.control.operators == [.user("alice"), .group("wheel")])
        #expect(configuration.control.allow.map(\.who) == [.group("ci"), .user("bob")])
        #expect(
            configuration.control.allow.map { $0.to.map(\.description) } == [
                ["h.example:5000/ci/**", "docker.io/team/*"], ["**"],
            ])
        #expect(configuration.control.quotas == .init(connections: 3, jobs: 4, bytes: 5000))
        #expect(configuration.logLevel == .debug)
    }

    @Test("says how a missing repository is made at a registry, and in which format images go there")
    func repositories() throws {
        let registries = try read(
            """
            { registries: {
                "docker.io": { createRepository: { hub: { visibility: "private" } } },
                "harbor.example": { createRepository: { harbor: { visibility: "public" } }, format: "docker" },
                "ecr.example": { createRepository: { command: ["aws", "{name}"], timeout: "5s" } },
                "other.example": { createRepository: { command: "make-it" } },
                "plain.example": { createRepository: null },
            } }
            """
        ).publisher.registries
        #expect(registries["docker.io"]?.createRepository == .hub(.private))
        #expect(registries["harbor.example"]?.createRepository == .harbor(.public))
        #expect(registries["harbor.example"]?.format == .docker)
        let command = try RepositoryCommand(["aws", "{name}"], limit: .seconds(5))
        #expect(registries["ecr.example"]?.createRepository == .command(command))
        #expect(registries["other.example"]?.createRepository == .command(try RepositoryCommand(["make-it"])))
        #expect(registries["plain.example"]?.createRepository == nil)
    }

    @Test("what is set for a registry holds however it is spelled, there and in image names") func spellings() throws {
        let document = """
            {
                registries: {
                    "H.example:0443": {
                        insecure: true, jobs: 3, uploads: 2, bandwidth: "5MB/s", leadsTo: ["S.example:9000", "10.0.0.1"],
                    },
                    "p.example": { plainHttp: true },
                    "LOCALHOST:5000": { createRepository: { harbor: { visibility: "private" } } },
                },
                aliases: { "A.example": "b.example/{name}:{tag}" },
            }
            """
        let publisher = try Configuration(parsing: Array(document.utf8), file: "/f").publisher
        #expect(publisher.registries.keys.sorted() == ["h.example", "localhost:5000", "p.example"])
        #expect(publisher.jobsByRegistry == ["h.example": 3] && publisher.uploadsByRegistry == ["h.example": 2])
        #expect(publisher.bandwidths == ["h.example": 5_000_000])
        #expect(publisher.registries["h.example"]?.leadsTo == ["s.example:9000", "10.0.0.1"])
        #expect(publisher.names.name(of: "p.example:80") == "p.example")
        #expect(publisher.names.name(of: "p.example:443") == "p.example:443")
        #expect(publisher.aliases.names == publisher.names)
    }

    @Test("a bound of the backoff that stands alone takes the other along") func backoff() throws {
        let long = try read("{ retry: { base: '1h' } }").publisher.retry
        #expect(long.base == .seconds(3600) && long.cap == .seconds(3600))
        let short = try read("{ retry: { cap: '10ms' } }").publisher.retry
        #expect(short.base == .milliseconds(10) && short.cap == .milliseconds(10))
    }

    @Test("a push is given up when its time is over, or never") func givingUp() throws {
        #expect(try read("{ retry: { giveUpAfter: 'never' } }").publisher.retry.giveUpAfter == nil)
        #expect(try read("{ retry: { giveUpAfter: '1s' } }").publisher.retry.giveUpAfter == .seconds(1))
        #expect(try read("{ retry: { giveUpAfter: null } }").publisher.retry == RetryPolicy())
    }

    @Test(
        "times are written as people write them",
        arguments: [
            ("30", Duration.seconds(30)), ("1.5", .milliseconds(1500)), ("'30'", .seconds(30)),
            ("'250ms'", .milliseconds(250)),
            ("'1.5s'", .milliseconds(1500)), ("'5m'", .seconds(300)), ("'2h'", .seconds(7200)),
            ("'7d'", .seconds(604_800)),
            ("0", .zero), ("'0s'", .zero),
        ])
    func durations(text: String, duration: Duration) throws {
        #expect(try read("{ ledger: { age: \(text) } }").publisher.ledgerAge == duration)
    }

    @Test(
        "a time that is none is refused",
        arguments: ["", "s", "-1s", "1.2.3s", "1e3s", "1 s", "1S", "1w", "∞", "0x1s", "1e99", "nan"])
    func noDurations(text: String) {
        #expect(throws: ConfigurationError.self) { try read("{ ledger: { age: '\(text)' } }") }
    }

    @Test(
        "sizes are written as people write them",
        arguments: [
            ("65536", 65_536), ("'65536'", 65_536), ("'65536B'", 65_536), ("'64KiB'", 65_536), ("'66kB'", 66_000),
            ("'66KB'", 66_000), ("'1.5MiB'", 1_572_864), ("'10MB'", 10_000_000), ("'1GiB'", 1_073_741_824),
            ("'2GB'", 2_000_000_000), ("0x10000", 65_536),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) throws {
        #expect(try read("{ limits: { chunkSize: \(text) } }").publisher.chunkSize == bytes)
    }

    @Test(
        "a size that is none is refused",
        arguments: ["", "MiB", "-1MiB", "32 MiB", "32mib", "1e6", "1PiB", "9999999TiB"])
    func noSizes(text: String) {
        #expect(throws: ConfigurationError.self) { try read("{ limits: { chunkSize: '\(text)' } }") }
    }
}

/// `etc/pushd.json5` teaches every setting: what it shows has to be right.
@Suite("The shipped configuration")
struct ShippedConfigurationTests {
    private static let text = file("etc/pushd.json5")

    private static func file(_ path: String) -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return (try? String(contentsOf: URL(filePath: "/\(root)/\(path)"), encoding: .utf8)) ?? ""
    }

    /// Lines such as `// key: value,` taken in.
    private static var uncommented: String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let trimmed = line.drop { $0 == " " }
            guard trimmed.hasPrefix("// ") else { return String(line) }
            let code = trimmed.dropFirst(3).drop { $0 == " " }
            let isKey = code.prefix { $0.isLetter }.count > 0 && code.drop { $0.isLetter }.hasPrefix(": ")
            let isValue = code.hasPrefix("\"") && (code.hasSuffix(",") || code.hasSuffix("{"))
            let isOther = isValue || code.hasPrefix("{ ") || code == "},"
            return isKey || isOther ? String(code) : String(line)
        }.joined(separator: "\n")
    }

    @Test("says nothing but the defaults") func defaults() throws {
        let configuration = try Configuration(parsing: Array(Self.text.utf8), file: "pushd.json5")
        #expect(configuration.stores.isEmpty)
        #expect(configuration.publisher.rules.isEmpty)
        #expect(configuration.publisher.registries.isEmpty)
    }

    @Test("is right with everything in it taken in, and shows the true defaults") func all() throws {
        let configuration = try Configuration(parsing: Array(Self.uncommented.utf8), file: "pushd.json5")
        #expect(configuration.stores.count == 1)
        #expect(configuration.publisher.rules.count == 3 && configuration.publisher.aliases != Aliases())
        let shown = configuration.publisher
        let real = PublisherSettings()
        #expect(shown.defaultRegistry != nil && shown.defaultNamespace != nil)
        #expect(shown.defaultTag == real.defaultTag && shown.verify == real.verify)
        #expect(
            [shown.jobs, shown.jobsPerRegistry, shown.uploads, shown.uploadsPerRegistry]
                == [real.jobs, real.jobsPerRegistry, real.uploads, real.uploadsPerRegistry])
        #expect(shown.chunkSize == real.chunkSize)
        #expect(shown.registry.requests == real.registry.requests)
        #expect(shown.bandwidth.usual == real.bandwidth.usual)
        #expect(shown.retry == real.retry)
        #expect(shown.ledgerAge == real.ledgerAge && shown.learnedAge == real.learnedAge)
        #expect(shown.historyAge == real.historyAge && shown.historyCount == real.historyCount)
        #expect(shown.publishesExisting == real.publishesExisting)
        let registry = try #require(shown.registries["registry.example:5000"])
        #expect(registry.limits.connect == real.registry.limits.connect)
        #expect(registry.limits.response == real.registry.limits.response)
        #expect(registry.limits.stall == real.registry.limits.stall)
        #expect(registry.commitPatience == real.registry.commitPatience)
        #expect(registry.manifestGrace == real.registry.manifestGrace)
        #expect(registry.tls.verify && registry.createRepository == nil && registry.format == nil)
        #expect(shown.registries["docker.io"]?.createRepository == .hub(.private))
        #expect(shown.registries["harbor.example"]?.createRepository == .harbor(.private))
        #expect(shown.registries.values.contains { if case .command? = $0.createRepository { true } else { false } })
        #expect(configuration.acrossFileSystems == Configuration().acrossFileSystems)
        #expect(configuration.rescan == Configuration().rescan)
        #expect(configuration.logLevel == Configuration().logLevel)
        #expect(configuration.control.quotas == ControlSettings.Quotas())
        #expect(configuration.control.operators.count == 2 && configuration.control.allow.count == 2)
    }

    @Test("names every setting that there is, and so does the manual") func complete() throws {
        // The reader tells what is allowed at each place where something unknown stands.
        let places = [
            "", "defaults", "limits", "retry", "ledger", "history", "credentials", "spool", "watch", "control", "log",
        ]
        var documents = places.map { $0.isEmpty ? "{ zzz: 1 }" : "{ \($0): { zzz: 1 } }" }
        documents += [
            "{ registries: { 'h.example': { zzz: 1 } } }", "{ rules: [{ image: 'a', to: 'h.example/a', zzz: 1 }] }",
            "{ limits: { bandwidthWindows: [{ from: '08:00', to: '09:00', bandwidth: 'none', zzz: 1 }] } }",
            "{ control: { quotas: { zzz: 1 } } }", "{ control: { allow: [{ user: 'a', to: 'r.example/a', zzz: 1 }] } }",
        ]
        for document in documents {
            let error = #expect(throws: ConfigurationError.self) {
                try Configuration(parsing: Array(document.utf8), file: "f")
            }
            let keys = try #require(error?.reason.split(separator: ": ").last).split(separator: ", ")
            #expect(!keys.isEmpty)
            let manual = Self.file("docs/pushd.8")
            for key in keys {
                #expect(Self.uncommented.contains("\(key): "), "\(key) is not in etc/pushd.json5")
                #expect(manual.contains(key), "\(key) is not in docs/pushd.8")
            }
        }
    }
}

@Suite("Aliases in the configuration")
struct AliasConfigurationTests {
    @Test("may stand in rules, alone, before a slash, or as a registry; an empty namespace is one")
    func aliases() throws {
        let document = """
            {
                defaults: { registry: "h.example", namespace: "" },
                aliases: { release: "a.example/{name}:{tag}-{arch}", "r.example:5000": ["b.example/{digest}"] },
                rules: [{ image: "x", to: ["release", "release/m/{name}:{tag}", "r.example:5000/{name}"] }],
            }
            """
        let publisher = try Configuration(parsing: Array(document.utf8), file: "/f").publisher
        #expect(publisher.aliases != Aliases())
        #expect(
            publisher.rules.flatMap(\.destinations).map(\.description) == [
                "release", "release/m/{name}:{tag}", "r.example:5000/{name}",
            ])
        #expect(publisher.defaultNamespace?.isEmpty == true)
    }
}
