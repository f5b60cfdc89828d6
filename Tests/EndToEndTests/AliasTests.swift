import OCI
import TestSupport
import Testing

@Suite("Aliases and templates")
struct AliasTests {
    private static let retry = "retry: { base: '5ms', cap: '40ms' }"
    private static let machines = [
        Platform(os: "linux", architecture: "amd64"), Platform(os: "linux", architecture: "arm", variant: "v7"),
    ]

    private func single(_ machine: Machine, _ name: String, seed: UInt64 = 1) throws -> Digest {
        let builder = try LayoutBuilder(directory: machine.layout)
        let image = try builder.addImage(layers: [try builder.addLayer(size: 3000, seed: seed)], name: name)
        try builder.writeIndexJSON()
        return image.digest
    }

    /// `multi:1`, an index for two machines with an attestation, and `one:1`, an image for one.
    private func images(_ machine: Machine) throws -> (index: Digest, images: [Digest]) {
        let builder = try LayoutBuilder(directory: machine.layout)
        let images = try Self.machines.enumerated().map { number, platform in
            try builder.addImage(
                layers: [try builder.addLayer(size: 3000, seed: UInt64(number + 7))], platform: platform)
        }
        let index = try builder.addIndex(of: images + [try builder.addAttestation(for: images[0])], name: "multi:1")
        try builder.addImage(layers: [try builder.addLayer(size: 3000, seed: 1)], name: "one:1")
        try builder.writeIndexJSON()
        return (index.digest, images.map(\.digest))
    }

    /// Destinations of a dry run, in order.
    private func plan(_ machine: Machine, _ words: String...) async throws -> [String] {
        let result = try await machine.pushctl(["--json", "push", "--dry-run"] + words)
        guard result.status == 0 else { throw TestSupportError("\(words): \(result.errors)") }
        return try JSON(parsing: result.output)["plan"]?.list?.compactMap { $0["destination"]?.string } ?? []
    }

