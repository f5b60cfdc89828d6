import OCI
import Testing

@Suite("A media type")
struct MediaTypeTests {
    @Test(
        "of a layer that may not be distributed is told apart",
        arguments: [
            ("application/vnd.oci.image.layer.nondistributable.v1.tar", true),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true),
            ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", true),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar", true),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true),
            ("application/vnd.oci.image.layer.v1.tar+gzip", false),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", false),
            ("application/octet-stream", false),
        ])
    func nonDistributable(text: String, expected: Bool) {
        #expect(MediaType(text).isNonDistributable == expected)
    }

    @Test("is an index, an image, retired, or something else")
    func kinds() {
        #expect(MediaType.manifests.filter(\.isIndex) == [.ociIndex, .dockerManifestList])
        #expect(MediaType.manifests.filter(\.isImageManifest) == [.ociManifest, .dockerManifest])
        #expect(MediaType.manifests.allSatisfy { !$0.isRetired })
        #expect(MediaType("application/vnd.docker.distribution.manifest.v1+json").isRetired)
        #expect(MediaType("application/vnd.docker.distribution.manifest.v1+prettyjws").isRetired)
        #expect(!MediaType("").isIndex && !MediaType("").isImageManifest)
    }
}
