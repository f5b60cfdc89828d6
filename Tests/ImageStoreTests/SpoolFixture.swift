import OCI
import TestSupport

@testable import ImageStore

/// A layout with one image of two layers, and a spool beside it.
struct SpoolFixture {
    let builder: LayoutBuilder
    let layout: OCILayout
    let image: Descriptor
    let layers: [Descriptor]

    init(_ directory: String, seed: UInt64 = 1) throws {
        builder = try LayoutBuilder(directory: directory)
        layers = try [builder.addLayer(size: 3_000_000, seed: seed), builder.addLayer(size: 0)]
        image = try builder.addImage(layers: layers, name: "1.0")
        try builder.writeIndexJSON()
        layout = OCILayout(directory: directory)
    }

    func contents() async throws -> ImageContents { try await ImageContents.read(root: image, from: layout) }

    var all: Set<Digest> { get async throws { try await Set(contents().all) } }
}

extension ImageContents {
    var all: [Digest] { manifests.map(\.descriptor.digest) + blobs.map(\.descriptor.digest) }
}
