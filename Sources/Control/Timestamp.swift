/// A moment, in milliseconds since 1970 UTC; on the wire `2026-03-04T05:06:07.089Z`.
///
/// The arithmetic is written out because formatters live in full Foundation. Days are counted in eras of 400 years
/// that begin on 1 March, so that a leap day is the last of its year: Howard Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms".
///
/// Source: RFC 3339, section 5.6.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Within the years 0 to 9999.
    public let milliseconds: Int64

    /// A moment before year 0 or after year 9999 becomes the first or last that can be written.
    public init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, Self.first), Self.last)
    }

    /// Reads RFC 3339 text with any offset. What is finer than a millisecond is cut off; a leap second is the second after.
    ///
    /// - Throws: ``TimestampError``, which holds `text`.
    public init(parsing text: String) throws(TimestampError) {
        var reader = FieldReader(text)
        guard let milliseconds = reader.moment(), (Self.first...Self.last).contains(milliseconds) else {
            throw TimestampError(text: String(text.prefix(64)))
        }
        self.milliseconds = milliseconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// 24 ASCII characters, always in UTC and with milliseconds.
    public var description: String {
        let (day, time) = milliseconds.flooredDivision(by: Self.day)
        let date = Self.date(ofDay: day)
        return String(unsafeUninitializedCapacity: 24) { text in
            var at = 0
            func put(_ value: Int64, _ digits: Int, _ end: UInt8) {
                var rest = value
                for place in stride(from: at + digits - 1, through: at, by: -1) {
                    text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                    rest /= 10
                }
                text[at + digits] = end
                at += digits + 1
            }
            put(date.year, 4, UInt8(ascii: "-"))
            put(date.month, 2, UInt8(ascii: "-"))
            put(date.day, 2, UInt8(ascii: "T"))
            put(time / 3_600_000, 2, UInt8(ascii: ":"))
            put(time / 60_000 % 60, 2, UInt8(ascii: ":"))
            put(time / 1000 % 60, 2, UInt8(ascii: "."))
            put(time % 1000, 3, UInt8(ascii: "Z"))
            return at
        }
    }

    private static let day: Int64 = 86_400_000
    private static let first = day * dayNumber(year: 0, month: 1, day: 1)
    private static let last = day * dayNumber(year: 10000, month: 1, day: 1) - 1

    /// Days since 1970-01-01 of a date in the Gregorian calendar, which is taken back before its beginning.
    fileprivate static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month > 2 ? year : year - 1
        let (era, yearOfEra) = marchYear.flooredDivision(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func date(ofDay number: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (number + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(parsing: container.decode(String.self))
        } catch let error as TimestampError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A text that is no RFC 3339 time.
public struct TimestampError: Error, Sendable, CustomStringConvertible {
    /// Its first 64 characters.
    public let text: String

    public var description: String { "'\(text)' is not a time such as 2026-03-04T05:06:07Z" }
}

/// Takes the fields of an RFC 3339 time from its front.
private struct FieldReader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    /// Milliseconds since 1970, or nil if the text is not a whole valid time.
    mutating func moment() -> Int64? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            take("T") || take("t"),
            let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
            let fraction = fraction(), let offset = offset(), rest.isEmpty,
            (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = Timestamp.dayNumber(year: year, month: month, day: day)
        return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000 + fraction
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let first = rest.first, UInt32(first) == character.value else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func digit() -> Int64? {
        guard let first = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        rest.removeFirst()
        return Int64(first - UInt8(ascii: "0"))
    }

    private mutating func number(_ digits: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Milliseconds; 0 where there is no point, nil where no digit follows it.
    private mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        guard var value = digit() else { return nil }
        for _ in 0..<2 { value = value * 10 + (digit() ?? 0) }
        while digit() != nil {}
        return value
    }

    /// Minutes east of UTC.
    private mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isEast = take("+")
        guard isEast || take("-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isEast ? 1 : -1)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }
}

extension Int64 {
    /// Quotient rounded down and the remainder in 0..<divisor, also below zero.
    fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
