import OCI
import System
import TestSupport
import Testing

@testable import ImageStore

@Suite("Hashing a file again")
struct RehashTests {
    @Test("tells a damaged file from a whole one")
    func tells() async throws {
        try await TemporaryDirectory.with { temporary in
            let bytes = PseudoRandomBytes.make(size: 2_500_000, seed: 3)
            let file = try ReadableFile(opening: temporary.write(bytes, to: "blob"))
            for algorithm in Digest.Algorithm.allCases {
                #expect(try await rehash(file, expecting: Digest(of: bytes, algorithm: algorithm)))
            }
            #expect(try await !rehash(file, expecting: Digest(of: bytes.dropLast())))
        }
    }
}
