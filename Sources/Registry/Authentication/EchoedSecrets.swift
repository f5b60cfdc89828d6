internal import FoundationEssentials
internal import HTTP

/// The secrets that a request was sent with, to be taken out of what is shown or kept of its answer: some servers, and
/// more proxies, repeat the request in their errors.
///
/// What decides something is read from the answer as it came: a password may be a word of it.
struct EchoedSecrets: Sendable {
    /// Longer ones first: one may hold another.
    private let texts: [[Unicode.Scalar]]

    /// From this length on a secret is found within words too. A shorter one is hardly a part of a word by its being
    /// repeated, and to take `a` out of every word would leave nothing to read.
    private static let lengthWithinWords = 8

    /// - Parameters:
    ///   - response: knows what its request's `Authorization` was.
    ///   - login: what that was made of, where it did not stand in a header.
    init(_ response: HTTPResponse, login: FoundCredential? = nil) {
        var texts = [login?.credential, login?.fallback].compactMap { $0?.secret.revealed() }
        if let authorization = response.requestHeaders["Authorization"] {
            let value = authorization.drop { $0 != " " }.dropFirst()
            texts.append(String(value))
            if authorization.hasPrefix("Basic "), let pair = Data(base64Encoded: String(value)) {
                let password = String(decoding: pair, as: UTF8.self).drop { $0 != ":" }.dropFirst()
                texts.append(String(password))
            }
        }
        let written = Set(texts.flatMap { [$0, Self.percentEncoded($0)] })
        self.texts = written.map { Array($0.unicodeScalars) }.filter { !$0.isEmpty }
            .sorted { $0.count > $1.count }
    }

    /// `text` with `…` in place of each.
    func removed(from text: String) -> String {
        texts.reduce(text) { text, secret in Self.text(text, without: secret) }
    }

    private static func text(_ text: String, without secret: [Unicode.Scalar]) -> String {
        guard text.unicodeScalars.contains(secret[0]) else { return text }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var place = 0
        while place < scalars.count {
            let end = place + secret.count
            if end <= scalars.count, scalars[place..<end].elementsEqual(secret),
                secret.count >= lengthWithinWords || isWhole(scalars, place..<end)
            {
                result.append("…")
                place = end
            } else {
                result.append(scalars[place])
                place += 1
            }
        }
        return String(result)
    }

    /// Whether no word goes on across an end of `range`. What is written as `%3A` is no part of a word.
    private static func isWhole(_ text: [Unicode.Scalar], _ range: Range<Int>) -> Bool {
        let (start, end) = (range.lowerBound, range.upperBound)
        let follows = end < text.count && isOfWord(text[end]) && isOfWord(text[end - 1])
        guard !follows, start > 0, isOfWord(text[start]), isOfWord(text[start - 1]) else { return !follows }
        return start >= 3 && text[start - 3] == "%" && text[start - 2].properties.isASCIIHexDigit
            && text[start - 1].properties.isASCIIHexDigit
    }

    private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_"
    }

    /// As it stands in an address.
    private static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Credential {
    fileprivate var secret: Secret {
        switch self {
        case .basic(_, let password): password
        case .identityToken(let token), .bearer(let token): token
        }
    }
}
