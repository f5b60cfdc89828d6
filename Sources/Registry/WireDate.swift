/// Points in time as servers write them, in whole seconds since 1970 UTC.
enum WireDate {
    /// The form of `Date` and `Retry-After`: `Sun, 06 Nov 1994 08:49:37 GMT`; nil for anything else.
    ///
    /// Source: RFC 9110, 5.6.7, IMF-fixdate. The two obsolete forms aren't sent by any registry.
    static func http(_ text: String) -> Int64? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT" || parts[5] == "UTC" else { return nil }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let day = number(parts[1]), let year = number(parts[3]),
            let month = months.firstIndex(of: String(parts[2])), let hour = number(clock[0]),
            let minute = number(clock[1]), let second = number(clock[2])
        else { return nil }
        return seconds(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
    }

    /// The form of a token's `issued_at`: `2026-01-02T15:04:05Z`, with a fraction or an offset too; nil for anything
    /// else. The fraction is dropped.
    ///
    /// Source: RFC 3339, 5.6.
    static func rfc3339(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] | 0x20 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
        else { return nil }
        func digits(_ range: Range<Int>) -> Int64? { number(Substring(decoding: bytes[range], as: UTF8.self)) }
        guard let year = digits(0..<4), let month = digits(5..<7), let day = digits(8..<10),
            let hour = digits(11..<13), let minute = digits(14..<16), let second = digits(17..<19),
            let local = seconds(
                year: year, month: Int(month), day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        var zone = 19
        if bytes[zone] == UInt8(ascii: ".") {
            zone += 1
            while zone < bytes.count, (0x30...0x39).contains(bytes[zone]) { zone += 1 }
        }
        guard zone < bytes.count else { return nil }
        if bytes[zone] | 0x20 == UInt8(ascii: "z"), zone + 1 == bytes.count { return local }
        let sign: Int64 = bytes[zone] == UInt8(ascii: "-") ? -1 : 1
        guard sign == -1 || bytes[zone] == UInt8(ascii: "+"), zone + 6 == bytes.count,
            bytes[zone + 3] == UInt8(ascii: ":"), let hours = digits(zone + 1..<zone + 3),
            let minutes = digits(zone + 4..<zone + 6), hours < 24, minutes < 60
        else { return nil }
        return local - sign * (hours * 3600 + minutes * 60)
    }

    /// How long a server asks to wait, from its `Retry-After`: seconds, a date, which is taken relative to `now`, or a
    /// duration as Go prints it, which some send.
    ///
    /// - Parameter now: seconds since 1970 UTC, best the reply's own `Date`, so that a wrong clock on this machine does
    ///   no harm; nil if unknown.
    /// - Returns: zero for a date that is past; nil where the header is absent or can't be read.
    static func retryAfter(_ value: String?, now: Int64?) -> Duration? {
        guard let value else { return nil }
        if let wait = number(Substring(value)) { return .seconds(wait) }
        guard let date = http(value) else { return GoDuration.parse(value) }
        return now.map { .seconds(max(0, date - $0)) }
    }

    /// At most nine digits and nothing else: bounded, so that no sum overflows.
    private static func number(_ text: Substring) -> Int64? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }

    /// Source: the day count of the proleptic Gregorian calendar, with March as a year's first month.
    private static func seconds(
        year: Int64, month: Int, day: Int64, hour: Int64, minute: Int64, second: Int64
    ) -> Int64? {
        guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second <= 60  // a leap second
        else { return nil }
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = Int64((month + 9) % 12)
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return days * 86_400 + hour * 3_600 + minute * 60 + second
    }
}
