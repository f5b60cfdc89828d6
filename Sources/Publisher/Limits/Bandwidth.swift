internal import HTTP
internal import Synchronization

/// The limits of bandwidth in force: what a person has set, or else what is configured for this time.
///
/// What a person has set holds until it is taken back or the daemon ends.
final class Bandwidth: Sendable {
    private struct State {
        var plan: BandwidthPlan
        var configured: [String: Int64]
        var registries: [String: BandwidthLimit] = [:]
        /// The outer nil: not set by hand; the inner: no limit. The key nil stands for all registries together.
        var byHand: [String?: Int64?] = [:]
    }

    private let total = BandwidthLimit()
    private let state: Mutex<State>
    private let clock: @Sendable () -> Int64

    init(_ settings: PublisherSettings, clock: @escaping @Sendable () -> Int64) {
        self.clock = clock
        state = Mutex(State(plan: settings.bandwidth, configured: settings.bandwidths))
        refresh()
    }

    /// What holds for bodies sent to a registry.
    func limits(for registry: String) -> [BandwidthLimit] {
        state.withLock { state in
            if let limit = state.registries[registry] { return [total, limit] }
            let limit = BandwidthLimit(bytesPerSecond: Self.inForce(registry, state))
            state.registries[registry] = limit
            return [total, limit]
        }
    }

    func apply(_ settings: PublisherSettings) {
        state.withLock { state in
            state.plan = settings.bandwidth
            state.configured = settings.bandwidths
        }
        refresh()
    }

    /// Sets a limit by hand, or takes that back.
    func change(_ change: BandwidthChange, of registry: String?) {
        state.withLock { state in
            switch change {
            case .set(let bytesPerSecond): state.byHand[registry] = .some(.some(bytesPerSecond))
            case .lift: state.byHand[registry] = .some(nil)
            case .useConfigured: state.byHand[registry] = nil
            }
        }
        refresh()
    }

    /// The time may have come at which another limit holds.
    func refresh() {
        let now = WeekMinute(milliseconds: clock())
        state.withLock { state in
            total.bytesPerSecond = state.byHand[nil] ?? state.plan.limit(at: now)
            for (name, limit) in state.registries { limit.bytesPerSecond = Self.inForce(name, state) }
        }
    }

    /// Windows begin and end with a minute. The clock may be set meanwhile, so this is never more than one minute.
    var untilNextMinute: Duration { .milliseconds(60_000 - clock() % 60_000) }

    /// All registries together first, then those that have a limit of their own, by name.
    var summary: [BandwidthInForce] {
        let now = WeekMinute(milliseconds: clock())
        return state.withLock { state in
            let names = Set(state.configured.keys).union(state.byHand.keys.compactMap { $0 }).sorted()
            let all = BandwidthInForce(
                registry: nil, bytesPerSecond: state.byHand[nil] ?? state.plan.limit(at: now),
                configured: state.plan.limit(at: now), isByHand: state.byHand[nil] != nil)
            return [all]
                + names.map { name in
                    BandwidthInForce(
                        registry: name, bytesPerSecond: Self.inForce(name, state), configured: state.configured[name],
                        isByHand: state.byHand[name] != nil)
                }
        }
    }

    /// Those that have a limit of their own.
    var limitedRegistries: Set<String> {
        Set(summary.compactMap { $0.bytesPerSecond == nil ? nil : $0.registry })
    }

    private static func inForce(_ registry: String, _ state: State) -> Int64? {
        state.byHand[registry] ?? state.configured[registry]
    }
}

/// What a person does to a limit.
public enum BandwidthChange: Sendable, Equatable {
    /// In bytes a second, 1 or more.
    case set(Int64)
    case lift
    /// What was set by hand no longer counts.
    case useConfigured
}

/// A limit as it stands now.
public struct BandwidthInForce: Sendable, Equatable {
    /// Nil: of all registries together.
    public let registry: String?
    /// Nil: no limit.
    public let bytesPerSecond: Int64?
    /// What would hold now if nothing were set by hand.
    public let configured: Int64?
    public let isByHand: Bool
}