    @Test("a push to one name goes to all that it stands for, one job each, and a dry run shows which")
    func several() async throws {
        try await Machine.with { machine in
            let digest = try single(machine, "app:1")
            try await TestRegistry.with { first in
                try await TestRegistry.with { second in
                    let (a, b) = (first.address, second.address)
                    let aliases =
                        "aliases: { release: ['\(a)/rel/{name}:{tag}', '\(b)/{name}:{tag}', '\(b)/{name}:{tag}'], "
                        + "'r.example': ['\(a)/mirror/{name}:{tag}', '\(b)/d/{digest}'] }"
                    try await machine.withDaemon("\(Self.retry), \(aliases)") { _ async throws in
                        #expect(try await plan(machine, "app:1", "release") == ["\(a)/rel/app:1", "\(b)/app:1"])
                        #expect(
                            try await plan(machine, "app:1", "release/other:2", "release")
                                == ["\(a)/rel/other:2", "\(b)/other:2", "\(a)/rel/app:1", "\(b)/app:1"])
                        #expect(
                            try await plan(machine, "app:1", "r.example/team/app")
                                == ["\(a)/mirror/team/app:latest", "\(b)/d/\(digest.hex):latest"])
                        #expect(first.requests.isEmpty && second.requests.isEmpty)

                        let push = try await machine.pushctl(
                            "push", "app:1", "release", "\(b)/app:1", "r.example/app:3")
                        #expect(push.status == 0, "\(push.output)\(push.errors)")
                        #expect(first.tags("rel/app") == ["1": digest] && first.tags("mirror/app") == ["3": digest])
                        #expect(second.tags("app") == ["1": digest] && second.tags("d/\(digest.hex)") == ["3": digest])
                        #expect(try await machine.json("status").first?["jobs"]?.list?.count == 4)
                    }
                }
            }
        }
    }

    @Test("an image whose own name falls under an alias goes to all that it stands for, as does the default registry")
    func ownName() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            for name in ["r.example/team/app:1", "release/x:2", "plain:3"] {
                try builder.addImage(layers: [try builder.addLayer(size: 3000, seed: 1)], name: name, label: name)
            }
            try builder.writeIndexJSON()
            let configuration = """
                defaults: { registry: 'd.example:5000' },
                aliases: {
                    'r.example': ['r.example/{name}:{tag}', 'm.example/{name}:{tag}'], release: 's.example/{name}:{tag}',
                    'd.example:5000': ['e.example/{name}:{tag}', 'f.example/{name}:{tag}'],
                }
                """
            try await machine.withDaemon(configuration) { _ async throws in
                #expect(
                    try await plan(machine, "r.example/team/app:1") == ["r.example/team/app:1", "m.example/team/app:1"])
                #expect(try await plan(machine, "release/x:2") == ["s.example/x:2"])
                #expect(try await plan(machine, "plain:3") == ["e.example/plain:3", "f.example/plain:3"])
                #expect(try await plan(machine, "plain:3", "team/y:4") == ["e.example/team/y:4", "f.example/team/y:4"])
            }
        }
    }

    @Test("a machine in a destination makes one push for each machine of an index, with that platform alone")
    func machines() async throws {
        try await Machine.with { machine in
            let image = try images(machine)
            try await TestRegistry.with { registry in
                let aliases = "aliases: { each: '\(registry.address)/{name}:{tag}-{arch}' }"
                let rules = "rules: [{ image: 'multi', to: ['\(registry.address)/auto/{arch}/{name}', 'each'] }]"
                try await machine.withDaemon("\(Self.retry), publishExisting: true, \(aliases), \(rules)") {
                    _ async throws in
                    try await registry.waitUntil("the rule's pushes are there") {
                        registry.tags("auto/amd64/multi") == ["1": image.images[0]]
                            && registry.tags("auto/armv7/multi") == ["1": image.images[1]]
                            && registry.tags("multi") == ["1-amd64": image.images[0], "1-armv7": image.images[1]]
                    }
                    #expect(registry.manifest("multi", image.index.description) == nil)
                    let address = registry.address
                    #expect(
                        try await plan(machine, "multi:1", "each/m:2") == [
                            "\(address)/m:2-amd64", "\(address)/m:2-armv7",
                        ])
                    #expect(
                        try await plan(machine, "multi:1", "each/m:2", "--platform", "linux/arm/v7")
                            == ["\(address)/m:2-armv7"])
                    #expect(try await plan(machine, "one:1", "each") == ["\(address)/one:1-amd64"])
                }
            }
        }
    }

    @Test("an image that does not say its machine is told of in the log, once, and does not hold up the others")
    func unknownMachine() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(
                layers: [try builder.addLayer(size: 3000, seed: 5)], name: "data:1", platform: nil)
            let good = try builder.addImage(layers: [try builder.addLayer(size: 3000, seed: 6)], name: "good:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                let rules = "rules: [{ image: '*', to: '\(registry.address)/{arch}/{name}' }]"
                let configuration =
                    "\(Self.retry), publishExisting: true, watch: { rescan: '1s' }, aliases: "
                    + "{ each: '\(registry.address)/{name}:{arch}' }, \(rules)"
                try await machine.withDaemon(configuration) { daemon async throws in
                    let fault =
                        "data:1 is not published: destination \"\(registry.address)/{arch}/{name}\": {arch} can't be filled in"
                    try await daemon.waitForOutput(fault)
                    try await registry.waitUntil("the other is there") {
                        registry.tags("amd64/good") == ["1": good.digest]
                    }
                    // A change of the layout makes it look at all again.
                    let later = try builder.addImage(
                        layers: [try builder.addLayer(size: 3000, seed: 7)], name: "good:2")
                    try builder.writeIndexJSON()
                    try await registry.waitUntil("the later is there") {
                        registry.tags("amd64/good")["2"] == later.digest
                    }
                    #expect(daemon.errors.ranges(of: fault).count == 1, "\(daemon.errors)")
                    let asked = try await machine.pushctl("push", "data:1", "each")
                    #expect(asked.status == 2, "\(asked.errors)")
                    #expect(asked.errors.contains("does not say which platform it is for"))
                }
            }
        }
    }

    @Test("a reload puts other aliases in force; what two images would share is refused")
    func reload() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            for tag in ["latest", "1"] {
                try builder.addImage(
                    layers: [try builder.addLayer(size: 3000, seed: 1)], name: "app:\(tag)", label: tag)
            }
            try builder.writeIndexJSON()
            try await machine.withDaemon("aliases: { release: 'a.example/{name}:{tag}' }") { daemon async throws in
                #expect(try await plan(machine, "app:1", "release") == ["a.example/app:1"])
                try machine.configure("aliases: { release: 'b.example/{name}:stable' }")
                daemon.send(1)
                try await daemon.waitForOutput("the configuration was read again")
                #expect(try await plan(machine, "app:1", "release") == ["b.example/app:stable"])
                #expect(
                    try await plan(machine, "--all-tags", "app", "c.example/x") == [
                        "c.example/x:latest", "c.example/x:1",
                    ])
                let both = try await machine.pushctl("push", "-n", "--all-tags", "app", "release")
                #expect(both.status == 2)
                #expect(both.errors.contains("two different images would go to b.example/app:stable"))
                let gone = try await machine.pushctl("push", "-n", "app:1", "other")
                #expect(gone.status == 2 && gone.errors.contains("does not say which registry it is for"))
            }
        }
    }

    @Test("an unqualified image goes below the user who is logged in at the default registry")
    func loggedIn() async throws {
        try await Machine.with { machine in
            _ = try single(machine, "app:1")
            try machine.directory.write(
                Array(#"{"auths":{"d.example":{"auth":"YW5uOnNlY3JldA=="},"docker.io":{"identitytoken":"t"}}}"#.utf8),
                to: ".docker/config.json")
            try await machine.withDaemon("defaults: { registry: 'd.example' }") { daemon async throws in
                #expect(try await plan(machine, "app:1") == ["d.example/ann/app:1"])
                #expect(try await plan(machine, "app:1", "other") == ["d.example/ann/other:latest"])
                try machine.configure("defaults: { registry: 'docker.io' }")
                daemon.send(1)
                try await daemon.waitForOutput("the configuration was read again")
                let push = try await machine.pushctl("push", "-n", "app:1")
                #expect(push.status == 2)
                #expect(push.errors.contains("takes no image without a namespace, and none is known"))
                #expect(push.errors.contains("pushctl login docker.io"))
            }
        }
    }
}
