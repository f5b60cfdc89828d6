import OCI
import Testing

/// Go's decoder matches names without their case and takes the last of two; others take the exact name, or the first.
@Suite("A document that tools read in two ways")
struct KnownMembersTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)
    private static let blob = #"{"mediaType":"application/x","digest":"\#(digest)","size":7}"#
    private static let other =
        #"{"mediaType":"application/x","digest":"sha256:\#(String(repeating: "cd", count: 32))","size":9}"#

    private static func refusal(_ text: String) -> ManifestError.Reason? {
        do throws(ManifestError) {
            _ = try ManifestDocument(parsing: Array(text.utf8), declared: nil)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(
        "is refused as a manifest or an index",
        arguments: [
            (#"{"schemaVersion":2,"config":\#(blob),"layers":[\#(blob)],"Layers":[\#(other)]}"#, "layers"),
            (#"{"schemaVersion":2,"config":\#(blob),"Layers":[\#(other)]}"#, "layers"),
            (#"{"schemaVersion":2,"config":\#(blob),"layers":[\#(blob)],"layers":[\#(other)]}"#, "layers"),
            (#"{"schemaVersion":2,"config":\#(blob),"layers":[\#(blob)],"\u006cayers":[\#(other)]}"#, "layers"),
            ("{\"schemaVersion\":2,\"config\":\(blob),\"layer\u{17F}\":[\(other)]}", "layers"),
            (#"{"schemaVersion":2,"config":\#(blob),"layer\u017f":[\#(other)]}"#, "layers"),
            (#"{"schemaVersion":2,"config":\#(blob),"CONFIG":\#(other)}"#, "config"),
            (#"{"schemaVersion":2,"manifests":[\#(blob)],"Manifests":[\#(other)]}"#, "manifests"),
            (#"{"schemaVersion":2,"manifests":[\#(blob)],"mediatype":"application/y"}"#, "mediaType"),
            (#"{"schemaVersion":2,"SchemaVersion":1,"manifests":[]}"#, "schemaVersion"),
            (#"{"schemaVersion":2,"manifests":[],"subject":\#(blob),"Subject":\#(other)}"#, "subject"),
            (
                #"{"schemaVersion":2,"config":{"mediaType":"application/x","digest":"\#(digest)","Digest":"x","size":7}}"#,
                "digest"
            ),
            (
                #"{"schemaVersion":2,"config":\#(blob),"layers":[{"digest":"\#(digest)","size":7,"size":9}]}"#, "size"
            ),
            (
                #"{"schemaVersion":2,"manifests":[{"digest":"\#(digest)","size":7,"platform":{"os":"linux","OS":"x"}}]}"#,
                "os"
            ),
        ])
    func refused(text: String, member: String) {
        guard case .readTwoWays(let found, _)? = Self.refusal(text) else {
            Issue.record("it is not refused so: \(String(describing: Self.refusal(text)))")
            return
        }
        #expect(found == member)
    }

    @Test(
        "may have any names where it is free: in annotations, in values, and of members that mean nothing",
        arguments: [
            #"{"schemaVersion":2,"manifests":[],"annotations":{"a":"1","A":"2","layers":"3","Layers":"4"}}"#,
            #"{"schemaVersion":2,"manifests":[{"digest":"\#(digest)","size":7,"annotations":{"size":"1","Size":"2"}}]}"#,
            #"{"schemaVersion":2,"manifests":[],"x":{"layers":1,"Layers":2,"layers":[{"a":"\"}]"}]},"X":0}"#,
            #" { "schemaVersion" : 2 , "config" : \#(blob) , "layers" : [ \#(blob) , \#(other) ] } "#,
        ])
    func free(text: String) {
        #expect(Self.refusal(text) == nil)
    }

    @Test("is refused in another encoding than UTF-8, where a second reading could hide")
    func encoding() {
        let text = #"{"schemaVersion":2,"manifests":[],"Manifests":[]}"#
        var little: [UInt8] = []
        var big: [UInt8] = [0xFE, 0xFF]
        for unit in text.utf16 {
            little += [UInt8(unit & 0xFF), UInt8(unit >> 8)]
            big += [UInt8(unit >> 8), UInt8(unit & 0xFF)]
        }
        for bytes in [little, big] {
            #expect(throws: ManifestError.self) { try ManifestDocument(parsing: bytes, declared: nil) }
        }
    }

    @Test("is refused as a configuration and as a layout's index, where their members are meant")
    func otherDocuments() {
        #expect(throws: ManifestError.self) {
            try KnownMembers.check(Array(#"{"rootfs":{"diff_ids":[]},"rootFS":{}}"#.utf8), as: .configuration)
        }
        #expect(throws: ManifestError.self) {
            try KnownMembers.check(Array(#"{"rootfs":{"diff_ids":[],"Diff_IDs":[]}}"#.utf8), as: .configuration)
        }
        #expect(throws: ManifestError.self) {
            try KnownMembers.check(Array(#"{"manifests":[],"manifests":[]}"#.utf8), as: .layoutIndex)
        }
        #expect(throws: Never.self) {
            let labels = #"{"architecture":"arm","config":{"Labels":{"os":"1","OS":"2"}},"history":[]}"#
            try KnownMembers.check(Array(labels.utf8), as: .configuration)
        }
    }

    @Test("of great depth ends nothing", arguments: [400, 100_000, 1_000_000])
    func depth(levels: Int) {
        let nested = String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        for text in [
            #"{"schemaVersion":2,"manifests":[],"x":\#(nested)}"#, #"{"schemaVersion":2,"manifests":\#(nested)}"#,
        ] {
            _ = Self.refusal(text)
            try? KnownMembers.check(Array(text.utf8), as: .document)
        }
    }
}

@Suite("A size in a descriptor")
struct DescriptorSizeTests {
    @Test(
        "is one that content can have",
        arguments: [
            ("0", true), ("1125899906842624", true), ("1125899906842625", false), ("-1", false),
            ("9223372036854775807", false), ("-9223372036854775808", false), ("9223372036854775808", false),
            ("1e300", false), ("1e15", true), ("1.5", false), (String(repeating: "9", count: 40), false),
            ("\"7\"", false),
            ("\"NaN\"", false), ("null", false), ("[7]", false),
        ])
    func bounds(size: String, isTaken: Bool) {
        let digest = "sha256:" + String(repeating: "ab", count: 32)
        let blob = #"{"mediaType":"application/x","digest":"\#(digest)","size":\#(size)}"#
        for text in [
            #"{"schemaVersion":2,"config":\#(blob)}"#, #"{"schemaVersion":2,"manifests":[\#(blob)]}"#,
            #"{"schemaVersion":2,"manifests":[],"subject":\#(blob)}"#,
        ] {
            let document = try? ManifestDocument(parsing: Array(text.utf8), declared: nil)
            #expect((document != nil) == isTaken, "\(size)")
        }
    }

    @Test("may be the schema's too", arguments: ["9223372036854775807", "-9223372036854775808", "1e300", "1e999"])
    func schemaVersion(number: String) {
        let text = #"{"schemaVersion":\#(number),"manifests":[]}"#
        #expect(throws: ManifestError.self) { try ManifestDocument(parsing: Array(text.utf8), declared: nil) }
    }
}
