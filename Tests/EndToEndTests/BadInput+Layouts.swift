import FoundationEssentials
import Glibc
import OCI
import TestSupport

/// Layouts with something wrong, each pushed by name. No registry is asked: all is found before a push is accepted.
extension BadInput {
    private struct Parts {
        let builder: LayoutBuilder
        let layer: Descriptor
        let image: Descriptor
        var layerFile: String { builder.path(of: layer.digest) }
        var imageFile: String { builder.path(of: image.digest) }
        var index: String { builder.directory + "/index.json" }
    }

    /// A case: a good layout with the image `app:1`, which `spoil` spoils.
    private static func layout(
        _ name: String, image: String = "oci:DIR:app:1", _ options: [String] = [],
        _ spoil: @escaping @Sendable (Parts) throws -> Void
    ) -> BadInput {
        BadInput(name) { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layer = try builder.addLayer(size: 5000)
            let parts = Parts(
                builder: builder, layer: layer, image: try builder.addImage(layers: [layer], name: "app:1"))
            try builder.writeIndexJSON()
            try spoil(parts)
            return try await machine.withDaemon { _ in
                let image = image.replacing("DIR", with: machine.layout)
                let tag = options.contains("--all-tags") ? "" : ":1"
                let words = ["push", "-d", image, "registry.example/app" + tag] + options
                return Shown(try await machine.pushctl(words), machine)
            }
        }
    }

    private static func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    static let layouts: [BadInput] = [
        layout("The layout's directory does not exist", image: "oci:DIR/nowhere:app:1") { _ in },
        layout("The directory has no `oci-layout`") { unlink($0.builder.directory + "/oci-layout") },
        layout("`oci-layout` is of another version") {
            try write(#"{"imageLayoutVersion":"2.0.0"}"#, $0.builder.directory + "/oci-layout")
        },
        layout("There is no `index.json`") { unlink($0.index) },
        layout("`index.json` is cut off, and stays so") { try write(#"{"schemaVersion":2,"manif"#, $0.index) },
        layout("`index.json` is a directory") {
            unlink($0.index)
            mkdir($0.index, 0o700)
        },
        layout("`index.json` is a link") {
            rename($0.index, $0.index + ".real")
            symlink("index.json.real", $0.index)
        },
        layout("No image has that name", image: "oci:DIR:app:2") { _ in },
        layout("No image has that name in any store", image: "app:2") { _ in },
        layout("Two images, and no name to choose by", image: "oci:DIR") {
            try $0.builder.addImage(layers: [$0.layer], name: "other:1", label: "other")
            try $0.builder.writeIndexJSON()
        },
        layout("The manifest's bytes do not have its digest") {
            let text = try String(contentsOf: URL(filePath: $0.imageFile), encoding: .utf8)
            try write(text.replacing("\"schemaVersion\":2", with: "\"schemaVersion\":3"), $0.imageFile)
        },
        layout("The manifest is missing") { unlink($0.imageFile) },
        layout("A layer is missing") { unlink($0.layerFile) },
        layout("A layer is too short") { truncate($0.layerFile, 4000) },
        layout("A layer is a link, and not to the layer") {
            unlink($0.layerFile)
            symlink("/etc/passwd", $0.layerFile)
        },
        layout("A layer is a directory") {
            unlink($0.layerFile)
            mkdir($0.layerFile, 0o700)
        },
        layout("The index lacks one of its images", image: "oci:DIR:multi:1") {
            let arm = try $0.builder.addImage(
                layers: [$0.layer], platform: Platform(os: "linux", architecture: "arm64"))
            let amd = $0.image.with(annotations: nil, platform: Platform(os: "linux", architecture: "amd64"))
            _ = try $0.builder.addIndex(of: [amd, arm], name: "multi:1")
            try $0.builder.writeIndexJSON()
            unlink($0.builder.path(of: arm.digest))
        },
        layout("Indexes lie in each other too deep", image: "oci:DIR:deep:1") { parts in
            var root = parts.image
            for _ in 0..<9 { root = try parts.builder.addIndex(of: [root]) }
            _ = try parts.builder.addIndex(of: [root], name: "deep:1")
            try parts.builder.writeIndexJSON()
        },
        layout("The manifest is of Docker's schema 1", image: "oci:DIR:old:1") {
            let old = try $0.builder.addBlob(
                Array(#"{"schemaVersion":1,"name":"old","tag":"1","fsLayers":[],"history":[]}"#.utf8),
                mediaType: MediaType("application/vnd.docker.distribution.manifest.v1+prettyjws"))
            $0.builder.addEntry(old, refName: "old:1")
            try $0.builder.writeIndexJSON()
        },
        layout("The manifest is not JSON", image: "oci:DIR:odd:1") {
            let odd = try $0.builder.addBlob(Array("hello".utf8), mediaType: .ociManifest)
            $0.builder.addEntry(odd, refName: "odd:1")
            try $0.builder.writeIndexJSON()
        },
        layout("A manifest has more bytes than registries take", image: "oci:DIR:large:1") {
            let large = Descriptor(mediaType: .ociManifest, digest: $0.image.digest, size: 5_000_000)
            $0.builder.addEntry(large, refName: "large:1")
            try $0.builder.writeIndexJSON()
        },
        layout(
            "Docker's format is wanted, and a layer is compressed with zstd", image: "oci:DIR:z:1",
            ["--format", "docker"]
        ) {
            let type = MediaType("application/vnd.oci.image.layer.v1.tar+zstd")
            let layer = Descriptor(mediaType: type, digest: $0.layer.digest, size: $0.layer.size)
            try $0.builder.addImage(layers: [layer], name: "z:1")
            try $0.builder.writeIndexJSON()
        },
        layout("The image is for another platform", ["--platform", "linux/riscv64"]) { _ in },
        layout("What has the name is no image", image: "oci:DIR:chart:1") {
            let type = MediaType("application/vnd.cncf.helm.config.v1+json")
            $0.builder.addEntry(try $0.builder.addBlob(Array("{}".utf8), mediaType: type), refName: "chart:1")
            try $0.builder.writeIndexJSON()
        },
        layout("All tags are meant, and no registry takes any", image: "oci:DIR", ["--all-tags"]) { parts in
            parts.builder.removeEntries(refName: "app:1")
            parts.builder.addEntry(parts.image, refName: "v1.0+build5")
            try parts.builder.writeIndexJSON()
        },
        layout("All tags are meant, and no image has one", image: "oci:DIR", ["--all-tags"]) { parts in
            parts.builder.removeEntries(refName: "app:1")
            parts.builder.addEntry(parts.image)
            try parts.builder.writeIndexJSON()
        },
        layout("All tags are meant, and one is named", ["--all-tags"]) { _ in },
        layout("An archive, which pushd does not read", image: "docker-archive:/app.tar") { _ in },
        layout("An engine's image, which pushd does not read", image: "docker:app:1") { _ in },
    ]
}
