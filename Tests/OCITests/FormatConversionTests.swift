import Testing

@testable import OCI

@Suite("A manifest in another format")
struct FormatConversionTests {
    private static let config = Digest(of: [1])
    private static let layer = Digest(of: [2])

    private static func document(_ text: String) throws -> (document: ManifestDocument, bytes: [UInt8]) {
        let bytes = Array(text.utf8)
        return (try ManifestDocument(parsing: bytes, declared: nil), bytes)
    }

    private static func manifest(
        _ text: String, to format: ImageFormat
    ) throws -> FormatConversion.Written? {
        let (document, bytes) = try document(text)
        guard case .manifest(let manifest) = document else { return nil }
        return try FormatConversion(to: format).manifest(manifest, bytes: bytes)
    }

    private static func oci(
        config type: String = "application/vnd.oci.image.config.v1+json",
        layer layerType: String = "application/vnd.oci.image.layer.v1.tar+gzip", extra: String = "", more: String = ""
    ) -> String {
        """
        { "annotations": {"a": "1", "b": "2"}, "schemaVersion": 2,
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "config": {"digest": "\(config)", "mediaType": "\(type)", "size": 7},
          "layers": [{"mediaType": "\(layerType)", "digest": "\(layer)", "size": 9, "annotations": {"c": "3"}\(extra)}]
          \(more) }
        """
    }

    @Test("of Docker has Docker's types and order, the same content, and no annotations")
    func toDocker() throws {
        let written = try #require(try Self.manifest(Self.oci(), to: .docker))
        let wanted =
            #"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","#
            + #""config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":7,"digest":"\#(Self.config)"},"#
            + #""layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":9,"digest":"\#(Self.layer)"}]}"#
        #expect(String(decoding: written.bytes, as: UTF8.self) == wanted)
        #expect(written.descriptor.digest == Digest(of: Array(wanted.utf8)))
        #expect(written.descriptor.mediaType == .dockerManifest)
        #expect(written.annotations == 3)
        // The same again, and nothing more to do.
        #expect(try Self.manifest(Self.oci(), to: .docker)?.bytes == written.bytes)
        #expect(try Self.manifest(wanted, to: .docker) == nil)
    }

    @Test("of OCI has OCI's types, and comes back from Docker's with another digest than it had at most once")
    func toOCI() throws {
        let docker = try #require(try Self.manifest(Self.oci(), to: .docker))
        let back = try #require(try Self.manifest(String(decoding: docker.bytes, as: UTF8.self), to: .oci))
        let wanted =
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","#
            + #""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(Self.config)","size":7},"#
            + #""layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"\#(Self.layer)","size":9}]}"#
        #expect(String(decoding: back.bytes, as: UTF8.self) == wanted)
        #expect(try Self.manifest(wanted, to: .docker)?.bytes == docker.bytes)
        #expect(try Self.manifest(Self.oci(), to: .oci) == nil, "an OCI manifest stays as it is, annotations and all")
    }

