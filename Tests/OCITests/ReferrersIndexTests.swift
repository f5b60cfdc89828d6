import FoundationEssentials
import OCI
import Testing

@Suite("The list of what refers to a manifest")
struct ReferrersIndexTests {
    private static func manifest(_ json: String) -> (descriptor: Descriptor, bytes: [UInt8]) {
        let bytes = Array(json.utf8)
        return (Descriptor(mediaType: .ociManifest, digest: Digest(of: bytes), size: Int64(bytes.count)), bytes)
    }

    private static func entries(_ index: ReferrersIndex) throws -> [JSONValue] {
        try #require(try JSONValue(parsing: index.bytes())["manifests"]?.items)
    }

    @Test("stands under a tag of algorithm and at most 64 digits")
    func tag() throws {
        let short = try Digest(parsing: "sha256:" + String(repeating: "a", count: 64))
        #expect(ReferrersIndex.tag(of: short) == "sha256-" + String(repeating: "a", count: 64))
        let long = try Digest(
            parsing: "sha512:" + String(repeating: "b", count: 64) + String(repeating: "c", count: 64))
        #expect(ReferrersIndex.tag(of: long) == "sha512-" + String(repeating: "b", count: 64))
    }

    @Test(
        "has the manifest's kind, or else its configuration's, and all its annotations",
        arguments: [
            (
                #"{"artifactType":"application/x","config":{"mediaType":"application/c"},"annotations":{"a":"1","b":"ä"}}"#,
                "application/x", ["a": "1", "b": "ä"]
            ),
            (#"{"artifactType":"","config":{"mediaType":"application/c"}}"#, "application/c", nil),
            (#"{"manifests":[],"annotations":{}}"#, nil, nil),
            (#"{"manifests":[],"artifactType":"application/x"}"#, "application/x", nil),
        ] as [(String, String?, [String: String]?)])
    func entry(_ json: String, _ type: String?, _ annotations: [String: String]?) throws {
        let (descriptor, bytes) = Self.manifest(json)
        var index = ReferrersIndex()
        try index.add(descriptor, bytes: bytes)
        let entry = try #require(try Self.entries(index).first)
        #expect(entry["mediaType"] == .string(MediaType.ociManifest.rawValue))
        #expect(entry["digest"] == .string(descriptor.digest.description))
        #expect(entry["size"] == .integer(descriptor.size))
        #expect(entry["artifactType"] == type.map { .string($0) })
        #expect(entry["annotations"] == annotations.map { .object($0.mapValues { .string($0) }) })
    }

    @Test("keeps what others wrote, and lists nothing twice")
    func others() throws {
        let text = #"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","own":{"x":[1]},
             "manifests":[{"mediaType":"m","digest":"blake3:00","size":7,"new":true}]}
            """#
        var index = try #require(ReferrersIndex(parsing: Array(text.utf8), mediaType: .ociIndex))
        let (descriptor, bytes) = Self.manifest("{}")
        try index.add(descriptor, bytes: bytes)
        try index.add(descriptor, bytes: bytes)
        #expect(index.lists(descriptor.digest))
        let json = try JSONValue(parsing: index.bytes())
        #expect(json["own"] == .object(["x": .array([.integer(1)])]))
        let entries = try Self.entries(index)
        #expect(entries.count == 2)
        #expect(entries.first?["digest"] == .string("blake3:00") && entries.first?["new"] == .bool(true))

        var other = ReferrersIndex()
        let isNew = other.add(from: index)
        #expect(isNew)
        #expect(try Self.entries(other) == entries)
        let isNewAgain = other.add(from: index)
        #expect(!isNewAgain)
    }

    @Test("takes each entry of another list once, also where that list has it twice")
    func twice() throws {
        let entries = (0..<1000).map { "{\"digest\":\"x\($0 / 2)\"}" }.joined(separator: ",")
        let text = "{\"manifests\":[\(entries)]}"
        let found = try #require(ReferrersIndex(parsing: Array(text.utf8), mediaType: .ociIndex))
        var index = ReferrersIndex()
        let isNew = index.add(from: found)
        let isNewAgain = index.add(from: found)
        #expect(isNew && !isNewAgain)
        #expect(try Self.entries(index).count == 500)
    }

    @Test(
        "is nothing but an image index",
        arguments: [
            ("{", MediaType.ociIndex), (#"{"manifests":[]}"#, .dockerManifestList),
            (#"{"manifests":[]}"#, .ociManifest),
            (#"{"manifests":{}}"#, .ociIndex), (#"{"config":{},"layers":[]}"#, .ociIndex),
            (#"{"manifests":[],"config":{}}"#, .ociIndex), (#"{"manifests":[],"mediaType":"other"}"#, .ociIndex),
        ])
    func notAnIndex(_ json: String, _ type: MediaType) {
        #expect(ReferrersIndex(parsing: Array(json.utf8), mediaType: type) == nil)
    }
}
