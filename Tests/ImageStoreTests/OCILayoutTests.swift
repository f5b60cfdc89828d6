import FoundationEssentials
import Glibc
import OCI
import System
import TestSupport
import Testing

@testable import ImageStore

@Suite("An OCI layout")
struct OCILayoutTests {
    @Test("lists its images with both names, the full one first")
    func lists() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("app"))
            let image = try builder.addImage(layers: [builder.addLayer(size: 100)], name: "1.0")
            let other = try builder.addImage(layers: [], label: "other")
            builder.addEntry(other, refName: "2.0", containerdName: "docker.io/library/app:2.0")
            try builder.writeIndexJSON()

            let images = try await OCILayout(directory: temporary.file("app/")).images()

            #expect(images.map(\.storeID) == Array(repeating: "oci:" + temporary.file("app"), count: 2))
            #expect(images.map(\.names) == [["1.0"], ["docker.io/library/app:2.0", "2.0"]])
            #expect(images.map(\.root.digest) == [image.digest, other.digest])
        }
    }

    @Test("says what is there when a name is not")
    func notFound() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("app"))
            try builder.addImage(layers: [], name: "1.0")
            try builder.writeIndexJSON()
            let layout = OCILayout(directory: temporary.file("app"))
            let error = await #expect(throws: ImageStoreError.self) { try await layout.resolve("2.0") }
            #expect(error?.cause == .imageNotFound(available: ["1.0"]))
            #expect(error?.code == "image-not-found")
            #expect(error?.description == "there is no image oci:\(temporary.file("app")):2.0; what is there: 1.0")
        }
    }

    @Test("that knows its images by tags only finds them under its directory's name too")
    func directoryName() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("App"))
            let old = try builder.addImage(layers: [], name: "1.0", label: "old")
            let latest = try builder.addImage(layers: [], name: "latest", label: "new")
            try builder.writeIndexJSON()
            let layout = OCILayout(directory: temporary.file("App"))
            #expect(try await layout.resolve("app:1.0").root.digest == old.digest)
            #expect(try await layout.resolve("app").root.digest == latest.digest)
            for other in ["app:2.0", "other:1.0", "app:", "App:1.0"] {
                await #expect(throws: ImageStoreError.self) { try await layout.resolve(other) }
            }
            #expect(try await layout.images().map(\.shownName) == ["app:1.0", "app:latest"])
        }
    }

    @Test(
        "is refused with the reason where it is none",
        arguments: [
            ("oci-layout", nil, "it has no file oci-layout"),
            ("oci-layout", "", "its file oci-layout holds no imageLayoutVersion"),
            ("oci-layout", "[]", "its file oci-layout holds no imageLayoutVersion"),
            ("oci-layout", #"{"imageLayoutVersion":"2.0.0"}"#, "its version is 2.0.0, not 1"),
            ("index.json", nil, "it has no index.json"),
        ] as [(String, String?, String)])
    func invalid(file: String, content: String?, reason: String) async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            try builder.addImage(layers: [], name: "1.0")
            try builder.writeIndexJSON()
            try FileManager.default.removeItem(atPath: temporary.file(file))
            if let content { try temporary.write(content.utf8, to: file) }
            let error = await #expect(throws: ImageStoreError.self) {
                try await OCILayout(directory: temporary.path).images()
            }
            #expect(error?.cause == .layoutInvalid(reason: reason))
            #expect(error?.subject == "oci:" + temporary.path)
        }
    }

    @Test("that does not exist is refused")
    func absent() async throws {
        let error = await #expect(throws: ImageStoreError.self) {
            try await OCILayout(directory: "/nonexistent/layout").images()
        }
        #expect(error?.cause == .layoutInvalid(reason: "it does not exist"))
    }

    @Test("whose index.json is half written is read again until it is whole")
    func halfWritten() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            try builder.addImage(layers: [], name: "1.0")
            let whole = try builder.indexJSON()
            try temporary.write(whole.dropLast(20), to: "index.json")
            let layout = OCILayout(directory: temporary.path, patience: .seconds(60))
            async let image = layout.resolve("1.0")
            try temporary.write(whole, to: "index.json")
            #expect(try await image.names == ["1.0"])
        }
    }

    @Test("whose index.json stays broken is an error that says so")
    func broken() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            try builder.addImage(layers: [], name: "1.0")
            try temporary.write(builder.indexJSON() + Array("]}".utf8), to: "index.json")
            let layout = OCILayout(directory: temporary.path, patience: .milliseconds(20))
            let error = await #expect(throws: ImageStoreError.self) { try await layout.resolve("1.0") }
            #expect(error?.code == "index-unreadable")
            #expect(error?.mayBeUnfinished == true)
        }
    }

    @Test("gives the path of a blob, and none for what is not there")
    func files() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let layer = try builder.addLayer(size: 100)
            let layout = OCILayout(directory: temporary.path)
            #expect(layout.file(for: layer.digest) == builder.path(of: layer.digest))
            #expect(layout.file(for: Digest(of: [1])) == nil)
            #expect(layout.file(for: Digest(of: [1], algorithm: .sha512)) == nil)
        }
    }

    @Test("may keep its blobs elsewhere")
    func sharedBlobs() async throws {
        try await TemporaryDirectory.with { temporary in
            let store = try LayoutBuilder(directory: temporary.file("store"))
            let image = try store.addImage(layers: [store.addLayer(size: 10)], name: "1.0")
            try store.writeIndexJSON()
            let layout = try LayoutBuilder(directory: temporary.file("layout"))
            layout.addEntry(image, refName: "1.0")
            try layout.writeIndexJSON()
            let source = OCILayout(directory: temporary.file("layout"), blobs: temporary.file("store/blobs"))
            let contents = try await ImageContents.read(root: source.resolve("1.0").root, from: source)
            #expect(contents.blobs.count == 2)
        }
    }

    enum Trap: String, CaseIterable { case index, marker }

    @Test("follows no link for what no digest proves", arguments: Trap.allCases)
    func links(trap: Trap) async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("app"))
            try builder.addImage(layers: [builder.addLayer(size: 100)], name: "1.0")
            try builder.writeIndexJSON()
            let layout = OCILayout(directory: temporary.file("app"), patience: .zero)
            let place = temporary.file(trap == .index ? "app/index.json" : "app/oci-layout")
            try FileManager.default.moveItem(atPath: place, toPath: temporary.file("outside"))
            #expect(symlink(temporary.file("outside"), place) == 0)
            let error = await #expect(throws: ImageStoreError.self) { try await layout.resolve("1.0") }
            #expect(error?.cause == .unsafePath(path: place))
            #expect(error?.advice?.contains("cp -rL") == true)
        }
    }

    enum LinkPlace: String, CaseIterable { case layer, config, manifest, algorithm, blobs }

    /// A layout in which something is a link to what was moved out of it.
    private static func linked(_ place: LinkPlace, _ temporary: TemporaryDirectory) async throws -> (
        image: Descriptor, layout: OCILayout, layer: Descriptor, outside: String
    ) {
        let builder = try LayoutBuilder(directory: temporary.file("app"))
        let layer = try builder.addLayer(size: 100_000)
        let image = try builder.addImage(layers: [layer], name: "1.0")
        try builder.writeIndexJSON()
        let layout = OCILayout(directory: temporary.file("app"), patience: .zero)
        let config = try await ImageContents.read(root: image, from: layout).blobs[0].descriptor
        let path =
            switch place {
            case .layer: builder.path(of: layer.digest)
            case .config: builder.path(of: config.digest)
            case .manifest: builder.path(of: image.digest)
            case .algorithm: temporary.file("app/blobs/sha256")
            case .blobs: temporary.file("app/blobs")
            }
        let outside = temporary.file("outside")
        try FileManager.default.moveItem(atPath: path, toPath: outside)
        #expect(symlink(outside, path) == 0)
        return (image, layout, layer, outside)
    }

    @Test(
        "takes blobs that are links, as Bazel writes them, and keeps copies that no longer need what they lead to",
        arguments: LinkPlace.allCases, PinPolicy.allCases)
    func linkedBlobs(place: LinkPlace, policy: PinPolicy) async throws {
        try await TemporaryDirectory.with { temporary in
            let (image, layout, layer, outside) = try await Self.linked(place, temporary)
            #expect(layout.file(for: layer.digest) == nil || ![.layer, .algorithm, .blobs].contains(place))
            let root = try await layout.resolve("1.0").root
            #expect(root.digest == image.digest)
            let contents = try await ImageContents.read(root: root, from: layout)
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: policy)
            #expect(try await spool.pin(contents, from: layout) == Set(contents.all))
            let kept = try #require(spool.file(for: layer.digest))
            if place != .config, place != .manifest {
                let target =
                    place == .layer ? outside : outside + (place == .blobs ? "/sha256/" : "/") + layer.digest.hex
                #expect(FileStatus(of: kept)?.inode != FileStatus(of: target)?.inode)
            }
            try FileManager.default.removeItem(atPath: outside)
            #expect(try await rehash(ReadableFile(opening: kept), expecting: layer.digest))
            #expect(try await ImageContents.read(root: root, from: spool).all == contents.all)
        }
    }

    enum Target: CaseIterable { case otherContent, otherLength, nothing, itself, pipe, directory, device }

    @Test(
        "refuses a link that does not lead to the blob, and says the same whatever it leads to",
        arguments: [LinkPlace.layer, .config, .manifest], Target.allCases)
    func wrongLinks(place: LinkPlace, target: Target) async throws {
        try await TemporaryDirectory.with { temporary in
            let (image, layout, _, outside) = try await Self.linked(place, temporary)
            let size = try #require(FileStatus(of: outside)).size
            try FileManager.default.removeItem(atPath: outside)
            switch target {
            case .otherContent: try temporary.write(repeatElement(7, count: Int(size)), to: "outside")
            case .otherLength: try temporary.write([7], to: "outside")
            case .nothing: break
            case .itself: #expect(symlink(outside, outside) == 0)
            case .pipe: #expect(mkfifo(outside, 0o600) == 0)
            case .directory: try temporary.makeDirectory("outside")
            case .device: #expect(symlink("/dev/zero", outside) == 0)
            }
            let error = await #expect(throws: ImageStoreError.self) {
                let contents = try await ImageContents.read(root: image, from: layout)
                try await Spool(directory: temporary.file("spool"), acrossFileSystems: .copy)
                    .pin(contents, from: layout)
            }
            #expect(error?.code == "link-unproven", "\(String(describing: error))")
            #expect(error?.description.hasSuffix("does not lead to a file that has the digest of its name") == true)
            let spooled = try FileManager.default.subpathsOfDirectory(atPath: temporary.path)
                .filter { $0.hasPrefix("spool/incoming/") }
            #expect(spooled.isEmpty)
        }
    }

    @Test("does not wait at a named pipe")
    func pipe() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.path)
            let layer = try builder.addLayer(size: 100)
            let image = try builder.addImage(layers: [layer], name: "1.0")
            try FileManager.default.removeItem(atPath: builder.path(of: layer.digest))
            #expect(mkfifo(builder.path(of: layer.digest), 0o600) == 0)
            let error = await #expect(throws: ImageStoreError.self) {
                try await ImageContents.read(root: image, from: OCILayout(directory: temporary.path))
            }
            #expect(error?.code == "unsafe-path")
        }
    }

    @Test("may itself be reached over a link")
    func linkToLayout() async throws {
        try await TemporaryDirectory.with { temporary in
            let builder = try LayoutBuilder(directory: temporary.file("real"))
            let image = try builder.addImage(layers: [builder.addLayer(size: 10)], name: "1.0")
            try builder.writeIndexJSON()
            try FileManager.default.createSymbolicLink(
                atPath: temporary.file("link"), withDestinationPath: temporary.file("real"))
            let layout = OCILayout(directory: temporary.file("link"))
            #expect(try await layout.resolve("1.0").root.digest == image.digest)
            #expect(try await ImageContents.read(root: image, from: layout).blobs.count == 2)
        }
    }
}

