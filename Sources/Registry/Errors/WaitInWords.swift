/// How long a registry asks to wait, where only its message says so.
///
/// GHCR writes `retry-after: 1.889377ms, allowed: 2000/minute`, and of its second limit "wait a few minutes".
struct WaitInWords {
    let duration: Duration

    init?(_ message: String) {
        let message = message.lowercased()
        for mark in ["retry-after:", "retry after:"] {
            guard let found = message.firstRange(of: mark) else { continue }
            let rest = message[found.upperBound...].drop { $0 == " " }.prefix(40)
            guard let wait = GoDuration.parse(rest.prefix { $0 != "," && $0 != ";" && $0 != " " && $0 != ")" }) else {
                continue
            }
            duration = wait
            return
        }
        guard message.contains("few minutes") else { return nil }
        duration = Self.fewMinutes
    }

    /// GitHub asks for one minute at least, and for more after each refusal, which the pauses do by themselves.
    private static let fewMinutes = Duration.seconds(120)
}

/// A duration as Go's `time.Duration` prints it: `1h15m30.9s`, `1.889377ms`, and whole seconds without a unit.
///
/// Source: Go, package time, "ParseDuration".
enum GoDuration {
    /// - Returns: nil for anything else, for a negative one, and where a number has more than nine digits: no sum of
    ///   what is left overflows. Digits behind the ninth of a fraction are dropped.
    static func parse(_ text: some StringProtocol) -> Duration? {
        var rest = Array(text.utf8.prefix(41))[...]
        guard !rest.isEmpty, rest.count <= 40 else { return nil }
        while rest.last == UInt8(ascii: ".") { rest.removeLast() }  // the end of a sentence
        var sum = Duration.zero
        var parts = 0
        while !rest.isEmpty, parts < 8 {
            let isPlain = parts == 0 && rest.allSatisfy { (0x30...0x39).contains($0) }
            guard let (whole, billionths) = number(&rest), let unit = unit(&rest, isPlain: isPlain) else { return nil }
            sum += unit * whole + unit * billionths / 1_000_000_000
            parts += 1
        }
        return rest.isEmpty && parts > 0 ? sum : nil
    }

    private static func number(_ text: inout ArraySlice<UInt8>) -> (whole: Int64, billionths: Int64)? {
        let whole = digits(&text)
        var fraction: ArraySlice<UInt8> = []
        if text.first == UInt8(ascii: ".") {
            text.removeFirst()
            fraction = digits(&text)
        }
        guard !whole.isEmpty || !fraction.isEmpty, whole.count <= 9 else { return nil }
        var billionths: Int64 = 0
        for place in 0..<9 {
            let index = fraction.startIndex + place
            billionths = billionths * 10 + (index < fraction.endIndex ? Int64(fraction[index] - 0x30) : 0)
        }
        return (whole.reduce(0) { $0 * 10 + Int64($1 - 0x30) }, billionths)
    }

    private static func digits(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let found = text.prefix { (0x30...0x39).contains($0) }
        text = text.dropFirst(found.count)
        return found
    }

    /// The unit in front of the next number; a plain number is one of seconds.
    private static func unit(_ text: inout ArraySlice<UInt8>, isPlain: Bool) -> Duration? {
        let name = text.prefix { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") }
        text = text.dropFirst(name.count)
        switch String(decoding: name, as: UTF8.self) {
        case "ns": return .nanoseconds(1)
        case "us", "\u{b5}s", "\u{3bc}s": return .microseconds(1)
        case "ms": return .milliseconds(1)
        case "s": return .seconds(1)
        case "m": return .seconds(60)
        case "h": return .seconds(3600)
        case "" where isPlain: return .seconds(1)
        default: return nil
        }
    }
}
