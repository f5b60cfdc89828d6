import Control
import Publisher
import Registry

/// How much is done at once, and how fast.
extension Configuration {
    mutating func readLimits(_ section: ConfigurationReader) {
        var limits = section
        publisher.jobs = limits.integer("jobs", in: 1...1000) ?? publisher.jobs
        publisher.jobsPerRegistry = limits.integer("jobsPerRegistry", in: 1...1000) ?? publisher.jobsPerRegistry
        publisher.uploads = limits.integer("uploads", in: 1...256) ?? publisher.uploads
        publisher.uploadsPerRegistry =
            limits.integer("uploadsPerRegistry", in: 1...256) ?? publisher.uploadsPerRegistry
        publisher.chunkSize = limits.bytes("chunkSize", in: 65_536...17_179_869_184) ?? publisher.chunkSize
        var requests = publisher.registry.requests
        requests.checks = limits.integer("checksPerRegistry", in: 1...1000) ?? requests.checks
        requests.manifests = limits.integer("manifestsPerRegistry", in: 1...1000) ?? requests.manifests
        requests.perSecond = limits.rate("requestsPerSecond")
        publisher.registry.requests = requests
        publisher.bandwidth.usual = limits.bandwidth("bandwidth") ?? nil
        for (place, value) in (limits.list("bandwidthWindows") ?? []).enumerated() {
            let path = limits.place(of: "bandwidthWindows") + "[\(place)]"
            let reader = ConfigurationReader(value, path: path, faults: limits.faults)
            if let window = Self.window(reader) { publisher.bandwidth.windows.append(window) }
        }
        limits.finish()
    }

    /// What holds for one registry, in place of what holds for each.
    mutating func readLimits(
        of registry: String, _ entry: inout ConfigurationReader, into settings: inout RegistrySettings
    ) {
        publisher.jobsByRegistry[registry] = entry.integer("jobs", in: 1...1000)
        publisher.uploadsByRegistry[registry] = entry.integer("uploads", in: 1...256)
        settings.requests.checks = entry.integer("checks", in: 1...1000) ?? settings.requests.checks
        settings.requests.manifests = entry.integer("manifests", in: 1...1000) ?? settings.requests.manifests
        settings.requests.perSecond = entry.rate("requestsPerSecond") ?? settings.requests.perSecond
        publisher.bandwidths[registry] = entry.bandwidth("bandwidth") ?? nil
    }

    private static func window(_ reader: ConfigurationReader) -> BandwidthWindow? {
        var window = reader
        let days = Weekdays.parse(window.text("days") ?? "mon-sun")
        if days == nil { window.refuse("days", "days such as \"mon-fri\", \"sat,sun\" or \"mon\" are wanted") }
        func minute(_ key: String, upTo most: Int) -> Int? {
            if let text = window.text(key), let minute = Self.minute(text), minute <= most { return minute }
            window.refuse(key, "a time of the day such as \"08:00\" is wanted")
            return nil
        }
        let from = minute("from", upTo: 1439)
        let to = minute("to", upTo: 1440)
        if from != nil, from == to { window.refuse("to", "another time than from is wanted") }
        let limit = window.bandwidth("bandwidth")
        if limit == nil { window.refuse("bandwidth", "\(ConfigurationReader.bandwidthForm), or \"none\"") }
        window.finish()
        guard let days, let from, let to, let limit else { return nil }
        return BandwidthWindow(days: days, from: from, to: to, bytesPerSecond: limit)
    }

    /// `08:30`, in minutes since midnight; up to `24:00`.
    private static func minute(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= 1440
        else { return nil }
        return hour * 60 + minute
    }
}

/// Days of the week as people write them.
enum Weekdays {
    private static let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// `mon-fri`, `sat,sun`, `fri-mon`; nil unless it is such a list.
    static func parse(_ text: String) -> Set<Int>? {
        var days: Set<Int> = []
        for part in text.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                .map { end in names.firstIndex { $0 == end.filter { $0 != " " } } }
            guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1] else { return nil }
            for step in 0...((last - first + 7) % 7) { days.insert((first + step) % 7) }
        }
        return days
    }
}

extension ConfigurationReader {
    static let bandwidthForm = "bytes a second such as \"500kB/s\" or \"20MB/s\" are wanted, at least 1 kB/s"

    /// Bytes a second.
    ///
    /// - Returns: nil where nothing is said; the inner nil is `"none"`: no limit.
    mutating func bandwidth(_ key: String) -> Int64?? {
        guard let value = value(key) else { return .none }
        let bytes: Int64? =
            switch value {
            case .text("none"): nil
            case .text(let text): Quantity.bytesPerSecond(text) ?? 0
            case .number(let number): Int64(exactly: number) ?? 0
            default: 0
            }
        if let bytes, !(1000...1_000_000_000_000_000).contains(bytes) {
            refuse(key, "\(Self.bandwidthForm), not \(value.kind)")
            return .none
        }
        return .some(bytes)
    }

    /// Something a second, also less than one.
    fileprivate mutating func rate(_ key: String) -> Double? {
        guard let value = value(key) else { return nil }
        guard case .number(let number) = value, (0.01...10_000).contains(number) else {
            refuse(key, "a number from 0.01 to 10000 is wanted, not \(value.kind)")
            return nil
        }
        return number
    }
}
