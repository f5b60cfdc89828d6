import Testing

@testable import pushd

/// What a configuration may not say, and how it is told: the key's path, what is wrong, and what is allowed.
@Suite("A faulty configuration")
struct ConfigurationFaultTests {
    static let registryForm =
        "a registry is named HOST or HOST:PORT, as in image names; a HOST without a dot or a port is only localhost"

    static let aliasForm =
        "an alias is a word in lower case, such as \"release\", or a registry, HOST or HOST:PORT, as in image names"

    private static func creation(_ value: String) -> String {
        "{ registries: { localhost: { createRepository: \(value) } } }"
    }

    static let faults: [(document: String, message: String)] = [
        ("[]", "an object is wanted, not a list"),
        ("'x'", "an object is wanted, not \"x\""),
        ("null", "an object is wanted, not null"),
        (
            "{ store: [] }",
            "store: there is no such setting; did you mean stores? allowed here: aliases, control, credentials, defaults, history, ledger, limits, "
                + "log, publishExisting, registries, retry, rules, spool, stores, watch"
        ),
        (
            "{ 'a.b': 1 }",
            "\"a.b\": there is no such setting; allowed here: aliases, control, credentials, defaults, history, ledger, limits, "
                + "log, publishExisting, registries, retry, rules, spool, stores, watch"
        ),
        (
            "{ limits: { job: 1 } }",
            "limits.job: there is no such setting; did you mean jobs? allowed here: bandwidth, bandwidthWindows, "
                + "checksPerRegistry, chunkSize, jobs, jobsPerRegistry, manifestsPerRegistry, requestsPerSecond, uploads, "
                + "uploadsPerRegistry"
        ),
        (
            "{ retry: { '': 1 } }",
            "retry.\"\": there is no such setting; allowed here: base, cap, giveUpAfter, maximumFailures, "
                + "maximumRetryAfter"
        ),
        (
            "{ defaults: { host: 'x' } }",
            "defaults.host: there is no such setting; allowed here: namespace, registry, tag, verify"
        ),
        (
            "{ registries: { 'h.example:5000': { ca: '/x' } } }",
            "registries.\"h.example:5000\".ca: there is no such setting; did you mean caFile? allowed here: answerTimeout, bandwidth, caFile, "
                + "checks, clientCertificate, clientKey, commitPatience, connectTimeout, createRepository, format, insecure, "
                + "jobs, leadsTo, manifestGrace, manifests, plainHttp, proxy, requestsPerSecond, responseTimeout, stallTimeout, uploads"
        ),
        (
            "{ registries: { 'h.example': { jobs: 1 }, 'H.example:0443': { jobs: 2 } } }",
            "registries.\"h.example\": it is the same registry as \"H.example:0443\": put what is set for both into one"
        ),
        (
            "{ registries: { 'h.example': { leadsTo: 'https://s.example/' } } }",
            "registries.\"h.example\".leadsTo: a server is named HOST or HOST:PORT, without a path"
        ),
        (creation("{}"), "registries.localhost.createRepository: one of hub, harbor and command is wanted"),
        (
            creation("{ harbor: { visibility: 'private' }, command: 'make' }"),
            "registries.localhost.createRepository: one of hub, harbor and command is wanted"
        ),
        (
            creation("{ hub: { visibility: 'private' } }"),
            "registries.localhost.createRepository.hub: it is for \"docker.io\" alone"
        ),
        (
            creation("{ harbor: {} }"),
            "registries.localhost.createRepository.harbor.visibility: \"public\" or \"private\" is wanted"
        ),
        (
            creation("{ harbor: { visibility: 'secret' } }"),
            "registries.localhost.createRepository.harbor.visibility: one of \"public\", \"private\" is wanted, "
                + "not \"secret\""
        ),
        (
            creation("{ harbor: { visibility: 'public' }, timeout: 5 }"),
            "registries.localhost.createRepository.timeout: it belongs to a command"
        ),
        (
            creation("{ command: ['make', '{repo}'] }"),
            "registries.localhost.createRepository.command: {repo} is not known: {repository}, {registry}, "
                + "{namespace}, {name} are"
        ),
        (
            creation("{ command: [] }"), "registries.localhost.createRepository.command: it has no program"
        ),
        (
            "{ registries: { localhost: { format: 'tar' } } }",
            "registries.localhost.format: one of \"oci\", \"docker\" is wanted, not \"tar\""
        ),
        (
            "{ rules: [{ image: 'a', to: 'h.example/a', tag: 'x' }] }",
            "rules[0].tag: there is no such setting; allowed here: image, to"
        ),
        (
            "{ credentials: { file: '/x' } }",
            "credentials.file: there is no such setting; did you mean files? allowed here: files"
        ),
        ("{ spool: { x: 1 } }", "spool.x: there is no such setting; allowed here: acrossFileSystems"),
        ("{ watch: { x: 1 } }", "watch.x: there is no such setting; allowed here: rescan"),
        (
            "{ control: { x: 1 } }",
            "control.x: there is no such setting; allowed here: allow, group, operators, quotas"
        ),
        (
            "{ control: { operators: ['%'] } }",
            "control.operators: a user such as \"alice\" or a group such as \"%wheel\" is wanted"
        ),
        ("{ control: { allow: [{ to: 'r.example/x' }] } }", "control.allow[0]: one of user and group is wanted"),
        (
            "{ control: { allow: [{ user: 'a', group: 'b', to: 'r.example/x' }] } }",
            "control.allow[0]: one of user and group is wanted"
        ),
        (
            "{ control: { allow: [{ user: 'a' }] } }",
            "control.allow[0].to: repositories such as \"registry.example/ci/**\" are wanted"
        ),
        (
            "{ control: { allow: [{ user: 'a', to: 'registry.example' }] } }",
            "control.allow[0].to: HOST/REPOSITORY with * or ** in it is wanted, such as \"registry.example/ci/**\""
        ),
        (
            "{ control: { allow: [{ user: 'a', to: 'registry.example/app:1' }] } }",
            "control.allow[0].to: it names repositories, without a tag or a digest"
        ),
        (
            "{ control: { quotas: { connections: 0 } } }",
            "control.quotas.connections: a whole number from 1 to 200 is wanted, not 0"
        ),
        ("{ log: { x: 1 } }", "log.x: there is no such setting; allowed here: level"),
        ("{ ledger: { x: 1 } }", "ledger.x: there is no such setting; allowed here: age, learnedAge"),
        ("{ history: { x: 1 } }", "history.x: there is no such setting; allowed here: age, count"),

        ("{ limits: [] }", "limits: an object is wanted, not a list"),
        ("{ registries: [] }", "registries: an object is wanted, not a list"),
        ("{ registries: { 'h.example': true } }", "registries.\"h.example\": an object is wanted, not true"),
        ("{ rules: {} }", "rules: a list is wanted, not an object"),
        ("{ rules: ['team/*'] }", "rules[0]: an object is wanted, not \"team/*\""),
        ("{ stores: 1 }", "stores: a text or a list of texts is wanted, not 1"),
        ("{ stores: ['oci:/a', 2] }", "stores[1]: a text is wanted, not 2"),
        ("{ publishExisting: 'yes' }", "publishExisting: true or false is wanted, not \"yes\""),
        ("{ control: { group: 5 } }", "control.group: a text is wanted, not 5"),
        ("{ control: { group: '' } }", "control.group: a text is wanted, not \"\""),

        (
            "{ stores: '/var/images' }",
            "stores: a store is written oci:DIR with an absolute directory, not \"/var/images\""
        ),
        (
            "{ stores: ['oci:images'] }",
            "stores: a store is written oci:DIR with an absolute directory, not \"oci:images\""
        ),
        ("{ stores: ['oci:/'] }", "stores: a store is written oci:DIR with an absolute directory, not \"oci:/\""),
        ("{ stores: ['docker:'] }", "stores: a store is written oci:DIR with an absolute directory, not \"docker:\""),
        (
            "{ defaults: { tag: '-x' } }",
            "defaults.tag: a tag has 1 to 128 letters, digits, _, . and -, and begins with neither . nor -"
        ),
        ("{ defaults: { registry: 'https://h.example' } }", "defaults.registry: \(registryForm)"),
        ("{ defaults: { registry: 'myhost' } }", "defaults.registry: \(registryForm)"),
        ("{ defaults: { registry: 'h.example:0' } }", "defaults.registry: \(registryForm)"),
        ("{ defaults: { registry: 'h.example:65536' } }", "defaults.registry: \(registryForm)"),
        (
            "{ defaults: { namespace: 'Team' } }",
            "defaults.namespace: a part of a repository's name is wanted, such as \"team\" or \"org/team\", in lower case; or \"\" for none"
        ),
        (
            "{ defaults: { namespace: '/' } }",
            "defaults.namespace: a part of a repository's name is wanted, such as \"team\" or \"org/team\", in lower case; or \"\" for none"
        ),
        (
            "{ defaults: { verify: 'all' } }",
            "defaults.verify: one of \"none\", \"manifest\", \"blobs\", \"deep\" is wanted, not \"all\""
        ),
        (
            "{ log: { level: 7 } }",
            "log.level: one of \"error\", \"warning\", \"info\", \"debug\" is wanted, not 7"
        ),
        (
            "{ spool: { acrossFileSystems: 'move' } }",
            "spool.acrossFileSystems: one of \"link\", \"reflink\", \"copy\", \"inPlace\" is wanted, not \"move\""
        ),
        (
            "{ credentials: { files: ['auth.json'] } }",
            "credentials.files: an absolute path is wanted, not \"auth.json\""
        ),

        ("{ rules: [{ to: 'h.example/a' }] }", "rules[0].image: a pattern such as \"team/*\" is wanted"),
        (
            "{ rules: [{ image: 'a' }] }",
            "rules[0].to: a destination such as \"registry.example/{name}:{tag}\" is wanted"
        ),
        (
            "{ rules: [{ image: 'a', to: [] }] }",
            "rules[0].to: a destination such as \"registry.example/{name}:{tag}\" is wanted"
        ),
        (
            "{ rules: [{ image: 'a', to: 'h.example/{nam}' }] }",
            "rules[0].to: destination \"h.example/{nam}\": {nam} is not known: {name}, {tag}, {digest} and {arch} are"
        ),
        (
            "{ rules: [{ image: 'a', to: 'h.example/{name' }] }",
            "rules[0].to: destination \"h.example/{name\": a { has no }"
        ),
        (
            "{ rules: [{ image: 'a', to: 'h.example/a' }, { image: 'b', to: '{name}:{tag}' }] }",
            "rules[1].to: destination \"{name}:{tag}\": it must begin with the registry: HOST/REPOSITORY:TAG"
        ),

        ("{ aliases: { 'a/b': 'h.example/x' } }", "aliases.\"a/b\": \(aliasForm)"),
        ("{ aliases: { 're:lease': 'h.example/x' } }", "aliases.\"re:lease\": \(aliasForm)"),
        ("{ aliases: { '': 'h.example/x' } }", "aliases.\"\": \(aliasForm)"),
        (
            "{ aliases: { release: [] } }",
            "aliases.release: a destination such as \"registry.example/{name}:{tag}\" is wanted"
        ),
        (
            "{ aliases: { release: 'h.example/{os}' } }",
            "aliases.release: destination \"h.example/{os}\": {os} is not known: {name}, {tag}, {digest} and {arch} are"
        ),
        (
            "{ aliases: { release: 'h.example/{name}', all: 'release/{name}' } }",
            "aliases.all: destination \"release/{name}\": it must begin with the registry: HOST/REPOSITORY:TAG"
        ),
        (
            "{ aliases: { release: 'h.example/a' }, rules: [{ image: 'a', to: 'releases' }] }",
            "rules[0].to: destination \"releases\": it must begin with the registry: HOST/REPOSITORY:TAG"
        ),
        ("{ aliases: { release: 1 } }", "aliases.release: a text or a list of texts is wanted, not 1"),
        ("{ aliases: [] }", "aliases: an object is wanted, not a list"),

        ("{ registries: { 'h.example/team': {} } }", "registries.\"h.example/team\": \(registryForm)"),
        ("{ registries: { 'http://h.example': {} } }", "registries.\"http://h.example\": \(registryForm)"),
        ("{ registries: { 'h.example:port': {} } }", "registries.\"h.example:port\": \(registryForm)"),
        (
            "{ registries: { 'h.example': { caFile: 'ca.crt' } } }",
            "registries.\"h.example\".caFile: an absolute path is wanted, not \"ca.crt\""
        ),
        (
            "{ registries: { 'h.example': { proxy: 'http://u:hunter2@p:0' } } }",
            "registries.\"h.example\".proxy: a proxy's address is written http://HOST:PORT, with a name or address and a "
                + "port from 1 to 65535; or \"none\", for no proxy at all"
        ),
        (
            "{ registries: { '127.0.0.1:5000': { proxy: 'http://p:1' } } }",
            "registries.\"127.0.0.1:5000\".proxy: a registry of this machine is never asked through a proxy"
        ),
        (
            "{ registries: { 'h.example': { clientKey: '/k' } } }",
            "registries.\"h.example\".clientKey: clientCertificate and clientKey belong together"
        ),
        (
            "{ registries: { 'h.example': { plainHttp: 1 } } }",
            "registries.\"h.example\".plainHttp: true or false is wanted, not 1"
        ),
        (
            "{ registries: { 'h.example': { stallTimeout: 0 } } }",
            "registries.\"h.example\".stallTimeout: at least 1ms is wanted"
        ),

        (
            "{ limits: { bandwidth: '20 apples' } }",
            "limits.bandwidth: bytes a second such as \"500kB/s\" or \"20MB/s\" are wanted, at least 1 kB/s, not \"20 apples\""
        ),
        (
            "{ limits: { bandwidth: 999 } }",
            "limits.bandwidth: bytes a second such as \"500kB/s\" or \"20MB/s\" are wanted, at least 1 kB/s, not 999"
        ),
        (
            "{ limits: { requestsPerSecond: 0 } }",
            "limits.requestsPerSecond: a number from 0.01 to 10000 is wanted, not 0"
        ),
        (
            "{ limits: { bandwidthWindows: [{ days: 'mon-', from: '08:00', to: '09:00', bandwidth: 'none' }] } }",
            "limits.bandwidthWindows[0].days: days such as \"mon-fri\", \"sat,sun\" or \"mon\" are wanted"
        ),
        (
            "{ limits: { bandwidthWindows: [{ from: '8:00', to: '09:00', bandwidth: 'none' }] } }",
            "limits.bandwidthWindows[0].from: a time of the day such as \"08:00\" is wanted"
        ),
        (
            "{ limits: { bandwidthWindows: [{ from: '08:00', to: '24:01', bandwidth: 'none' }] } }",
            "limits.bandwidthWindows[0].to: a time of the day such as \"08:00\" is wanted"
        ),
        (
            "{ limits: { bandwidthWindows: [{ from: '08:00', to: '08:00', bandwidth: 'none' }] } }",
            "limits.bandwidthWindows[0].to: another time than from is wanted"
        ),
        ("{ limits: { jobs: 0 } }", "limits.jobs: a whole number from 1 to 1000 is wanted, not 0"),
        ("{ limits: { jobs: 1.5 } }", "limits.jobs: a whole number from 1 to 1000 is wanted, not 1.5"),
        ("{ limits: { jobs: '8' } }", "limits.jobs: a whole number from 1 to 1000 is wanted, not \"8\""),
        ("{ limits: { uploads: Infinity } }", "limits.uploads: a whole number from 1 to 256 is wanted, not inf"),
        (
            "{ limits: { uploadsPerRegistry: NaN } }",
            "limits.uploadsPerRegistry: a whole number from 1 to 256 is wanted, not nan"
        ),
        ("{ history: { count: 1e300 } }", "history.count: a whole number from 0 to 10000000 is wanted, not 1e+300"),
        (
            "{ limits: { chunkSize: '1KiB' } }",
            "limits.chunkSize: a size from 65536 to 17179869184 bytes is wanted, not \"1KiB\""
        ),
        (
            "{ limits: { chunkSize: '32 MiB' } }",
            "limits.chunkSize: a size such as 1048576, \"32MiB\" or \"10GB\" is wanted, not \"32 MiB\""
        ),
        ("{ limits: { chunkSize: -1 } }", "limits.chunkSize: a size from 65536 to 17179869184 bytes is wanted, not -1"),
        (
            "{ retry: { base: '1 s' } }",
            "retry.base: a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\" is wanted, not \"1 s\""
        ),
        (
            "{ retry: { base: -1 } }",
            "retry.base: a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\" is wanted, not -1"
        ),
        ("{ retry: { base: 0 } }", "retry.base: at least 1ms is wanted"),
        ("{ retry: { base: '10m', cap: '5m' } }", "retry.cap: the cap is not shorter than base"),
        ("{ retry: { giveUpAfter: '10ms' } }", "retry.giveUpAfter: at least 1s, or \"never\", is wanted"),
        ("{ retry: { giveUpAfter: 0 } }", "retry.giveUpAfter: at least 1s, or \"never\", is wanted"),
        (
            "{ retry: { giveUpAfter: 'Never' } }",
            "retry.giveUpAfter: a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\", or \"never\", is wanted, "
                + "not \"Never\""
        ),
        (
            "{ retry: { cap: 'never' } }",
            "retry.cap: a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\" is wanted, not \"never\""
        ),
        (
            "{ retry: { maximumFailures: 0 } }",
            "retry.maximumFailures: a whole number from 1 to 1000000 is wanted, not 0"
        ),
        ("{ watch: { rescan: '999ms' } }", "watch.rescan: at least 1s is wanted"),
        (
            "{ ledger: { age: '1w' } }",
            "ledger.age: a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\" is wanted, not \"1w\""
        ),
        (
            "{ ledger: { learnedAge: true } }",
            "ledger.learnedAge: a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\" is wanted, not true"
        ),
        (
            "{ history: { age: '99999999999s' } }",
            "history.age: a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\" is wanted, not \"99999999999s\""
        ),
        ("{ stores: ['oci:/a'\n  limits: {} }", "line 2, column 3: a comma or ] is wanted, not \"l\""),
    ]

