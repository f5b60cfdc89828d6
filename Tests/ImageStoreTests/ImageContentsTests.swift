import FoundationEssentials
import OCI
import TestSupport
import Testing

@testable import ImageStore

@Suite("The contents of an image")
struct ImageContentsTests {
    func read(_ root: Descriptor, _ builder: LayoutBuilder) async throws -> ImageContents {
        try await ImageContents.read(root: root, from: OCILayout(directory: builder.directory))
    }

    /// The error that reading the image ends with.
    func failure(_ root: Descriptor, _ builder: LayoutBuilder) async -> ImageStoreError? {
        await #expect(throws: ImageStoreError.self) { try await read(root, builder) }
    }

    @Test("are its manifest, its configuration and its layers", arguments: [LayoutBuilder.MediaTypes.oci, .docker])
    func single(types: LayoutBuilder.MediaTypes) async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let layers = try [builder.addLayer(size: 1000, seed: 1), builder.addLayer(size: 2000, seed: 2)]
            let image = try builder.addImage(
                layers: layers, mediaTypes: types, platform: Platform(os: "linux", architecture: "arm64"))

            let contents = try await read(image, builder)

            #expect(contents.root == image)
            #expect(contents.manifests.map(\.descriptor) == [image])
            #expect(Digest(of: contents.manifests[0].bytes) == image.digest)
            #expect(contents.blobs.map(\.role) == [.config, .layer, .layer])
            #expect(contents.blobs.dropFirst().map(\.descriptor.digest) == layers.map(\.digest))
            #expect(contents.blobs.map(\.path) == contents.blobs.map { builder.path(of: $0.descriptor.digest) })
            #expect(contents.blobs.allSatisfy { $0.isSent && $0.inlineBytes == nil })
            #expect(contents.totalBytes == 3000 + contents.blobs[0].descriptor.size)
            #expect(contents.platforms.map(\.platform.description) == ["linux/arm64"])
        }
    }

    @Test("of several platforms have children before parents, shared blobs once, and attestations that are no platform")
    func multiPlatform() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let shared = try builder.addLayer(size: 1000, seed: 1)
            let amd = try builder.addImage(layers: [shared, builder.addLayer(size: 10, seed: 2)])
            let arm = try builder.addImage(
                layers: [shared], platform: Platform(os: "linux", architecture: "arm", variant: "v7"))
            let attestation = try builder.addAttestation(for: amd)
            let inner = try builder.addIndex(of: [arm])
            let root = try builder.addIndex(of: [amd, attestation, inner], name: "1.0")

            let contents = try await read(root, builder)

            #expect(
                contents.manifests.map(\.descriptor.digest)
                    == [amd, attestation, arm, inner, root].map(\.digest))
            #expect(contents.blobs.filter { $0.descriptor.digest == shared.digest }.count == 1)
            #expect(Set(contents.blobs.map(\.descriptor.digest)).count == contents.blobs.count)
            #expect(contents.platforms.map(\.platform.description) == ["linux/amd64", "linux/arm/v7"])
            #expect(contents.platforms.map(\.manifest.digest) == [amd.digest, arm.digest])
        }
    }

    @Test("without a type in index.json have the document's")
    func untyped() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let image = try builder.addImage(layers: [])
            let untyped = Descriptor(mediaType: MediaType(""), digest: image.digest, size: image.size)
            #expect(try await read(untyped, builder).root.mediaType == .ociManifest)
        }
    }

    @Test("keep a layer that may not be distributed where it is, and do not miss it")
    func nonDistributable() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let foreign = Descriptor(
                mediaType: MediaType("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
                digest: Digest(of: [1]), size: 1_000_000)
            let image = try builder.addImage(layers: [foreign, builder.addLayer(size: 10)], mediaTypes: .docker)
            let contents = try await read(image, builder)
            #expect(contents.blobs.map(\.isSent) == [true, false, true])
            #expect(contents.blobs[1].path == nil)
            #expect(contents.totalBytes < 1_000_000)
        }
    }

    @Test("leave out a layer that may not be distributed where it has an address; without one it is sent")
    func addresses() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let type = MediaType("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")
            let bare = try builder.addLayer(size: 1000, seed: 1, mediaType: type)
            let known = try builder.addLayer(size: 2000, seed: 2, mediaType: type)
            let addressed = Descriptor(
                mediaType: type, digest: known.digest, size: known.size, urls: ["https://elsewhere.test/x"])
            let image = try builder.addImage(layers: [bare, addressed])
            let contents = try await read(image, builder)
            #expect(contents.blobs.map(\.isSent) == [true, true, false])
            #expect(contents.blobs[1].path == builder.path(of: bare.digest))
        }
    }

    @Test("may stand in the descriptors themselves", arguments: ["e30=", nil])
    func inline(data: String?) async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let empty = Descriptor(mediaType: .ociEmpty, digest: Digest(of: Array("{}".utf8)), size: 2, data: data)
            let artifact = try builder.addManifest(config: empty, layers: [empty], artifactType: "application/x")
            let contents = try await read(artifact, builder)
            #expect(contents.blobs.map(\.inlineBytes) == [Array("{}".utf8)])
            #expect(contents.platforms.isEmpty)
        }
    }

    @Test("are not what stands in a descriptor that lies")
    func inlineLie() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let lie = Descriptor(mediaType: .ociEmpty, digest: Digest(of: [1, 2]), size: 2, data: "e30=")
            let artifact = try builder.addManifest(config: lie, layers: [])
            #expect(await failure(artifact, builder)?.cause == .blobsMissing([lie.digest]))
        }
    }

    @Test("that are missing are listed in one error, all of them")
    func missing() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let layers = try (1...15).map { try builder.addLayer(size: 100, seed: $0) }
            let image = try builder.addImage(layers: layers)
            for layer in layers.dropFirst() {
                try FileManager.default.removeItem(atPath: builder.path(of: layer.digest))
            }
            let error = await failure(image, builder)
            #expect(error?.cause == .blobsMissing(layers.dropFirst().map(\.digest)))
            #expect(error?.code == "blob-missing")
            #expect(error?.mayBeUnfinished == true)
            #expect(error?.description.hasSuffix("and 4 more") == true)
            #expect(error?.description.contains("oci:" + temporary.path) == true)
        }
    }

    @Test("of platforms that are not there are named")
    func missingPlatforms() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let amd = try builder.addImage(layers: [])
            let arm = try builder.addImage(layers: [], platform: Platform(os: "linux", architecture: "arm64"))
            let root = try builder.addIndex(of: [amd, arm])
            try FileManager.default.removeItem(atPath: builder.path(of: arm.digest))
            let error = await failure(root, builder)
            #expect(error?.cause == .platformsMissing(["linux/arm64"], total: 2))
            #expect(error?.advice?.contains("--platform") == true)
        }
    }

    @Test("whose root is missing are an error")
    func missingRoot() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let image = Descriptor(mediaType: .ociManifest, digest: Digest(of: [1]), size: 1)
            #expect(await failure(image, builder)?.cause == .blobsMissing([image.digest]))
        }
    }

    @Test("of another length than they say are listed", arguments: [-1, 1])
    func sizes(by change: Int) async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let layer = try builder.addLayer(size: 100)
            let image = try builder.addImage(layers: [layer])
            try Data(repeating: 0, count: 100 + change).write(to: URL(filePath: builder.path(of: layer.digest)))
            let error = await failure(image, builder)
            #expect(
                error?.cause == .blobSizes([.init(digest: layer.digest, expected: 100, found: 100 + Int64(change))]))
            #expect(error?.mayBeUnfinished == true)
        }
    }

    enum Part: CaseIterable { case manifest, config }

    @Test("with other bytes than their digest says are refused", arguments: Part.allCases, [false, true])
    func damaged(part: Part, isShort: Bool) async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let image = try builder.addImage(layers: [])
            let config = try await read(image, builder).blobs[0].descriptor
            let victim = part == .manifest ? image : config
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: builder.path(of: victim.digest))))
            if isShort { bytes.removeLast() } else { bytes[bytes.count - 2] ^= 1 }
            try Data(bytes).write(to: URL(filePath: builder.path(of: victim.digest)))
            let error = await failure(image, builder)
            if isShort {
                #expect(error?.code == "blob-size")
            } else {
                #expect(error?.cause == .digestMismatch(expected: victim.digest, found: Digest(of: bytes)))
            }
        }
    }

    @Test("that are no image are refused with the reason")
    func invalid() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let config = try builder.addBlob(Array(#"{"rootfs":{"diff_ids":["a","b"]}}"#.utf8), mediaType: .ociConfig)
            let layer = try builder.addLayer(size: 10)
            let other = Descriptor(mediaType: layer.mediaType, digest: layer.digest, size: 11)
            let image = try builder.addImage(layers: [layer])
            let asDocker = Descriptor(mediaType: .dockerManifest, digest: image.digest, size: image.size)
            let bigger = Descriptor(mediaType: image.mediaType, digest: image.digest, size: image.size + 1)
            let broken: [(Descriptor, String)] = [
                (try builder.addBlob(Array("no JSON".utf8), mediaType: .ociManifest), "not JSON"),
                (
                    try builder.addBlob(Array(#"{"schemaVersion":1,"name":"x"}"#.utf8), mediaType: .dockerManifest),
                    "schema 1"
                ),
                (try builder.addManifest(config: config, layers: [layer]), "names 2"),
                (try builder.addManifest(config: config, layers: [layer, other]), "two different sizes"),
                (try builder.addIndex(of: [image, asDocker]), "listed as"),
                (try builder.addIndex(of: [image, bigger]), "two different sizes"),
                (asDocker, "its descriptor says"),
            ]
            for (root, reason) in broken {
                let error = await failure(root, builder)
                #expect(error?.code == "image-invalid")
                #expect(error?.description.contains(reason) == true, "\(error?.description ?? "none")")
            }
            let large = Descriptor(mediaType: .ociManifest, digest: Digest(of: [7]), size: 5 << 20)
            #expect(await failure(large, builder)?.cause == .manifestTooLarge(bytes: 5 << 20))
        }
    }

    @Test("that other tools would read otherwise are refused, and layers larger than any are")
    func contradictory() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let layer = try builder.addLayer(size: 10)
            let config = try builder.addBlob(
                Array(#"{"rootfs":{"diff_ids":["a"]},"RootFS":{"diff_ids":["a","b"]}}"#.utf8), mediaType: .ociConfig)
            let plain = try builder.addBlob(Array(#"{"rootfs":{"diff_ids":["a"]}}"#.utf8), mediaType: .ociConfig)
            func json(_ blob: Descriptor) -> String {
                #"{"mediaType":"\#(blob.mediaType)","digest":"\#(blob.digest)","size":\#(blob.size)}"#
            }
            let twice =
                #"{"schemaVersion":2,"config":\#(json(plain)),"layers":[\#(json(layer))],"Layers":[\#(json(plain))]}"#
            for root in [
                try builder.addManifest(config: config, layers: [layer]),
                try builder.addBlob(Array(twice.utf8), mediaType: .ociManifest),
            ] {
                let error = await failure(root, builder)
                #expect(error?.code == "image-contradictory")
                #expect(error?.advice?.contains("no known tool writes that") == true)
            }
            let huge = Descriptor(mediaType: layer.mediaType, digest: layer.digest, size: .max)
            let error = await failure(try builder.addManifest(config: plain, layers: [huge]), builder)
            #expect(error?.code == "image-invalid")
        }
    }

    @Test("in indexes within indexes are read eight levels deep, and no deeper")
    func depth() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            var root = try builder.addImage(layers: [])
            for _ in 1...8 { root = try builder.addIndex(of: [root]) }
            #expect(try await read(root, builder).manifests.count == 9)
            root = try builder.addIndex(of: [root])
            #expect(await failure(root, builder)?.code == "image-invalid")
        }
    }

    @Test("that are listed again and again cost nothing twice", .timeLimit(.minutes(1)))
    func fanOut() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            var root = try builder.addIndex(of: [])
            for _ in 1...8 { root = try builder.addIndex(of: Array(repeating: root, count: 100)) }
            #expect(try await read(root, builder).manifests.count == 9)
            let source = OCILayout(directory: builder.directory)
            await #expect(throws: ImageStoreError.self) {
                try await ImageContents.read(
                    root: root, from: source, platforms: [Platform(os: "linux", architecture: "arm64")])
            }
        }
    }

    @Test("come from the first source that has them")
    func sources() async throws {
        try await TemporaryDirectory.with { temporary in
            let one = try LayoutBuilder(directory: temporary.file("one"))
            let layer = try one.addLayer(size: 10)
            let two = try LayoutBuilder(directory: temporary.file("two"))
            let image = try two.addImage(layers: [layer])
            let both = ContentSources([OCILayout(directory: one.directory), OCILayout(directory: two.directory)])
            let contents = try await ImageContents.read(root: image, from: both)
            #expect(contents.blobs[1].path == one.path(of: layer.digest))
            #expect(both.file(for: image.digest) == two.path(of: image.digest))
        }
    }

    @Test("are no longer read for a caller that has gone")
    func cancelled() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let image = try builder.addImage(layers: [])
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await ImageContents.read(root: image, from: OCILayout(directory: builder.directory))
            }
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