@Suite("Several layouts")
struct LocalLayoutsTests {
    func layout(_ directory: String, name: String, label: String) throws -> (OCILayout, Descriptor) {
        let builder = try LayoutBuilder(directory: directory)
        let image = try builder.addImage(layers: [], name: name, label: label)
        try builder.writeIndexJSON()
        return (OCILayout(directory: directory, patience: .zero), image)
    }

    @Test("are asked for a name in turn, and one that is broken does not matter if another has it")
    func named() async throws {
        try await TemporaryDirectory.with { temporary in
            let (a, _) = try layout(temporary.file("a"), name: "a.io/x:1", label: "a")
            let (b, image) = try layout(temporary.file("b"), name: "a.io/y:1", label: "b")
            let broken = OCILayout(directory: temporary.file("none"))
            let all = LocalLayouts([broken, a, b])
            let found = try await all.find(.named("y:1"))
            #expect(found.image.root.digest == image.digest)
            #expect(found.layout.directory == b.directory)
            let error = await #expect(throws: ImageStoreError.self) { try await all.find(.named("z")) }
            #expect(error?.code == "layout-invalid")
            let absent = await #expect(throws: ImageStoreError.self) {
                try await LocalLayouts([a, b]).find(.named("z"))
            }
            #expect(absent?.description == "there is no image z in \(a.storeID), \(b.storeID)")
        }
    }

    @Test("with different images of one name ask back")
    func ambiguous() async throws {
        try await TemporaryDirectory.with { temporary in
            let (a, _) = try layout(temporary.file("a"), name: "a.io/x:1", label: "a")
            let (b, _) = try layout(temporary.file("b"), name: "a.io/x:1", label: "b")
            let (c, _) = try layout(temporary.file("c"), name: "a.io/x:1", label: "a")
            let error = await #expect(throws: ImageStoreError.self) {
                try await LocalLayouts([a, b]).find(.named("a.io/x:1"))
            }
            #expect(error?.cause == .ambiguous(candidates: ["\(a.storeID):a.io/x:1", "\(b.storeID):a.io/x:1"]))
            #expect(try await LocalLayouts([a, c]).find(.named("a.io/x:1")).image.storeID == a.storeID)
        }
    }

    @Test("need not contain one that is named directly")
    func direct() async throws {
        try await TemporaryDirectory.with { temporary in
            let (a, image) = try layout(temporary.file("a"), name: "1", label: "a")
            let found = try await LocalLayouts([]).find(.layout(directory: a.directory + "/", ref: "1"))
            #expect(found.image.root.digest == image.digest)
        }
    }
}
