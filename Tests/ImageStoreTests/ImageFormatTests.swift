import OCI
import TestSupport
import Testing

@testable import ImageStore

@Suite("An image in another format")
struct ImageFormatTests {
    private func read(_ root: Descriptor, _ builder: LayoutBuilder) async throws -> ImageContents {
        try await ImageContents.read(root: root, from: OCILayout(directory: builder.directory))
    }

    private func with(_ body: (LayoutBuilder) async throws -> Void) async throws {
        try await TemporaryDirectory.with { try await body(try LayoutBuilder(directory: $0.path)) }
    }

    @Test("has the same configurations and layers, new manifests in the same order, and says what is left out")
    func index() async throws {
        try await with { builder in
            let layer = try builder.addLayer(size: 100)
            let other = try builder.addLayer(size: 200, seed: 2)
            let amd = try builder.addImage(layers: [layer, other])
            let arm = try builder.addImage(layers: [layer], platform: Platform(os: "linux", architecture: "arm64"))
            let attestation = try builder.addAttestation(for: amd)
            let root = try builder.addIndex(of: [amd, arm, attestation], annotations: ["a": "b", "c": "d"])
            let old = try await read(root, builder)
            let new = try old.converted(to: .docker, subject: "app")
            #expect(new.contents.root.mediaType == .dockerManifestList)
            #expect(new.contents.root.digest != old.root.digest)
            #expect(
                new.contents.manifests.map(\.descriptor.mediaType) == [
                    .dockerManifest, .dockerManifest, .dockerManifestList,
                ])
            #expect(new.contents.manifests.last?.descriptor.digest == new.contents.root.digest)
            for node in new.contents.manifests {
                #expect(Digest(of: node.bytes) == node.descriptor.digest)
                #expect(Int64(node.bytes.count) == node.descriptor.size)
            }
            #expect(new.contents.platforms.map(\.platform.description) == ["linux/amd64", "linux/arm64"])
            // Without the attestation's own two.
            #expect(new.contents.blobs.count == old.blobs.count - 2)
            for blob in new.contents.blobs {
                let same = try #require(old.blobs.first { $0.descriptor.digest == blob.descriptor.digest })
                #expect(same.path == blob.path && same.isSent == blob.isSent && same.role == blob.role)
                #expect(
                    blob.descriptor.mediaType
                        == (blob.role == .config
                            ? .dockerConfig : MediaType("application/vnd.docker.image.rootfs.diff.tar.gzip")))
            }
            #expect(new.losses == ["2 annotations", "1 attestation"])
            #expect(
                try old.converted(to: .docker, subject: "app").contents.root == new.contents.root, "always the same")
        }
    }

    @Test("that it has already is the image itself")
    func unchanged() async throws {
        try await with { builder in
            let layer = try builder.addLayer(size: 100)
            for types in [LayoutBuilder.MediaTypes.oci, .docker] {
                let child = try builder.addImage(layers: [layer], mediaTypes: types)
                let root = try builder.addIndex(of: [child], mediaTypes: types, annotations: ["a": "b"])
                let old = try await read(root, builder)
                let new = try old.converted(to: types == .oci ? .oci : .docker, subject: "app")
                #expect(new.contents.root.digest == root.digest && new.losses.isEmpty)
            }
        }
    }

    @Test("of Docker becomes one of OCI, and comes back as what it was")
    func there() async throws {
        try await with { builder in
            let layer = try builder.addLayer(size: 100)
            let image = try builder.addImage(layers: [layer], mediaTypes: .docker)
            let old = try await read(image, builder)
            let oci = try old.converted(to: .oci, subject: "app")
            #expect(oci.contents.root.mediaType == .ociManifest)
            #expect(
                oci.contents.blobs.map(\.descriptor.mediaType.rawValue) == [
                    "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip",
                ])
            let back = try oci.contents.converted(to: .docker, subject: "app")
            #expect(back.contents.blobs.map(\.descriptor) == old.blobs.map(\.descriptor))
        }
    }

    @Test("that has no word for its layers is refused, with the layer and what to do")
    func refused() async throws {
        try await with { builder in
            let zstd = try builder.addLayer(
                size: 100, mediaType: MediaType("application/vnd.oci.image.layer.v1.tar+zstd"))
            let image = try await read(try builder.addImage(layers: [zstd]), builder)
            let error = #expect(throws: ImageStoreError.self) { try image.converted(to: .docker, subject: "app:1") }
            #expect(error?.code == "format-refused")
            #expect(error?.description.contains("app:1 can't be pushed in Docker's format") == true)
            #expect(error?.description.contains(zstd.digest.description) == true)
            #expect(error?.advice?.contains("compress its layers with gzip") == true)
        }
    }
}
