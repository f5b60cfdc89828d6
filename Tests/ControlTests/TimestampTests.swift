import FoundationEssentials
import Testing

@testable import Control

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "are written as RFC 3339 in UTC with milliseconds",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_772_600_767_089, "2026-03-04T05:06:07.089Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func written(milliseconds: Int64, text: String) throws {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(try Timestamp(parsing: text).milliseconds == milliseconds)
    }

    @Test("follow a calendar counted day by day")
    func calendar() throws {
        var (year, month, day) = (1, 1, 1)
        var milliseconds = try Timestamp(parsing: "0001-01-01T00:00:00Z").milliseconds
        while year < 2600 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let last = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            if day == 1 || day == last {
                let text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T00:00:00.000Z"
                try #require(Timestamp(milliseconds: milliseconds).description == text)
                try #require(try Timestamp(parsing: text).milliseconds == milliseconds)
            }
            milliseconds += 86_400_000
            day += 1
            if day > last { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
        }
    }

    @Test(
        "are read with any offset and precision",
        arguments: [
            ("2026-03-04T05:06:07Z", 1_772_600_767_000), ("2026-03-04t05:06:07z", 1_772_600_767_000),
            ("2026-03-04T07:36:07+02:30", 1_772_600_767_000), ("2026-03-03T23:06:07.5-06:00", 1_772_600_767_500),
            ("2026-03-04T05:06:07.08912345678901234567890Z", 1_772_600_767_089),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] as [(String, Int64)])
    func read(text: String, milliseconds: Int64) throws {
        #expect(try Timestamp(parsing: text).milliseconds == milliseconds)
    }

    @Test(
        "are refused when they are no time",
        arguments: [
            "", "now", "2026-03-04", "2026-03-04T05:06:07", "2026-03-04 05:06:07Z", "2026-3-4T05:06:07Z",
            "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+24:00", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
            "２026-01-01T00:00:00Z", "-026-01-01T00:00:00Z",
        ])
    func refused(text: String) {
        #expect(throws: TimestampError.self) { try Timestamp(parsing: text) }
    }

    @Test("beyond what can be written become the first or last that can be", arguments: [Int64.min, Int64.max])
    func clamped(milliseconds: Int64) throws {
        let timestamp = Timestamp(milliseconds: milliseconds)
        #expect(try Timestamp(parsing: timestamp.description) == timestamp)
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        String(repeating: "0", count: width - String(number).count) + String(number)
    }
}
