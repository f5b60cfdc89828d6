import FoundationEssentials
import OCI
import TestSupport
import Testing

@testable import ImageStore

@Suite("Choosing platforms")
struct PlatformSelectionTests {
    static let amd = Platform(os: "linux", architecture: "amd64")
    static let arm = Platform(os: "linux", architecture: "arm64", variant: "v8")
    static let s390 = Platform(os: "linux", architecture: "s390x")

    /// Three machines, an attestation for each, one of them without its platform in the index.
    struct Fixture {
        let builder: LayoutBuilder
        let images: [Descriptor]
        let attestations: [Descriptor]
        let root: Descriptor

        init(_ directory: String) throws {
            builder = try LayoutBuilder(directory: directory)
            let builder = builder
            images = try [amd, arm, s390].map { platform in
                try builder.addImage(layers: [builder.addLayer(size: 10)], platform: platform)
            }
            attestations = try images.map { try builder.addAttestation(for: $0) }
            let bare = Descriptor(mediaType: images[2].mediaType, digest: images[2].digest, size: images[2].size)
            root = try builder.addIndex(
                of: [images[0], attestations[0], images[1], attestations[1], bare, attestations[2]],
                annotations: ["kept": "yes"])
        }

        func read(_ platforms: [Platform], root: Descriptor? = nil) async throws -> ImageContents {
            try await ImageContents.read(
                root: root ?? self.root, from: OCILayout(directory: builder.directory), platforms: platforms)
        }
    }

    @Test(
        "takes one image with its own digest", arguments: [(0, "linux/x86_64"), (1, "linux/arm64"), (2, "linux/s390x")])
    func one(place: Int, wanted: String) async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.path)
            let contents = try await fixture.read([#require(Platform(parsing: wanted))])
            #expect(contents.root.digest == fixture.images[place].digest)
            #expect(contents.manifests.count == 1)
            #expect(contents.platforms.count == 1)
        }
    }

    @Test("needs only what was chosen")
    func othersMissing() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.path)
            try FileManager.default.removeItem(atPath: fixture.builder.path(of: fixture.images[0].digest))
            #expect(try await fixture.read([Self.arm]).root.digest == fixture.images[1].digest)
        }
    }

    @Test("makes a new index for several, with their attestations and all that stood there")
    func several() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.path)
            let contents = try await fixture.read([Self.arm, Self.amd])
            #expect(contents.root.digest != fixture.root.digest)
            #expect(
                contents.manifests.dropLast().map(\.descriptor.digest)
                    == [fixture.images[0], fixture.attestations[0], fixture.images[1], fixture.attestations[1]]
                    .map(\.digest))
            let made = try #require(contents.manifests.last)
            #expect(Digest(of: made.bytes) == contents.root.digest)
            #expect(try JSONValue(parsing: made.bytes)["annotations"] == .object(["kept": .string("yes")]))
            let again = try await fixture.read([Self.amd, Self.arm])
            #expect(again.root.digest == contents.root.digest)
        }
    }

    @Test("leaves an index alone of which all is wanted")
    func all() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.path)
            let contents = try await fixture.read([Self.amd, Self.arm, Self.s390])
            #expect(contents.root.digest == fixture.root.digest)
            #expect(contents.manifests.count == 7)
        }
    }

    @Test("that finds nothing says what is there")
    func none() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.path)
            let wanted = try #require(Platform(parsing: "linux/riscv64"))
            let error = await #expect(throws: ImageStoreError.self) { try await fixture.read([Self.amd, wanted]) }
            #expect(
                error?.cause
                    == .platformNotFound(
                        wanted: "linux/riscv64", available: ["linux/amd64", "linux/arm64/v8", "linux/s390x"]))
        }
    }

    @Test("holds a single image against the wish")
    func single() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.path)
            let image = fixture.images[1]
            let bare = Descriptor(mediaType: image.mediaType, digest: image.digest, size: image.size)
            #expect(try await fixture.read([Self.arm], root: bare).root.digest == image.digest)
            let error = await #expect(throws: ImageStoreError.self) { try await fixture.read([Self.amd], root: bare) }
            #expect(error?.code == "platform-not-found")
        }
    }

    @Test("keeps all versions of Windows, and of equals the first")
    func windows() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let images = try ["10.0.17763.1", "10.0.20348.1", "10.0.20348.1"].enumerated().map { place, version in
                try builder.addImage(
                    layers: [], platform: Platform(os: "windows", architecture: "amd64", osVersion: version),
                    label: "\(place)")
            }
            let linux = try builder.addImage(layers: [])
            let root = try builder.addIndex(of: images + [linux])
            let contents = try await ImageContents.read(
                root: root, from: OCILayout(directory: builder.directory),
                platforms: [Platform(os: "windows", architecture: "amd64")])
            #expect(contents.manifests.dropLast().map(\.descriptor.digest) == images.prefix(2).map(\.digest))
        }
    }

    @Test("looks into nested indexes")
    func nested() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try Fixture(temporary.path)
            let outer = try fixture.builder.addIndex(of: [fixture.root])
            #expect(try await fixture.read([Self.s390], root: outer).root.digest == fixture.images[2].digest)
        }
    }
}
