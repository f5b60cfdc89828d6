import OCI
import TestSupport
import Testing

@Suite("pushctl verify")
struct VerifyTests {
    struct Pushed {
        let machine: Machine
        let registry: TestRegistry
        let reference: String
        let layer: Descriptor
        let children: [Descriptor]
        let root: Descriptor
    }

    /// Runs `body` after a multi-platform image was pushed to `REGISTRY/team/app:1`.
    private func whenPushed(_ body: (Pushed) async throws -> Void) async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 100_000)
            let children = try ["amd64", "arm64"].map {
                try builder.addImage(layers: [layer], platform: Platform(os: "linux", architecture: $0))
            }
            let root = try builder.addIndex(of: children, name: "app:1")
            try builder.addImage(layers: [layer], name: "app:2", label: "two")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ async throws in
                    let reference = registry.address + "/team/app:1"
                    let push = try await machine.pushctl("push", "app:1", reference)
                    #expect(push.status == 0, "\(push.errors)")
                    let pushed = Pushed(
                        machine: machine, registry: registry, reference: reference, layer: layer, children: children,
                        root: root)
                    let whole = try await verify(pushed, "--deep")
                    #expect(whole.status == 0 && whole.problems.isEmpty, "\(whole)")
                    try await body(pushed)
                }
            }
        }
    }

    private func verify(_ pushed: Pushed, _ options: String...) async throws -> (status: Int32?, problems: [JSON]) {
        let result = try await ProcessRunner.run(
            try builtProduct("pushctl"), ["--json", "verify", pushed.reference] + options,
            environment: pushed.machine.environment)
        let report = try JSON(parsing: result.output)
        #expect(report["verified"]?.isTrue == (result.status == 0), "\(result.output)\(result.errors)")
        return (result.status, report["problems"]?.list ?? [])
    }

    private func check(
        _ found: (status: Int32?, problems: [JSON]), _ kind: String, _ digest: Digest,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(found.status == 1, sourceLocation: location)
        #expect(found.problems.map { $0["kind"]?.string } == [kind], sourceLocation: location)
        #expect(found.problems.first?["digest"]?.string == digest.description, sourceLocation: location)
    }

    @Test("finds a blob that was deleted")
    func deletedBlob() async throws {
        try await whenPushed { pushed in
            pushed.registry.removeBlob(pushed.layer.digest, from: "team/app")
            check(try await verify(pushed), "missingBlob", pushed.layer.digest)
            check(try await verify(pushed, "--deep"), "missingBlob", pushed.layer.digest)
        }
    }

    @Test("finds a child manifest that was deleted")
    func deletedChild() async throws {
        try await whenPushed { pushed in
            pushed.registry.removeManifest(pushed.children[1].digest, from: "team/app")
            check(try await verify(pushed), "missingManifest", pushed.children[1].digest)
        }
    }

    @Test("finds a tag that was moved, when it is told what should be there")
    func movedTag() async throws {
        try await whenPushed { pushed in
            let push = try await pushed.machine.pushctl("push", "app:2", pushed.reference)
            #expect(push.status == 0)
            #expect(try await verify(pushed).status == 0, "the other image is whole")
            let moved = try #require(pushed.registry.tags("team/app")["1"])
            check(try await verify(pushed, "--against", "app:1"), "digestDiffers", moved)
        }
    }

    @Test("of a tag that is gone ends with 4, as of a repository that never was")
    func deletedTag() async throws {
        try await whenPushed { pushed in
            pushed.registry.removeManifest(pushed.root.digest, from: "team/app")
            for reference in [pushed.reference, pushed.registry.address + "/no/such:1"] {
                let found = try await pushed.machine.pushctl("verify", reference)
                #expect(found.status == 4)
                #expect(found.output == "")
                #expect(
                    found.errors == "pushctl: \(reference) is not in the registry\ncheck the repository and the tag\n")
            }
        }
    }

    @Test("finds changed bytes with --deep, and only then")
    func corruptedBlob() async throws {
        try await whenPushed { pushed in
            try pushed.registry.corruptBlob(pushed.layer.digest)
            #expect(try await verify(pushed).status == 0, "sizes are as they should be")
            check(try await verify(pushed, "--deep"), "contentDiffers", pushed.layer.digest)
        }
    }
}