    @Test(
        "knows every kind of layer that both have",
        arguments: [
            ("application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"),
            ("application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
            (
                "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
            ),
        ])
    func layers(oci: String, docker: String) throws {
        #expect(ImageFormat.docker.layer(MediaType(oci)) == MediaType(docker))
        #expect(ImageFormat.oci.layer(MediaType(docker)) == MediaType(oci))
        #expect(ImageFormat.docker.layer(MediaType(docker)) == MediaType(docker))
        #expect(MediaType(oci).isNonDistributable == MediaType(docker).isNonDistributable)
    }

    @Test("keeps the address of a layer that is not distributed, and refuses one without")
    func foreign() throws {
        let type = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
        let withAddress = Self.oci(layer: type, extra: #", "urls": ["https://m.example/a?b=1&c=2"]"#)
        let written = try #require(try Self.manifest(withAddress, to: .docker))
        #expect(String(decoding: written.bytes, as: UTF8.self).contains(#""urls":["https://m.example/a?b=1&c=2"]"#))
        let error = #expect(throws: FormatConversionError.self) {
            try Self.manifest(Self.oci(layer: type), to: .docker)
        }
        #expect(error?.reason == .withoutAddress(Self.layer))
    }

    @Test("is refused where the format has no word for what there is, with what to do instead")
    func refused() throws {
        func reason(_ text: String, _ format: ImageFormat = .docker) -> FormatConversionError.Reason? {
            do {
                _ = try Self.manifest(text, to: format)
                return nil
            } catch {
                let error = error as? FormatConversionError
                #expect(error?.description.isEmpty == false && error?.advice.isEmpty == false)
                return error?.reason
            }
        }
        let zstd = "application/vnd.oci.image.layer.v1.tar+zstd"
        #expect(reason(Self.oci(layer: zstd)) == .layer(MediaType(zstd), Self.layer))
        #expect(FormatConversionError(.layer(MediaType(zstd), Self.layer), .docker).advice.contains("gzip"))
        #expect(reason(Self.oci(layer: "application/x-other")) == .layer(MediaType("application/x-other"), Self.layer))
        #expect(
            reason(Self.oci(config: "application/vnd.cncf.helm.config.v1+json"))
                == .artifact("application/vnd.cncf.helm.config.v1+json"))
        #expect(reason(Self.oci(more: #", "artifactType": "application/x-sbom""#)) == .artifact("application/x-sbom"))
        let subject = #", "subject": {"mediaType": "m", "digest": "\#(Self.layer)", "size": 1}"#
        #expect(reason(Self.oci(more: subject)) == .attached)
        #expect(reason(Self.oci(layer: zstd), .oci) == nil)
    }

    private static func index(_ children: String, type: String = "application/vnd.oci.image.index.v1+json") -> String {
        #"{"schemaVersion":2,"mediaType":"\#(type)","manifests":[\#(children)],"annotations":{"x":"y"}}"#
    }

    private static func child(_ digest: Digest, platform: String? = nil) -> String {
        let machine = platform.map { #","platform":\#($0)"# } ?? ""
        return
            #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(digest)","size":3,"annotations":{"n":"1"}\#(machine)}"#
    }

    @Test("list names the children's new digests and their platforms, and leaves out what is left out")
    func list() throws {
        let (one, two, new) = (Digest(of: [3]), Digest(of: [4]), Digest(of: [5]))
        let text = Self.index(
            Self.child(one, platform: #"{"os":"linux","variant":"v7","architecture":"arm","os.features":["x"]}"#) + ","
                + Self.child(two))
        let (document, bytes) = try Self.document(text)
        guard case .index(let index) = document else { return }
        func write(_ known: Platform?) throws -> FormatConversion.Written? {
            try FormatConversion(to: .docker).index(
                index, bytes: bytes,
                converted: { Descriptor(mediaType: .dockerManifest, digest: $0.digest == one ? new : two, size: 44) },
                platform: { _ in known })
        }
        let written = try #require(try write(Platform(os: "linux", architecture: "amd64")))
        let wanted =
            #"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":["#
            + #"{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","size":44,"digest":"\#(new)","#
            + #""platform":{"architecture":"arm","os":"linux","os.features":["x"],"variant":"v7"}},"#
            + #"{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","size":44,"digest":"\#(two)","#
            + #""platform":{"architecture":"amd64","os":"linux"}}]}"#
        #expect(String(decoding: written.bytes, as: UTF8.self) == wanted)
        #expect(written.annotations == 3)
        #expect(throws: FormatConversionError(.withoutPlatform(two), .docker)) { try write(nil) }

        let part = try FormatConversion(to: .docker).index(
            index, bytes: bytes,
            converted: {
                $0.digest == two ? nil : Descriptor(mediaType: .dockerManifest, digest: new, size: 44)
            }, platform: { _ in nil })
        #expect(try #require(part).bytes.count < written.bytes.count)
        #expect(throws: FormatConversionError(.nested, .docker)) {
            try FormatConversion(to: .docker).index(
                index, bytes: bytes,
                converted: { _ in Descriptor(mediaType: .dockerManifestList, digest: new, size: 1) },
                platform: { _ in nil })
        }
    }
}
