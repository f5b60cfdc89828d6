import FoundationEssentials
import Glibc
import OCI
import System
import TestSupport
import Testing

@testable import ImageStore

/// Where an executable is found, if it is.
private func found(_ names: String...) -> Bool {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    return names.allSatisfy { name in path.split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 } }
}

/// Runs a shell script in `directory`; blocking is all right in a test of its own thread.
///
/// - Returns: what it wrote, without white space at the ends.
@discardableResult
private func shell(_ script: String, in directory: TemporaryDirectory) throws -> String {
    let file = try temporaryScript(script, in: directory)
    guard let pipe = popen("cd '\(directory.path)' && exec 2>&1 && sh -eu '\(file)'", "r") else {
        throw TestSupportError("no shell: errno \(errno)")
    }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        if count == 0 { break }
        output += buffer[..<count]
    }
    let status = pclose(pipe)
    let text = String(decoding: output, as: UTF8.self).split(separator: "\n").joined(separator: "\n")
    guard status == 0 else { throw TestSupportError("the script ended with \(status): \(text)") }
    return text
}

private func temporaryScript(_ script: String, in directory: TemporaryDirectory) throws -> String {
    try directory.write(script.utf8, to: "script.sh")
}

/// A `buildah` with a store of its own, which leaves nothing behind and needs no network.
private let buildah = """
    export HOME="$PWD" TMPDIR="$PWD" XDG_RUNTIME_DIR="$PWD/run"
    export BUILDAH_ISOLATION=chroot
    mkdir -p run
    printf '{"default":[{"type":"insecureAcceptAnything"}]}' > policy.json
    b() { buildah --root "$PWD/root" --runroot "$PWD/runroot" --storage-driver vfs "$@"; }
    push() { b push -q --signature-policy policy.json "$@"; }
    image() {  # NAME ARCH CONTENT
        c=$(b from --arch "$2" scratch)
        printf '%s' "$3" > content
        b copy -q "$c" content /content > /dev/null
        b commit -q --signature-policy policy.json "$c" "$1" > /dev/null
        b rm "$c" > /dev/null
    }

    """

