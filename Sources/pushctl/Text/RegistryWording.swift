internal import Control

/// A registry in words: whether it is open, and since when and why it is not.
struct RegistryWording: Sendable {
    let registry: RegistryInfo
    /// Milliseconds since 1970.
    let now: Int64

    enum State: Equatable {
        case open
        /// By a person, until a person lets it go on.
        case held
        /// Nothing is begun there until `until`, in milliseconds since 1970.
        case paused(until: Int64)
        /// One job finds out whether its trouble is over.
        case tried
    }

    var state: State {
        if registry.held == true { return .held }
        if let until = registry.pausedUntil { return .paused(until: until.milliseconds) }
        return registry.pausedSince == nil ? .open : .tried
    }

    /// `is paused, next try in 7 s`; nil where it is open.
    var predicate: String? {
        switch state {
        case .open: nil
        case .held: "is paused by command"
        case .paused(let until): "is paused, next try \(Self.formatWait(until: until, now: now))"
        case .tried: "is being tried"
        }
    }

    /// The sentence above the table of jobs; nil where it is open, or in trouble that no job waits for.
    func headline(localTime: (Int64) -> String) -> Line? {
        guard let predicate else { return nil }
        let waiting = registry.waiting
        guard state == .held || waiting != 0 || registry.running > 0 else { return nil }
        var line = Line(registry.name, .bold)
        line.append(" ")
        line.append(predicate, .warning)
        if state != .held, let since = registry.pausedSince {
            line.append("; in trouble since \(localTime(since.milliseconds)) (\(age(of: since)))")
        }
        if let waiting, waiting > 0 { line.append("; " + (waiting == 1 ? "1 job waits" : "\(waiting) jobs wait")) }
        if state == .held {
            line.append("; go on with: pushctl resume \(registry.name)")
        } else if let reason = registry.reason {
            line.append(": \(reason)")
        }
        return line
    }

    /// Its state, to follow its name in a list of registries.
    var standing: Line {
        let running = registry.running == 1 ? "1 job runs" : "\(registry.running) jobs run"
        switch state {
        case .open: return Line("open", .good).appending("; \(running)")
        case .held: return Line("paused by command", .warning).appending("; \(running)")
        case .paused(let until):
            let when = Self.formatWait(until: until, now: now)
            return Line("paused", .warning).appending(", next try \(when)\(since): \(registry.reason ?? "")")
        case .tried: return Line("being tried", .warning).appending("\(since): \(registry.reason ?? "")")
        }
    }

    private var since: String { registry.pausedSince.map { "; in trouble since \(age(of: $0))" } ?? "" }

    private func age(of stamp: Timestamp) -> String { formatAge(of: min(stamp.milliseconds, now), now: now) }

    /// What it says that it may still be asked.
    var allowance: String? {
        guard let left = registry.requestsLeft, let all = registry.requestsAllowed else { return nil }
        let period = registry.requestsPeriod.map { " in \(formatSpan(seconds: $0))" } ?? ""
        return "\(left) of \(all) requests left\(period)"
    }

    /// `in 7 s`, rounded up: it does not say "now" before it is.
    static func formatWait(until: Int64, now: Int64) -> String {
        until > now ? "in " + formatSpan(seconds: (Double(until - now) / 1000).rounded(.up)) : "now"
    }
}
