/// Holds a JSON document to one reading of the members that pushd acts on.
///
/// Go's decoder takes `"Layers"` for `"layers"`, and the last of two members of one name; other decoders take the exact
/// name, and some the first. A document that uses this is one image here and another one in the registry or at the
/// client. Free maps, annotations and labels, may have any names.
///
/// Source: Go, package encoding/json, "Unmarshal"; CVE-2021-41190 is of the same kind.
public struct KnownMembers {
    /// What an object is, and so which members of it count.
    public enum Shape: Sendable {
        /// A manifest or an index, with its descriptors.
        case document
        /// A layout's `index.json`: its entries are read one by one.
        case layoutIndex
        case descriptor, descriptors, platform
        /// An image's configuration.
        case configuration
        case rootFS
        /// Not looked into.
        case other

        fileprivate func shape(of member: String) -> Shape? {
            switch self {
            case .document:
                switch member {
                case "schemaVersion", "mediaType", "artifactType", "annotations": .other
                case "config", "subject": .descriptor
                case "layers", "manifests": .descriptors
                default: nil
                }
            case .layoutIndex: ["schemaVersion", "mediaType", "manifests"].contains(member) ? .other : nil
            case .descriptor:
                switch member {
                case "mediaType", "digest", "size", "urls", "annotations", "data", "artifactType": .other
                case "platform": .platform
                default: nil
                }
            case .platform:
                ["architecture", "os", "os.version", "os.features", "variant"].contains(member) ? .other : nil
            case .configuration:
                switch member {
                case "architecture", "os", "os.version", "variant": .other
                case "rootfs": .rootFS
                default: nil
                }
            case .rootFS: ["type", "diff_ids"].contains(member) ? .other : nil
            case .descriptors, .other: nil
            }
        }
    }

    private let bytes: [UInt8]
    private var place = 0

    /// - Parameter json: a document that a decoder has read.
    /// - Throws: ``ManifestError`` with `readTwoWays`; with `notJSON` for UTF-16 and UTF-32, which few tools read.
    public static func check(_ json: [UInt8], as shape: Shape) throws(ManifestError) {
        var scan = KnownMembers(bytes: json)
        if json.starts(with: [0xEF, 0xBB, 0xBF]) { scan.place = 3 }
        let mark = Array(json.prefix(2))
        guard !json.prefix(4).contains(0), mark != [0xFF, 0xFE], mark != [0xFE, 0xFF] else {
            throw ManifestError(reason: .notJSON("it is not UTF-8"))
        }
        try scan.value(shape)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func value(_ shape: Shape) throws(ManifestError) {
        skipSpace()
        switch (peek, shape) {
        case (UInt8(ascii: "{"), .document), (UInt8(ascii: "{"), .descriptor), (UInt8(ascii: "{"), .platform),
            (UInt8(ascii: "{"), .configuration), (UInt8(ascii: "{"), .rootFS), (UInt8(ascii: "{"), .layoutIndex):
            try object(shape)
        case (UInt8(ascii: "["), .descriptors):
            place += 1
            while true {
                skipSpace()
                guard let next = peek else { return }
                place += next == UInt8(ascii: "]") || next == UInt8(ascii: ",") ? 1 : 0
                if next == UInt8(ascii: "]") { return }
                if next != UInt8(ascii: ",") { try value(.descriptor) }
            }
        default: skipValue()
        }
    }

    private mutating func object(_ shape: Shape) throws(ManifestError) {
        place += 1
        var seen: Set<String> = []
        while true {
            skipSpace()
            guard let next = peek else { return }
            if next == UInt8(ascii: "}") || next == UInt8(ascii: ",") {
                place += 1
                if next == UInt8(ascii: "}") { return }
                continue
            }
            guard next == UInt8(ascii: "\"") else { return }  // no JSON: the decoder has refused it
            let name = string()
            skipSpace()
            if peek == UInt8(ascii: ":") { place += 1 }
            let known = Self.folded(name)
            guard let member = shape.member(likeFolded: known) else {
                try value(.other)
                continue
            }
            guard name.unicodeScalars.elementsEqual(member.unicodeScalars) else {
                throw ManifestError(reason: .readTwoWays(member: member, spelled: String(name.prefix(40))))
            }
            guard seen.insert(member).inserted else {
                throw ManifestError(reason: .readTwoWays(member: member, spelled: nil))
            }
            try value(shape.shape(of: member) ?? .other)
        }
    }

    /// As Go compares names: letters without their case, where two letters beyond ASCII count as `s` and `k`.
    private static func folded(_ name: String) -> String {
        var folded = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            switch scalar.value {
            case 0x41...0x5A: folded.append(Unicode.Scalar(UInt8(scalar.value) | 0x20))
            case 0x17F: folded.append("s")
            case 0x212A: folded.append("k")
            default: folded.append(scalar)
            }
        }
        return String(folded)
    }

    // MARK: The text

    private var peek: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || (9...13).contains(byte) { place += 1 }
    }

    /// Skips a value of any depth without a call for each level.
    private mutating func skipValue() {
        var depth = 0
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                skipString()
                if depth == 0 { return }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return }
                depth -= 1
                if depth == 0 {
                    place += 1
                    return
                }
            case UInt8(ascii: ",") where depth == 0: return
            default: break
            }
            place += 1
        }
    }

    private mutating func skipString() {
        place += 1
        while let byte = peek {
            place += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
    }

    /// The text of a string, its escapes undone; what is no text is replaced.
    private mutating func string() -> String {
        let start = place + 1
        skipString()
        let raw = bytes[min(start, bytes.count)..<max(min(place - 1, bytes.count), min(start, bytes.count))]
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        var units: [UInt16] = []
        var text = Substring(String(decoding: raw, as: UTF8.self)).unicodeScalars
        while let scalar = text.popFirst() {
            guard scalar == "\\", let escaped = text.popFirst() else {
                units += Array(String(Character(scalar)).utf16)
                continue
            }
            switch escaped {
            case "u":
                let digits = String(String.UnicodeScalarView(text.prefix(4)))
                text = text.dropFirst(4)
                units.append(UInt16(digits, radix: 16) ?? 0xFFFD)
            case "n": units.append(10)
            case "t": units.append(9)
            case "r": units.append(13)
            case "b": units.append(8)
            case "f": units.append(12)
            default: units += Array(String(Character(escaped)).utf16)
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}

extension KnownMembers.Shape {
    private static let names: [String] = [
        "schemaVersion", "mediaType", "artifactType", "annotations", "config", "subject", "layers", "manifests",
        "digest",
        "size", "urls", "data", "platform", "architecture", "os", "os.version", "os.features", "variant", "rootfs",
        "type",
        "diff_ids",
    ]
    private static let byFolded = Dictionary(uniqueKeysWithValues: names.map { ($0.lowercased(), $0) })

    /// The member that counts here and that a name, in lower case, may be taken for.
    fileprivate func member(likeFolded name: String) -> String? {
        guard let member = Self.byFolded[name], shape(of: member) != nil else { return nil }
        return member
    }
}