/// Reads and pins an image, deletes the layout, and hashes everything that was kept.
private func takeOver(_ name: String?, from directory: String, in temporary: TemporaryDirectory) async throws
    -> ImageContents
{
    let layout = OCILayout(directory: directory)
    let contents = try await ImageContents.read(root: layout.resolve(name).root, from: layout)
    let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
    try await spool.pin(contents, from: layout)
    for blob in contents.blobs {
        #expect(
            try await rehash(
                ReadableFile(opening: #require(spool.file(for: blob.descriptor.digest))),
                expecting: blob.descriptor.digest)
        )
    }
    for manifest in contents.manifests { #expect(Digest(of: manifest.bytes) == manifest.descriptor.digest) }
    return contents
}

@Suite("Layouts as the usual tools write them", .serialized)
struct RealToolsTests {
    @Test("buildah: an image by its tag", .enabled(if: found("buildah")))
    func buildahImage() async throws {
        try await TemporaryDirectory.with { temporary in
            try shell(
                buildah + "image localhost/app amd64 hello\npush localhost/app oci:$PWD/layout:1.0", in: temporary)
            let contents = try await takeOver("1.0", from: temporary.file("layout"), in: temporary)
            #expect(contents.blobs.map(\.role) == [.config, .layer])
            #expect(contents.platforms.map(\.platform.description) == ["linux/amd64"])
            #expect(contents.root.mediaType == .ociManifest)
        }
    }

    @Test("buildah: a full name, a tag pushed twice, and an image without a name", .enabled(if: found("buildah")))
    func buildahNames() async throws {
        try await TemporaryDirectory.with { temporary in
            try shell(
                buildah + """
                    image localhost/app amd64 one
                    image localhost/app2 amd64 two
                    push localhost/app oci:$PWD/layout:registry.example.com:5000/team/app:1.0
                    push localhost/app oci:$PWD/layout:latest
                    push localhost/app2 oci:$PWD/layout:latest
                    push localhost/app oci:$PWD/bare
                    """, in: temporary)
            let layout = OCILayout(directory: temporary.file("layout"))
            let one = try await layout.resolve("registry.example.com:5000/team/app:1.0")
            #expect(try await layout.resolve("app:1.0") == one)
            let two = try await layout.resolve("latest")
            #expect(two.root.digest != one.root.digest)
            #expect(
                try await layout.images().flatMap(\.names).sorted() == [
                    "latest", "registry.example.com:5000/team/app:1.0",
                ])
            let bare = try await OCILayout(directory: temporary.file("bare")).resolve(nil)
            #expect(bare.names.isEmpty)
            #expect(bare.root.digest == one.root.digest)
        }
    }

    @Test("buildah: several platforms in one index", .enabled(if: found("buildah")))
    func buildahManifest() async throws {
        try await TemporaryDirectory.with { temporary in
            try shell(
                buildah + """
                    image localhost/app-amd64 amd64 one
                    image localhost/app-arm64 arm64 two
                    b manifest create localhost/app > /dev/null
                    b manifest add localhost/app containers-storage:localhost/app-amd64 > /dev/null
                    b manifest add localhost/app containers-storage:localhost/app-arm64 > /dev/null
                    b manifest push -q --all --signature-policy policy.json localhost/app oci:$PWD/layout:1.0 > /dev/null
                    """, in: temporary)
            let contents = try await takeOver("1.0", from: temporary.file("layout"), in: temporary)
            #expect(contents.root.mediaType == .ociIndex)
            #expect(Set(contents.platforms.map(\.platform.normalised.description)) == ["linux/amd64", "linux/arm64"])
            #expect(contents.manifests.count == 3)
            let layout = OCILayout(directory: temporary.file("layout"))
            let arm = try await ImageContents.read(
                root: contents.root, from: layout, platforms: [#require(Platform(parsing: "linux/arm64"))])
            #expect(arm.manifests.count == 1)
        }
    }

    @Test("skopeo: a whole index in, the same digests out", .enabled(if: found("skopeo")))
    func skopeoCopy() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("in"))
            let shared = try builder.addLayer(size: 200_000)
            let amd = try builder.addImage(layers: [shared])
            let arm = try builder.addImage(layers: [shared], platform: Platform(os: "linux", architecture: "arm64"))
            let root = try builder.addIndex(of: [amd, builder.addAttestation(for: amd), arm], name: "1.0")
            try builder.writeIndexJSON()
            try shell("skopeo --insecure-policy copy -q --all oci:$PWD/in:1.0 oci:$PWD/out:copy", in: temporary)
            let contents = try await takeOver("copy", from: temporary.file("out"), in: temporary)
            #expect(contents.root.digest == root.digest)
            #expect(contents.manifests.count == 4)
        }
    }

    @Test("skopeo: an image with its blobs in a shared directory", .enabled(if: found("skopeo")))
    func skopeoShared() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("in"))
            try builder.addImage(layers: [builder.addLayer(size: 5000)], name: "1.0")
            try builder.writeIndexJSON()
            try shell(
                """
                skopeo --insecure-policy copy -q --dest-shared-blob-dir $PWD/shared oci:$PWD/in:1.0 oci:$PWD/out:1.0
                """, in: temporary)
            let layout = OCILayout(directory: temporary.file("out"), blobs: temporary.file("shared"))
            let contents = try await ImageContents.read(root: layout.resolve("1.0").root, from: layout)
            #expect(contents.blobs.count == 2)
            let lost = OCILayout(directory: temporary.file("out"))
            let error = await #expect(throws: ImageStoreError.self) {
                try await ImageContents.read(root: contents.root, from: lost)
            }
            #expect(error?.code == "blob-missing")
        }
    }

    @Test("skopeo: what this package writes is a layout to others", .enabled(if: found("skopeo")))
    func skopeoReadsOurs() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("in"))
            let image = try builder.addImage(layers: [builder.addLayer(size: 5000)], name: "1.0")
            try builder.writeIndexJSON()
            let text = try shell("skopeo inspect oci:$PWD/in:1.0 | grep Digest", in: temporary)
            #expect(text.contains(image.digest.description))
        }
    }

    @Test("umoci: an image with layers put in one by one", .enabled(if: found("umoci")))
    func umoci() async throws {
        try await TemporaryDirectory.with { temporary in
            try shell(
                """
                umoci init --layout layout
                umoci new --image layout:latest
                printf one > one; printf two > two
                umoci insert --rootless --image layout:latest one /one
                umoci insert --rootless --image layout:latest two /two
                umoci tag --image layout:latest stable
                """, in: temporary)
            let contents = try await takeOver("latest", from: temporary.file("layout"), in: temporary)
            #expect(contents.blobs.map(\.role) == [.config, .layer, .layer])
            let layout = OCILayout(directory: temporary.file("layout"))
            #expect(try await layout.resolve("stable").root.digest == contents.root.digest)
            #expect(try await layout.resolve(nil).root.digest == contents.root.digest)
        }
    }

    @Test("umoci: an empty layout", .enabled(if: found("umoci")))
    func umociEmpty() async throws {
        try await TemporaryDirectory.with { temporary in
            try shell("umoci init --layout layout", in: temporary)
            let layout = OCILayout(directory: temporary.file("layout"))
            #expect(try await layout.images().isEmpty)
            let error = await #expect(throws: ImageStoreError.self) { try await layout.resolve(nil) }
            #expect(error?.code == "image-not-found")
        }
    }
}
