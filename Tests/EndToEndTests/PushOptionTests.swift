import OCI
import TestSupport
import Testing

@Suite("Options of push")
struct PushOptionTests {
    @Test(
        "--all-tags pushes every tag of the name, each under its own tag, and no other name; none need be the default",
        arguments: [["1", "2", "latest"], ["1", "2"]])
    func allTags(tags: [String]) async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 50_000)
            var digests: [String: Digest] = [:]
            for tag in tags {
                digests[tag] = try builder.addImage(layers: [layer], name: "team/app:\(tag)", label: tag).digest
            }
            try builder.addImage(layers: [layer], name: "team/other:1", label: "other")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let push = try await machine.pushctl(
                        "push", "--all-tags", "team/app", registry.address + "/mirror/app")
                    #expect(push.status == 0, "\(push.errors)")
                    #expect(registry.tags("mirror/app") == digests)
                    #expect(registry.repositories == ["mirror/app"])
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                }
            }
        }
    }

    @Test("--all-tags of a layout with several images pushes them all, if they have one name")
    func allTagsOfLayout() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 50_000)
            for tag in ["1", "2"] { try builder.addImage(layers: [layer], name: "app:\(tag)", label: tag) }
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let all = ["push", "--all-tags", "oci:\(machine.layout)", registry.address + "/app"]
                    let push = try await machine.pushctl(all)
                    #expect(push.status == 0, "\(push.errors)")
                    #expect(registry.tags("app").keys.sorted() == ["1", "2"])
                    try builder.addImage(layers: [layer], name: "other:1", label: "other")
                    try builder.writeIndexJSON()
                    let unclear = try await machine.pushctl(all)
                    #expect(unclear.status != 0 && unclear.errors.contains("other:1"), "\(unclear.errors)")
                }
            }
        }
    }

    /// A layout `images` with the image `1`, and what no registry takes.
    private static func mixed(_ machine: Machine) throws -> Digest {
        let builder = try LayoutBuilder(directory: machine.layout)
        let layer = try builder.addLayer(size: 5000)
        let good = try builder.addImage(layers: [layer], name: "1", label: "good")
        try builder.addImage(layers: [layer], name: "v1.0+build5", label: "odd")
        let type = MediaType("application/vnd.cncf.helm.config.v1+json")
        builder.addEntry(try builder.addBlob(Array("{}".utf8), mediaType: type), refName: "chart")
        try builder.writeIndexJSON()
        return good.digest
    }

    @Test(
        "--all-tags says what it leaves out, and why, and does not end as done; the rest is pushed",
        arguments: [[], ["--detach"], ["--dry-run"]] as [[String]])
    func leftOut(options: [String]) async throws {
        try await Machine.with { machine in
            let good = try Self.mixed(machine)
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let words = ["push", "-a", "oci:" + machine.layout, registry.address + "/app"] + options
                    let plain = try await machine.pushctl(words)
                    #expect(plain.status == 1)
                    let tag =
                        "pushctl: oci:\(machine.layout):v1.0+build5 is left out: \"v1.0+build5\" is not a valid tag"
                    #expect(plain.errors.contains(tag), "\(plain.errors)")
                    #expect(plain.errors.contains("pushctl push oci:\(machine.layout):v1.0+build5 HOST/REPOSITORY:TAG"))
                    let chart = "oci:\(machine.layout):chart is left out: it is of the type application/vnd.cncf.helm"
                    #expect(plain.errors.contains(chart), "\(plain.errors)")

                    let scripted = try await machine.pushctl(["--json"] + words)
                    #expect(scripted.status == 1)
                    let first = try #require(scripted.output.split(separator: "\n").first)
                    let leftOut = try JSON(parsing: String(first))["leftOut"]?.list
                    let images = leftOut?.compactMap { $0["image"]?.string }
                    #expect(images == ["v1.0+build5", "chart"].map { "oci:\(machine.layout):\($0)" })
                    #expect(leftOut?.allSatisfy { $0["reason"]?.string?.isEmpty == false } == true)
                    if options == ["--dry-run"] {
                        #expect(registry.repositories.isEmpty)
                    } else {
                        try await registry.waitUntil("the rest is there") { registry.tags("app") == ["1": good] }
                    }
                }
            }
        }
    }

    @Test(
        "--all-tags takes no tag in the name or the destination",
        arguments: [
            ("app:1", "app"), ("app@sha256:\(String(repeating: "0", count: 64))", "app"), ("oci:DIR:1", "app"),
            ("oci:DIR:images:1", "app"), ("oci:DIR", "app:2"),
        ])
    func tagGiven(image: String, destination: String) async throws {
        try await Machine.with { machine in
            _ = try Self.mixed(machine)
            try await machine.withDaemon { _ async throws in
                let image = image.replacing("DIR", with: machine.layout)
                let push = try await machine.pushctl("push", "-d", "-a", image, "registry.example/\(destination)")
                #expect(push.status == 2, "\(push.output)\(push.errors)")
                #expect(push.errors.contains("names a tag or a digest, and --all-tags means all of a name"))
                #expect(try await machine.json("status").first?["jobs"]?.list?.isEmpty == true)
            }
        }
    }

    @Test("--all-tags finds the tags of all stores, and says which store can't be read")
    func severalStores() async throws {
        try await Machine.with { machine in
            let layouts = ["one", "two", "bad"].map { machine.directory.file($0) }
            for (layout, tag) in zip(layouts, ["1", "2"]) {
                let builder = try LayoutBuilder(directory: layout)
                try builder.addImage(layers: [try builder.addLayer(size: 5000)], name: "team/app:\(tag)", label: tag)
                try builder.writeIndexJSON()
            }
            try machine.directory.write("{".utf8, to: "bad/index.json")
            try machine.directory.write("{".utf8, to: "bad/oci-layout")
            try await TestRegistry.with { registry in
                let daemon = try await machine.start(stores: layouts)
                let push = try await machine.pushctl("push", "-a", "team/app", registry.address + "/app")
                #expect(push.status == 1)
                #expect(push.errors.contains("oci:\(layouts[2]) is left out: "), "\(push.errors)")
                #expect(registry.tags("app").keys.sorted() == ["1", "2"])
                await daemon.end()
            }
        }
    }

    @Test("an image whose name no registry takes is not its own destination, and the error says why")
    func nameUnusable() async throws {
        try await Machine.with { machine in
            _ = try Self.mixed(machine)
            try await machine.withDaemon("defaults: { registry: 'registry.example', namespace: 'team' }") { _ in
                let push = try await machine.pushctl("push", "-d", "oci:\(machine.layout):v1.0+build5")
                #expect(push.status == 2)
                #expect(push.errors.contains("\"v1.0+build5\" is not a valid tag"), "\(push.errors)")
            }
        }
    }

    @Test("a layout whose directory has colons in its name is found, with a name and by digest")
    func colons() async throws {
        try await Machine.with { machine in
            let layout = machine.directory.file("2026-11-28T13:13:06")
            let builder = try LayoutBuilder(directory: layout)
            let image = try builder.addImage(layers: [try builder.addLayer(size: 5000)], name: "1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                let daemon = try await machine.start(stores: [layout])
                for (tag, text) in [
                    "a": "oci:\(layout)", "b": "oci:\(layout):1", "c": "oci:\(layout):@\(image.digest)",
                ] {
                    let push = try await machine.pushctl("push", text, "\(registry.address)/app:\(tag)")
                    #expect(push.status == 0, "\(push.errors)")
                    let verified = try await machine.pushctl(
                        "verify", "\(registry.address)/app:\(tag)", "--against", text)
                    #expect(verified.status == 0, "\(verified.errors)")
                }
                #expect(registry.tags("app").values.allSatisfy { $0 == image.digest })
                // What `images` calls it can be pushed.
                let listed = try #require(try await machine.json("images").first?["images"]?.list?.first)
                let name = try #require(listed["name"]?.string)
                let push = try await machine.pushctl("push", name, "\(registry.address)/app:d")
                #expect(push.status == 0, "\(name): \(push.errors)")
                await daemon.end()
            }
        }
    }

    @Test("--dry-run says what would happen, asks no registry and leaves no trace")
    func dryRun() async throws {
        try await Machine.with { machine in
            let layer = try CommandTests.image(machine)
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let destination = registry.address + "/app:1"
                    let plan = try await machine.json("push", "--dry-run", "app:1", destination)
                    let push = try #require(plan.first?["plan"]?.list?.first, "\(plan)")
                    #expect(push["destination"]?.string == destination)
                    let blobs = try #require(push["blobs"]?.list)
                    #expect(blobs.contains { $0["digest"]?.string == layer.digest.description })
                    #expect(registry.requests.isEmpty)
                    #expect(try await machine.json("status").first?["jobs"]?.list?.isEmpty == true)
                    #expect(try machine.spooledFiles.isEmpty)
                }
            }
        }
    }

    @Test("--force sends every blob again, whatever the registry says that it has")
    func force() async throws {
        try await Machine.with { machine in
            let layer = try CommandTests.image(machine)
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let destination = registry.address + "/app:1"
                    #expect(try await machine.pushctl("push", "app:1", destination).status == 0)
                    #expect(try await machine.pushctl("push", "app:1", destination).status == 0)
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size, "nothing to do")
                    let forced = try await machine.pushctl("push", "--force", "app:1", destination)
                    #expect(forced.status == 0, "\(forced.errors)")
                    #expect(registry.bodyBytes(for: layer.digest) == 2 * layer.size)
                    #expect(registry.count(of: .manifest, method: "PUT") == 2)
                    #expect(registry.violations.isEmpty, "\(registry.violations)")
                }
            }
        }
    }
}
