internal import Glibc

/// A moment of the week by this machine's local time.
public struct WeekMinute: Sendable, Hashable {
    /// 0...6, from Monday on.
    public var day: Int
    /// 0..<1440.
    public var minute: Int

    public init(day: Int, minute: Int) {
        self.day = day
        self.minute = minute
    }

    /// - Parameter milliseconds: since 1970.
    init(milliseconds: Int64) {
        var seconds = time_t(milliseconds / 1000)
        var local = tm()
        localtime_r(&seconds, &local)
        day = (Int(local.tm_wday) + 6) % 7
        minute = Int(local.tm_hour) * 60 + Int(local.tm_min)
    }
}

/// Times of the week at which another limit of bandwidth holds.
public struct BandwidthWindow: Sendable, Hashable {
    /// On which it begins: 0...6, from Monday on.
    public var days: Set<Int>
    /// Minutes since midnight: 0..<1440, and up to 1440 for the end. One that ends before it begins goes past midnight.
    public var from: Int
    public var to: Int
    /// Nil: no limit.
    public var bytesPerSecond: Int64?

    public init(days: Set<Int>, from: Int, to: Int, bytesPerSecond: Int64?) {
        self.days = days
        self.from = from
        self.to = to
        self.bytesPerSecond = bytesPerSecond
    }

    func contains(_ moment: WeekMinute) -> Bool {
        if from < to { return days.contains(moment.day) && (from..<to).contains(moment.minute) }
        let yesterday = (moment.day + 6) % 7
        return days.contains(moment.day) && moment.minute >= from
            || days.contains(yesterday) && moment.minute < to
    }
}

/// How fast all uploads together may be, as configured.
public struct BandwidthPlan: Sendable, Hashable {
    /// Outside all windows; nil: no limit.
    public var usual: Int64?
    /// The first that fits counts.
    public var windows: [BandwidthWindow] = []

    public init(usual: Int64? = nil, windows: [BandwidthWindow] = []) {
        self.usual = usual
        self.windows = windows
    }

    func limit(at moment: WeekMinute) -> Int64? {
        guard let window = windows.first(where: { $0.contains(moment) }) else { return usual }
        return window.bytesPerSecond
    }
}
