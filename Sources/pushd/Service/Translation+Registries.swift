import Control
import FoundationEssentials
import Publisher
import PushQueue
import Registry

extension RegistryInfo {
    init(_ activity: RegistryActivity, allowance: RateAllowance?, bytesPerSecond: Int64? = nil) {
        self.init(
            name: activity.name, pausedUntil: activity.pausedUntil.map { Timestamp(milliseconds: $0) },
            pausedSince: activity.pausedSince.map { Timestamp(milliseconds: $0) },
            reason: activity.isHeld ? "paused by command" : activity.reason, running: activity.running,
            waiting: activity.waiting, held: activity.isHeld ? true : nil, requestsAllowed: allowance?.limit,
            requestsLeft: allowance?.remaining,
            requestsPeriod: allowance?.window?.inSeconds, bytesPerSecond: bytesPerSecond.map(Int.init))
    }

    /// What is known of a registry; a member is told neither whose login is used nor what repositories it has.
    init(_ state: RegistryState, for rights: CallerRights) {
        self.init(state.activity, allowance: state.allowance, bytesPerSecond: state.bandwidth)
        login = rights.isOperator ? state.login.text : nil
        learned =
            state.learned.compactMap(LearnedInfo.init)
            + (rights.isOperator ? state.mountRefusals : []).map { refusal in
                LearnedInfo(
                    name: "mount-refused", value: refusal.name, text: "nothing can be mounted from \(refusal.name)",
                    at: Timestamp(milliseconds: refusal.at))
            }
    }
}

extension LearnedInfo {
    /// Nil for what says nothing to people.
    init?(_ fact: LearnedFact) {
        let text: String
        switch (fact.name, fact.value) {
        case ("self-mount", "works"): text = "a mount from the same repository tells whether it has a blob"
        case ("self-mount", _): text = "a mount from the same repository does not tell whether it has a blob"
        case ("mount", "works"): text = "blobs can be mounted from other repositories"
        case ("mount", _): text = "the last mount from another repository was refused"
        default:
            guard let known = RegistryFact.explanation(name: fact.name, value: fact.value) else { return nil }
            text = known
        }
        self.init(name: fact.name, value: fact.value, text: text, at: Timestamp(milliseconds: fact.at))
    }
}

extension LimitInfo {
    init(_ limit: BandwidthInForce) {
        self.init(
            registry: limit.registry, bytesPerSecond: limit.bytesPerSecond.map(Int.init),
            configured: limit.configured.map(Int.init), byHand: limit.isByHand)
    }
}

extension DoctorStep {
    init(_ step: ExaminationStep) {
        let outcome =
            switch step.outcome {
            case .good: "good"
            case .doubtful: "doubtful"
            case .bad: "bad"
            }
        self.init(
            kind: step.kind.rawValue, outcome: outcome, text: step.text, advice: step.advice,
            time: step.time?.inSeconds)
    }
}

extension LoginInUse {
    /// `me, from FILE (entry "HOST"); for team: robot, from FILE (entry "HOST/team")`. Nil where there is none at all.
    var text: String? {
        let own = namespaces.map { "for \($0.name): \($0.login.text ?? "none")" }
        if own.isEmpty { return host.text }
        return ([host.text ?? "none for the registry as a whole"] + own).joined(separator: "; ")
    }
}

extension LoginInUse.Login {
    fileprivate var text: String? {
        switch self {
        case .none: nil
        case .found(let login): (login.user.map { "\($0), from " } ?? "") + login.origin
        case .unusable(let reason): "can't be used: \(reason)"
        }
    }
}
