import OCI
import Testing

@testable import ImageStore

/// One line of an index.json in a test: content by a letter, and its names.
private struct Line {
    let content: String
    var ref: String?
    var full: String?
    var platform: String?
    var type = MediaType.ociManifest
    var extra: [String: String] = [:]

    init(
        _ content: String, ref: String? = nil, full: String? = nil, platform: String? = nil,
        type: MediaType = .ociManifest, extra: [String: String] = [:]
    ) {
        self.content = content
        self.ref = ref
        self.full = full
        self.platform = platform
        self.type = type
        self.extra = extra
    }

    static func digest(_ content: String) -> Digest { Digest(of: Array(content.utf8)) }

    var json: JSONValue {
        var annotations = extra.mapValues { JSONValue.string($0) }
        annotations["org.opencontainers.image.ref.name"] = ref.map { .string($0) }
        annotations["io.containerd.image.name"] = full.map { .string($0) }
        var members: [String: JSONValue] = [
            "mediaType": .string(type.rawValue), "digest": .string(Self.digest(content).description),
            "size": .integer(Int64(content.utf8.count)), "annotations": .object(annotations),
        ]
        if let parts = platform?.split(separator: "/") {
            members["platform"] = .object(["os": .string(String(parts[0])), "architecture": .string(String(parts[1]))])
        }
        return .object(members)
    }
}

private func index(_ lines: Line...) throws -> LayoutIndex {
    try LayoutIndex(
        parsing: JSONValue.object(["schemaVersion": .integer(2), "manifests": .array(lines.map(\.json))]).bytes())
}

/// The letter that a name finds, "–" for nothing, or the candidates.
private func find(_ name: String?, in index: LayoutIndex, defaultTag: String = "latest") -> String {
    switch index.find(name, defaultTag: defaultTag) {
    case .found(let entry):
        ["A", "B", "C"].first { Line.digest($0) == entry.root.digest } ?? "?"
    case .none: "–"
    case .other(let other): "no image: it \(other.reason)"
    case .several(let candidates): candidates.joined(separator: " ")
    }
}

@Suite("The names in an index.json")
struct LayoutIndexTests {
    @Test(
        "mean the image as its writer, Docker or a hurried user would spell it",
        arguments: [
            ("1.0", "A"), ("docker.io/library/app:1.0", "A"), ("app:1.0", "A"), ("library/app:1.0", "A"),
            ("index.docker.io/library/app:1.0", "A"), ("app", "–"), ("app:2", "–"), ("1", "–"),
            ("localhost/tool:latest", "B"), ("localhost/tool", "B"), ("tool", "B"), ("tool:latest", "B"),
            ("other.io/tool", "–"), ("registry.example.com:5000/team/svc:3", "C"), ("svc:3", "C"), ("team/svc:3", "C"),
            ("eam/svc:3", "–"), ("example.com:5000/team/svc:3", "–"), ("svc", "–"),
        ])
    func spellings(name: String, expected: String) throws {
        let index = try index(
            Line("A", ref: "1.0", full: "docker.io/library/app:1.0"), Line("B", ref: "localhost/tool:latest"),
            Line("C", ref: "3", full: "registry.example.com:5000/team/svc:3"))
        #expect(find(name, in: index) == expected)
    }

    @Test("get the default tag where they have none")
    func defaultTag() throws {
        let index = try index(Line("A", ref: "stable", full: "a.io/app:stable"), Line("B", full: "a.io/app:latest"))
        #expect(find("a.io/app", in: index) == "B")
        #expect(find("a.io/app", in: index, defaultTag: "stable") == "A")
        #expect(find("a.io/app:latest", in: index, defaultTag: "stable") == "B")
    }

    @Test("written twice mean the last, and the earlier image has no name")
    func duplicates() throws {
        let index = try index(Line("A", ref: "latest"), Line("B", ref: "other"), Line("C", ref: "latest"))
        #expect(find("latest", in: index) == "C")
        #expect(index.entries.map(\.names) == [[], ["other"], ["latest"]])
        #expect(find("@\(Line.digest("A"))", in: index) == "A")
    }

    @Test("that are tags of several repositories are a question, with the full names in it")
    func ambiguousTag() throws {
        let index = try index(Line("A", ref: "1", full: "a.io/x:1"), Line("B", ref: "1", full: "a.io/y:1"))
        #expect(find("1", in: index) == "a.io/x:1 a.io/y:1")
        #expect(find("x:1", in: index) == "A")
        #expect(find("a.io/y:1", in: index) == "B")
    }

    @Test("that end several full names are a question too")
    func ambiguousShortName() throws {
        let index = try index(Line("A", full: "a.io/team/x:1"), Line("B", full: "b.io/x:1"))
        #expect(find("x:1", in: index) == "a.io/team/x:1 b.io/x:1")
    }