    @Test("is refused with the key at fault and what is allowed there", arguments: faults)
    func refused(document: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(parsing: Array(document.utf8), file: "/etc/p.json5")
        }
        #expect(error?.description == "/etc/p.json5: " + message)
    }

    @Test("is told all its faults at once, and what follows from a fault is none")
    func together() {
        let document = """
            { stores: ["/srv"], defaults: { tag: ".x", verfy: "deep" }, rules: [{ to: "h.example/{name}" }, 7],
              limits: { jobs: 0, bandwidthWindows: [{ from: "8", to: "9:00", bandwidth: "1" }] },
              registries: { "h.example": { createRepository: { hub: {} }, plainHttp: "yes" } }, log: [] }
            """
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(parsing: Array(document.utf8), file: "/f")
        }
        let paths = error.map { [$0] + $0.others }?.map(\.path) ?? []
        #expect(
            Set(paths) == [
                "stores", "defaults.tag", "defaults.verfy", "rules[0].image", "rules[1]", "limits.jobs",
                "limits.bandwidthWindows[0].from", "limits.bandwidthWindows[0].to",
                "limits.bandwidthWindows[0].bandwidth", "registries.\"h.example\".createRepository.hub",
                "registries.\"h.example\".createRepository.hub.visibility", "registries.\"h.example\".plainHttp", "log",
            ])
        #expect(Set(paths).count == paths.count)
        #expect(error?.description.hasPrefix("/f: 13 faults\n  stores: a store is written") == true)
        #expect(
            error?.description.contains("\n  defaults.verfy: there is no such setting; did you mean verify?") == true)
    }

    @Test("names each entry of a list that is wrong, and nothing is wanted besides")
    func entries() {
        let document = """
            { stores: ["/a", "oci:/b", "/c"], credentials: { files: ["x", "/y", "z"] }, aliases: { a: ["X", "Y"] },
              rules: [{ image: "a", to: ["X", 1, 2] }, { image: "a", to: [] }], control: { group: "g", operators: ["a", "%b"], allow: [{ user: "c", to: "r.example/x" }] } }
            """
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(parsing: Array(document.utf8), file: "/f") { _ in false }
        }
        let paths = error.map { [$0] + $0.others }?.map(\.path) ?? []
        #expect(
            paths.sorted() == [
                "aliases.a[0]", "aliases.a[1]", "control.allow[0].user", "control.group", "control.operators[0]",
                "control.operators[1]", "credentials.files[0]", "credentials.files[2]",
                "rules[0].to[1]", "rules[0].to[2]", "rules[1].to", "stores[0]", "stores[2]",
            ])
    }

    @Test("shows only the first of very many faults")
    func many() {
        let document = "{ " + (1...5000).map { "k\($0): 1" }.joined(separator: ", ") + " }"
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(parsing: Array(document.utf8), file: "/f")
        }
        #expect(error?.others.count == ConfigurationFaults.most - 1)
    }

    @Test("shows only the beginning of what is long") func bounded() {
        let long = String(repeating: "x", count: 100_000)
        for document in [
            "{ \(long): 1 }", "{ log: { level: '\(long)' } }", "{ stores: '\(long)' }", "{ stores: '\(long)",
            "{ registries: { '\(long)': {} } }", "{ defaults: { tag: '\(long)' } }", "[ \(long)",
            "{ rules: [{ image: 'a', to: '\(long)' }] }",
            "{ rules: [{ image: 'a', to: 'h.example/{\(long.prefix(500))}' }] }",
            "{ credentials: { files: '\(long)' } }", "{ registries: { 'h.example': { caFile: '\(long)' } } }",
        ] {
            let error = #expect(throws: ConfigurationError.self) {
                try Configuration(parsing: Array(document.utf8), file: "/f")
            }
            #expect((error?.description.utf8.count ?? .max) < 1200, "\(error?.description.prefix(200) ?? "")")
        }
    }
}
