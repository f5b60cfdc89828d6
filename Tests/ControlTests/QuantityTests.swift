import Testing

@testable import Control

@Suite("Times and sizes as people write them")
struct QuantityTests {
    @Test(
        "times are seconds, or numbers with units, the largest first",
        arguments: [
            ("30s", 30), ("5m", 300), ("2h", 7200), ("7d", 604_800), ("1h30m", 5400), ("90", 90), ("1.5", 1.5),
            ("250ms", 0.25), ("1m30s", 90), ("0", 0), ("0s", 0),
        ] as [(String, Double)])
    func times(text: String, seconds: Double) { #expect(Quantity.seconds(text) == seconds) }

    @Test(
        "what is no time",
        arguments: [
            "", "-5", "5 m", "m", "5x", "30m1h", "1h1h", "1e3", "inf", "nan", "1..5", ".5", "5.", "٣s",
            "99999999999999999999", "5M",
        ])
    func noTimes(text: String) { #expect(Quantity.seconds(text) == nil) }

    @Test(
        "sizes have powers of 1000 or of 1024, with or without B",
        arguments: [
            ("0", 0), ("1048576", 1_048_576), ("7B", 7), ("500k", 500_000), ("500K", 500_000), ("500kB", 500_000),
            ("500KB", 500_000), ("2M", 2_000_000), ("2MB", 2_000_000), ("1.5G", 1_500_000_000),
            ("3TB", 3_000_000_000_000),
            ("64KiB", 65_536), ("64Ki", 65_536), ("2MiB", 2_097_152), ("2Mi", 2_097_152), ("1GiB", 1_073_741_824),
            ("1TiB", 1_099_511_627_776), ("1000T", 1_000_000_000_000_000),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) { #expect(Quantity.bytes(text) == bytes) }

    @Test(
        "what is no size; a small b would be bits",
        arguments: [
            "", "B", "k", "iB", "5iB", "2Mb", "2mb", "2m", "-1k", "1 MB", "1e3", "1MM", "1kk", "1001T", "2M/s", "1.k",
        ])
    func noSizes(text: String) { #expect(Quantity.bytes(text) == nil) }

    @Test("a rate is a size, with or without /s")
    func rates() {
        for text in ["2M", "2MB", "2M/s", "2MB/s"] { #expect(Quantity.bytesPerSecond(text) == 2_000_000) }
        #expect(Quantity.bytesPerSecond("2MiB/s") == 2_097_152)
        for text in ["/s", "2M/h", "2M/s/s", "2Mbit/s", "2Mb/s"] { #expect(Quantity.bytesPerSecond(text) == nil) }
    }
}
