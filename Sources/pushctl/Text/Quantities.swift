/// Sizes in powers of ten with three digits that count: `0 B`, `950 B`, `1.23 MB`, `45.6 GB`.
func formatBytes(_ bytes: Int64) -> String {
    let bytes = max(bytes, 0)
    guard bytes >= 1000 else { return "\(bytes) B" }
    var value = Double(bytes)
    for unit in ["kB", "MB", "GB", "TB", "PB"] {
        value /= 1000
        // 999.6 is printed as 1.00 of the next unit, never as 1000.
        if value < 999.5 || unit == "PB" {
            return fixed(value, decimals: value < 9.995 ? 2 : (value < 99.95 ? 1 : 0)) + " " + unit
        }
    }
    return ""
}

/// `52.1/104 MB`: both in the unit of the larger one.
func formatProgress(_ done: Int64, of total: Int64) -> String {
    let whole = formatBytes(total)
    guard total >= 1000, let unit = whole.split(separator: " ").last else { return "\(max(done, 0))/\(whole)" }
    let units: [Substring: Double] = ["kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15]
    let value = Double(max(done, 0)) / (units[unit] ?? 1)
    let decimals = whole.prefix { $0 != " " }.split(separator: ".").dropFirst().first?.count ?? 0
    return fixed(value, decimals: decimals) + "/" + whole
}

/// `18.2 MB/s`; under a byte in a second is a stand-still.
func formatSpeed(_ bytesPerSecond: Double) -> String {
    guard bytesPerSecond.isFinite, bytesPerSecond >= 1 else { return "0 B/s" }
    return formatBytes(Int64(min(bytesPerSecond, 1e18))) + "/s"
}

/// Whole percents, rounded down: 100 means done.
func percent(_ done: Int64, of total: Int64) -> Int {
    guard total > 0 else { return 100 }
    return Int(Double(min(max(done, 0), total)) / Double(total) * 100)
}

/// Two units at most: `8 s`, `2 min 5 s`, `3 h 20 min`, `4 d 2 h`.
func formatSpan(seconds: Double) -> String {
    guard seconds.isFinite else { return "" }
    let whole = Int(min(max(seconds, 0), 1e10).rounded())
    func two(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
        "\(large) \(largeUnit)" + (small == 0 ? "" : " \(small) \(smallUnit)")
    }
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return two(whole / 60, "min", whole % 60, "s")
    case ..<86_400: return two(whole / 3600, "h", whole % 3600 / 60, "min")
    default: return two(whole / 86_400, "d", whole % 86_400 / 3600, "h")
    }
}

/// How long ago, in one unit: `now`, `8 s ago`, `3 min ago`, `2 h ago`, `5 d ago`; later times are `in 8 s`.
///
/// - Parameters: milliseconds since 1970, UTC.
func formatAge(of time: Int64, now: Int64) -> String {
    let seconds = (abs(now - time) + 500) / 1000
    let amount: String
    switch seconds {
    case 0: return "now"
    case ..<60: amount = "\(seconds) s"
    case ..<3600: amount = "\(seconds / 60) min"
    case ..<172_800: amount = "\(seconds / 3600) h"
    default: amount = "\(seconds / 86_400) d"
    }
    return time > now ? "in " + amount : amount + " ago"
}

/// Rounded half up, with exactly `decimals` (0...2) digits after the point.
private func fixed(_ value: Double, decimals: Int) -> String {
    let scale = decimals == 2 ? 100 : (decimals == 1 ? 10 : 1)
    let scaled = Int64((value * Double(scale)).rounded())
    let whole = scaled / Int64(scale)
    guard decimals > 0 else { return "\(whole)" }
    let part = String(scaled % Int64(scale))
    return "\(whole)." + String(repeating: "0", count: decimals - part.count) + part
}
