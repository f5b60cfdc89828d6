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
