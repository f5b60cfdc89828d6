import OCI
import Testing

@Suite("A sum of sizes")
struct SaturatingSumTests {
    @Test(
        "is the largest number where it would be larger",
        arguments: [([], 0), ([1, 2], 3), ([.max, 1], .max), ([.max, .max, 5], .max), ([.max - 1, 1], .max)]
            as [([Int64], Int64)])
    func sums(sizes: [Int64], sum: Int64) {
        #expect(sizes.saturatingSum == sum)
    }
}
