import FoundationEssentials
import OCI
import Testing

@Suite("A manifest's document")
struct ManifestDocumentTests {
    static let digest = "sha256:" + String(repeating: "ab", count: 32)
    static let oci = "application/vnd.oci.image.manifest.v1+json"
    static let index = "application/vnd.oci.image.index.v1+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"

    static func descriptor(_ type: String) -> String {
        #"{"mediaType":"\#(type)","digest":"\#(digest)","size":7}"#
    }
    static let config = descriptor("application/vnd.oci.image.config.v1+json")
    static let layer = descriptor("application/vnd.oci.image.layer.v1.tar+gzip")

    func parse(_ text: String, declared: MediaType? = nil) throws(ManifestError) -> ManifestDocument {
        try ManifestDocument(parsing: Array(text.utf8), declared: declared)
    }

    @Test("is an image: a configuration and layers, in order")
    func image() throws {
        let document = try parse(
            #"{"schemaVersion":2,"mediaType":"\#(Self.oci)","config":\#(Self.config),"layers":[\#(Self.layer)],"x":1}"#,
            declared: .ociManifest)
        guard case .manifest(let manifest) = document else {
            Issue.record("no manifest")
            return
        }
        #expect(manifest.config.mediaType == .ociConfig)
        #expect(manifest.layers.map(\.size) == [7])
        #expect(document.mediaType == .ociManifest)
        #expect(document.subject == nil)
    }

    @Test("is an index: children with platforms and annotations")
    func listsChildren() throws {
        let child = """
            {"mediaType":"\(Self.oci)","digest":"\(Self.digest)","size":7,"platform":{"os":"linux","architecture":"arm",
            "variant":"v7"},"annotations":{"vnd.docker.reference.type":"attestation-manifest"}}
            """
        let document = try parse(#"{"schemaVersion":2,"manifests":[\#(child)]}"#, declared: .ociIndex)
        guard case .index(let index) = document else {
            Issue.record("no index")
            return
        }
        #expect(index.manifests[0].platform == Platform(os: "linux", architecture: "arm", variant: "v7"))
        #expect(index.manifests[0].isAttestation)
    }

    @Test(
        "without a type of its own has the declared one, or what its content shows",
        arguments: [
            (#"{"schemaVersion":2,"config":\#(config),"layers":[]}"#, nil, MediaType.ociManifest),
            (#"{"schemaVersion":2,"config":\#(config)}"#, "", .ociManifest),
            (
                #"{"schemaVersion":2,"config":\#(descriptor("application/vnd.docker.container.image.v1+json"))}"#, nil,
                .dockerManifest
            ),
            (#"{"schemaVersion":2,"manifests":[]}"#, nil, .ociIndex),
            (#"{"schemaVersion":2,"manifests":[]}"#, dockerList, .dockerManifestList),
        ] as [(String, String?, MediaType)])
    func infers(text: String, declared: String?, expected: MediaType) throws {
        #expect(try parse(text, declared: declared.map { MediaType($0) }).mediaType == expected)
    }

    @Test(
        "is refused with its reason",
        arguments: [
            ("", .notJSON("it is not JSON")),
            ("null", nil),
            ("[]", nil),
            (#"{"schemaVersion":2}"#, .neither),
            (#"{"schemaVersion":3,"manifests":[]}"#, .schemaVersion(3)),
            (#"{"manifests":[]}"#, .notJSON(#""schemaVersion" is missing"#)),
            (#"{"schemaVersion":1,"fsLayers":[]}"#, .retiredSchema1),
            (
                #"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v1+prettyjws"}"#,
                .retiredSchema1
            ),
            (#"{"schemaVersion":2,"manifests":[],"config":\#(config)}"#, .ambiguous),
            (#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, .ambiguous),
            (
                #"{"schemaVersion":2,"mediaType":"\#(index)","config":\#(config)}"#,
                .unknownType(MediaType(index))
            ),
            (#"{"schemaVersion":2,"mediaType":"\#(oci)","manifests":[]}"#, .unknownType(MediaType(oci))),
            (#"{"schemaVersion":2,"mediaType":"text/html","manifests":[]}"#, .unknownType(MediaType("text/html"))),
            (#"{"schemaVersion":2,"config":{"digest":"sha256:x","size":1},"layers":[]}"#, nil),
            (#"{"schemaVersion":2,"config":{"digest":"\#(digest)","size":-1},"layers":[]}"#, nil),
            (#"{"schemaVersion":2,"config":{"digest":"\#(digest)"},"layers":[]}"#, nil),
        ] as [(String, ManifestError.Reason?)])
    func refuses(text: String, reason: ManifestError.Reason?) {
        do throws(ManifestError) {
            _ = try parse(text)
            Issue.record("was taken")
        } catch {
            if let reason { #expect(error.reason == reason) }
            #expect(error.description.utf8.count < 400)
        }
    }

    @Test("that calls itself something else than its descriptor does is refused")
    func typeConfusion() {
        do throws(ManifestError) {
            _ = try parse(
                #"{"schemaVersion":2,"mediaType":"\#(Self.oci)","config":\#(Self.config)}"#, declared: .ociIndex)
            Issue.record("was taken")
        } catch { #expect(error.reason == .mediaTypeDiffers(inside: .ociManifest, declared: .ociIndex)) }
    }

    @Test("has at most 4 MiB")
    func bounded() {
        let bytes = [UInt8](repeating: UInt8(ascii: " "), count: ManifestDocument.maximumSize + 1)
        #expect(throws: ManifestError.self) { try ManifestDocument(parsing: bytes, declared: nil) }
        do throws(ManifestError) {
            _ = try ManifestDocument(parsing: bytes, declared: nil)
        } catch { #expect(error.reason == .tooLarge(bytes: bytes.count)) }
    }

    @Test("that nests without end is refused, not followed")
    func deep() {
        let text = #"{"schemaVersion":2,"x":"# + String(repeating: "[", count: 100_000)
        #expect(throws: ManifestError.self) { try parse(text) }
    }

    @Test("of an artifact has its type and what it is attached to")
    func artifact() throws {
        let document = try parse(
            """
            {"schemaVersion":2,"artifactType":"application/x","config":\(Self.descriptor("application/vnd.oci.empty.v1+json")),
            "layers":[],"subject":\(Self.descriptor(Self.oci))}
            """)
        #expect(document.subject?.digest.description == Self.digest)
        guard case .manifest(let manifest) = document else {
            Issue.record("no manifest")
            return
        }
        #expect(manifest.artifactType == "application/x")
    }
}
