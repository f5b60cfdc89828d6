/// The name of a piece of content: what its bytes hash to.
///
/// Content that pushd sends once, shares or skips is keyed by this type, so only its initialisers make one.
///
/// Source: OCI image-spec 1.1, descriptor.md, "Digests" and "Registered algorithms": upper-case hexadecimal is not allowed.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// The registered algorithms that pushd can compute.
    public enum Algorithm: String, Sendable, CaseIterable {
        case sha256, sha512

        /// Hexadecimal digits in the encoded part.
        public var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    public let algorithm: Algorithm
    /// `sha256:` and 64 lower-case hexadecimal digits, or `sha512:` and 128.
    public let description: String

    /// The part behind the colon: lower-case hexadecimal digits only, so it is safe as a file name.
    public var hex: String { String(description.utf8.dropFirst(algorithm.rawValue.utf8.count + 1)) ?? "" }

    /// - Throws: ``DigestError``, which holds `text` (shortened) and says what a digest looks like.
    public init(parsing text: String) throws(DigestError) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw DigestError(text: text) }
        guard let algorithm = Algorithm(rawValue: String(text[..<colon])) else {
            throw DigestError(text: text, unsupportedAlgorithm: true)
        }
        let hex = text.utf8[text.utf8.index(after: colon)...]
        // Bytes: as a Character, "b" with an accent lies between "a" and "f".
        let isHex = hex.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard isHex, hex.count == algorithm.hexLength else { throw DigestError(text: text) }
        self.algorithm = algorithm
        description = text
    }

    /// A digest just computed; `bytes` has the algorithm's length.
    init(algorithm: Algorithm, bytes: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array(algorithm.rawValue.utf8) + [UInt8(ascii: ":")]
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        self.algorithm = algorithm
        description = String(decoding: text, as: UTF8.self)
    }
}

extension Digest: Comparable {
    public static func < (left: Digest, right: Digest) -> Bool { left.description < right.description }
}

extension Digest: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(parsing: text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A text that should have been a digest and is none.
public struct DigestError: Error, Sendable, CustomStringConvertible {
    /// The text, shortened to 100 characters.
    public let text: String
    public let unsupportedAlgorithm: Bool

    init(text: String, unsupportedAlgorithm: Bool = false) {
        self.text = String(text.prefix(100))
        self.unsupportedAlgorithm = unsupportedAlgorithm
    }

    public var description: String {
        unsupportedAlgorithm
            ? "unsupported digest algorithm in \"\(text)\": pushd knows sha256 and sha512"
            : "\"\(text)\" is not a digest: it is written sha256: and 64 lower-case hexadecimal digits"
    }
}