    @Test("of one image under several names are no question")
    func sameImage() throws {
        let index = try index(Line("A", ref: "1", full: "a.io/x:1"), Line("A", ref: "1", full: "a.io/y:1"))
        #expect(find("1", in: index) == "A")
        #expect(find(nil, in: index) == "A")
    }

    @Test("of one image for several platforms do not replace each other")
    func platforms() throws {
        let index = try index(
            Line("A", ref: "1", platform: "linux/amd64"), Line("B", ref: "1", platform: "linux/arm64"),
            Line("C", ref: "1", platform: "linux/x86_64"))
        #expect(find("1", in: index) == "1 (linux/arm64) 1 (linux/x86_64)")
    }

    @Test("may be left out where there is one image, and only there")
    func noName() throws {
        #expect(find(nil, in: try index(Line("A", ref: "x"))) == "A")
        #expect(find(nil, in: try index(Line("A"))) == "A")
        #expect(find(nil, in: try index()) == "–")
        #expect(find(nil, in: try index(Line("A", ref: "x"), Line("B"))) == "x @\(Line.digest("B"))")
    }

    @Test("may be digests, alone or behind a repository")
    func digests() throws {
        let digest = Line.digest("A")
        let index = try index(Line("A", full: "a.io/x:1"), Line("B", ref: "1"))
        #expect(find("@\(digest)", in: index) == "A")
        #expect(find("a.io/x@\(digest)", in: index) == "A")
        #expect(find("a.io/y@\(digest)", in: index) == "–")
        #expect(find("a.io/y@\(Line.digest("B"))", in: index) == "B")
        #expect(find("@\(Line.digest("C"))", in: index) == "–")
        #expect(find("@sha256:00", in: index) == "–")
    }

    @Test("belong to images, not to what is attached to them or to other content")
    func onlyImages() throws {
        let index = try index(
            Line("A", ref: "x", type: MediaType("application/vnd.oci.descriptor.v1+json")),
            Line("B", ref: "x", extra: ["io.containerd.manifest.subject": "sha256:00"]),
            Line("C", ref: "x", extra: ["vnd.docker.reference.type": "attestation-manifest"]))
        #expect(index.entries.isEmpty)
        #expect(index.others.map(\.names) == [["x"]])
    }

    @Test("of content that is no image say of which type it is, also where no name is given")
    func otherTypes() throws {
        let chart = Line("A", ref: "chart:1", type: MediaType("application/vnd.cncf.helm.config.v1+json"))
        let alone = try index(chart)
        #expect(find(nil, in: alone) == "no image: it is of the type application/vnd.cncf.helm.config.v1+json")
        let index = try index(chart, Line("B", ref: "app:1"))
        let expected = "no image: it is of the type application/vnd.cncf.helm.config.v1+json"
        #expect(find("chart:1", in: index) == expected)
        #expect(find("@\(Line.digest("A"))", in: index) == expected)
        #expect(find("chart:2", in: index) == "–")
        #expect(find("app:1", in: index) == "B")
        #expect(find(nil, in: index) == "B")
    }

    @Test("of an entry whose digest can't be read say so, rather than that there is none")
    func unreadableName() throws {
        let digest = "blake3:\(String(repeating: "0", count: 64))"
        let json = """
            {"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "digest":"\(digest)","size":3,"annotations":{"org.opencontainers.image.ref.name":"new"}}]}
            """
        let index = try LayoutIndex(parsing: Array(json.utf8))
        #expect(find("new", in: index) == "no image: it has a descriptor that can't be read, with the digest \(digest)")
    }

    @Test("of other entries survive one that cannot be read")
    func unreadableEntry() throws {
        let json = """
            {"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "digest":"blake3:\(String(repeating: "0", count: 64))","size":3},7,
            {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\(Line.digest("A"))","size":1}]}
            """
        let index = try LayoutIndex(parsing: Array(json.utf8))
        #expect(find(nil, in: index) == "A")
    }

    @Test("may be none at all", arguments: [#"{"schemaVersion":2}"#, #"{"manifests":null}"#, #"{"manifests":[]}"#])
    func empty(text: String) throws {
        #expect(try LayoutIndex(parsing: Array(text.utf8)).entries.isEmpty)
    }

    @Test(
        "cannot be read from half a file, or from a new one with the tail of the old",
        arguments: [
            "", "{", #"{"schemaVersion":2,"manifests":["#, #"{"schemaVersion":2,"manifests":[]}]}"#, "[]",
            #"{"schemaVersion":1,"manifests":[]}"#,
        ])
    func unreadable(text: String) {
        #expect(throws: LayoutIndex.Unreadable.self) { try LayoutIndex(parsing: Array(text.utf8)) }
    }
}
