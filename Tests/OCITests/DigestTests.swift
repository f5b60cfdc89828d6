import FoundationEssentials
import OCI
import Testing

@Suite("A digest")
struct DigestTests {
    static let hex = String(repeating: "0123456789abcdef", count: 4)
    static let short = String(hex.dropLast())

    @Test("is an algorithm and as many lower-case digits as it gives")
    func reads() throws {
        let digest = try Digest(parsing: "sha256:" + Self.hex)
        #expect(digest.algorithm == .sha256)
        #expect(digest.hex == Self.hex)
        #expect(digest.description == "sha256:" + Self.hex)
        let long = try Digest(parsing: "sha512:" + Self.hex + Self.hex)
        #expect(long.algorithm == .sha512)
        #expect(long.hex.count == 128)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", ":", "sha256", "sha256:", "sha256:\(short)", "sha256:\(hex)0", "sha256:\(hex.uppercased())",
            "sha512:\(hex)", " sha256:\(hex)", "sha256:\(hex)\n", "sha256:../../\(hex.dropFirst(6))", "SHA256:\(hex)",
            "sha256:\(short)g", "sha256:\(short)b\u{301}", "sha256:/\(short)", "sha256:\(short)\0",
        ] as [String])
    func refuses(text: String) {
        #expect(throws: DigestError.self) { try Digest(parsing: text) }
    }

    @Test("of an algorithm that is not known is told apart", arguments: ["blake3", "sha384", "md5"])
    func unsupported(algorithm: String) {
        do {
            _ = try Digest(parsing: "\(algorithm):\(Self.hex)")
            Issue.record("was taken")
        } catch {
            #expect(error.unsupportedAlgorithm)
            #expect(error.description.contains("sha256 and sha512"))
        }
    }

    @Test("of a long text stands shortened in the error")
    func bounded() {
        do {
            _ = try Digest(parsing: String(repeating: "x", count: 1_000_000))
            Issue.record("was taken")
        } catch { #expect(error.description.utf8.count < 300) }
    }

    /// Source: FIPS 180-4 example values, as published by NIST ("abc" and the empty message).
    @Test("is computed as the standard says")
    func computes() {
        #expect(
            Digest(of: Array("abc".utf8)).hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Digest(of: []).hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            Digest(of: Array("abc".utf8), algorithm: .sha512).hex
                == "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
    }

    @Test("is the same however the bytes are cut", arguments: [1, 7, 64, 999, 1000])
    func pieces(size: Int) {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var hasher = DigestHasher()
        for start in stride(from: 0, to: bytes.count, by: size) {
            bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { hasher.update($0) }
        }
        #expect(hasher.finish() == Digest(of: bytes))
    }

    @Test("is a string in JSON, and only a right one is read")
    func json() throws {
        let digest = Digest(of: [1, 2, 3])
        let text = try JSONEncoder().encode([digest])
        #expect(try JSONDecoder().decode([Digest].self, from: text) == [digest])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Digest].self, from: Data(#"["sha256:abc"]"#.utf8))
        }
    }
}
