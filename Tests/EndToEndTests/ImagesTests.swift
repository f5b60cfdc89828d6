import FoundationEssentials
import OCI
import TestSupport
import Testing

@Suite("pushctl images")
struct ImagesTests {
    @Test("tells what each image weighs, where it was pushed, and which is not whole")
    func images() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let base = try builder.addLayer(size: 20_000, seed: 1)
            try builder.addImage(layers: [base, try builder.addLayer(size: 3000, seed: 2)], name: "app:1")
            let lost = try builder.addLayer(size: 4000, seed: 3)
            try builder.addImage(layers: [base, lost], name: "broken:1")
            try builder.writeIndexJSON()
            try FileManager.default.removeItem(atPath: builder.path(of: lost.digest))
            try await TestRegistry.with { registry in
                try await machine.withDaemon { _ in
                    let pushed = try await machine.pushctl("push", "app:1", "\(registry.address)/app:1")
                    #expect(pushed.status == 0)
                    let images = try #require(try await machine.json("images").first?["images"]?.list)
                    #expect(images.map { $0["name"]?.string } == ["app:1", "broken:1"])
                    let size = try #require(images[0]["size"]?.integer)
                    #expect(size > 23_000 && size < 24_000)  // the layers and a small configuration
                    #expect(images[0]["pushed"]?.list?.first?["destination"]?.string == "\(registry.address)/app:1")
                    #expect(images[1]["size"]?.integer == nil)
                    #expect(try await machine.pushctl("images").output.contains("not whole"))
                }
            }
        }
    }

    @Test("tells which store it could not read, beside the images of the others")
    func unreadable() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 1000, seed: 1)], name: "app:1")
            try builder.writeIndexJSON()
            let lost = machine.directory.file("lost")
            try FileManager.default.createDirectory(atPath: lost, withIntermediateDirectories: false)
            try await machine.withDaemon(stores: [machine.layout, lost]) { _ in
                let images = try await machine.pushctl("images")
                #expect(images.output.contains("app:1"))
                #expect(images.errors.contains("pushctl: without the images of oci:\(lost): "), "\(images.errors)")
                #expect(images.status == 1)
                let output = try await machine.pushctl("--json", "images").output
                let document = try JSONDecoder().decode(JSON.self, from: Data(output.utf8))
                #expect(document["images"]?.list?.count == 1)
                #expect(document["unreadable"]?.list?.first?["store"]?.string == "oci:\(lost)")
            }
        }
    }
}
