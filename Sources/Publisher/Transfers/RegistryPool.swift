import OCI
import PushQueue
import Registry

/// The registries that are in use, each with one client for all jobs but those that came with a login of their own.
actor RegistryPool {
    private var entries: [String: RegistryAccess] = [:]
    /// What is the same under all logins.
    private var common: [String: Common] = [:]
    /// In memory only: after a restart such jobs are blocked until their callers log in again.
    private var ownLogins: [JobID: OwnLogin] = [:]
    /// Logins for jobs that are not known yet, and where they go to.
    private var expected: [Expectation: (login: GivenLogin, destination: ImageReference)] = [:]
    private var expectations = 0
    /// Jobs that began meanwhile and don't know yet whether one of ``expected`` is theirs.
    private var undecided: [Signal] = []
    private var make: Maker
    private var makeCommon: @Sendable (_ name: String) -> Common

    /// What all clients of a registry share, independent of their logins.
    struct Common: Sendable {
        let facts: RegistryFacts
        let gate: RequestGate
    }

    /// The login that one job came with.
    private struct OwnLogin {
        let login: GivenLogin
        var entry: RegistryAccess?
    }

    /// A job that is about to be accepted with a login of its own.
    struct Expectation: Hashable {
        fileprivate let number: Int
    }

    /// - Parameter login: to be used in place of all others.
    typealias Maker =
        @Sendable (_ name: String, _ login: GivenLogin?, Common) throws(RegistryError)
        -> RegistryClient

    init(make: @escaping Maker, makeCommon: @escaping @Sendable (_ name: String) -> Common) {
        self.make = make
        self.makeCommon = makeCommon
    }

    /// - Throws: ``RegistryError`` for a name that is no host and port.
    func registry(_ name: String) throws(RegistryError) -> RegistryAccess {
        if let entry = entries[name] { return entry }
        let entry = try access(to: name, nil)
        entries[name] = entry
        return entry
    }

    /// The registry as a job deals with it.
    ///
    /// - Throws: ``RegistryError`` for a name that is no host and port; ``PushFailure`` where the job came with a login of
    ///   its own that is no longer known; `CancellationError`.
    func registry(for job: Job) async throws -> RegistryAccess {
        // With no login of its own it is none of those that are expected, and does not wait for others' pushes.
        guard job.hasOwnLogin else { return try registry(job.destination.domain) }
        // It may be an expected one: it must not begin with another login.
        while ownLogins[job.id] == nil, expected.values.contains(where: { $0.destination == job.destination }) {
            let signal = Signal()
            undecided.append(signal)
            await signal.next()
            try Task.checkCancellation()
        }
        guard let own = ownLogins[job.id] else { throw PushFailure.ownLoginGone(job) }
        if let entry = own.entry { return entry }
        let entry = try access(to: job.destination.domain, own.login)
        ownLogins[job.id]?.entry = entry
        return entry
    }

    /// A job for the destination is about to be accepted, which uses this login. It has to be settled.
    func expectLogin(_ login: GivenLogin, for destination: ImageReference) -> Expectation {
        expectations += 1
        let expectation = Expectation(number: expectations)
        expected[expectation] = (login, destination)
        return expectation
    }

    /// The expected job was accepted, or not.
    func settleLogin(_ expectation: Expectation, job: JobID?) {
        if let known = expected.removeValue(forKey: expectation), let job {
            ownLogins[job] = OwnLogin(login: known.login)
        }
        for signal in undecided { signal.raise() }
        undecided = []
    }

    /// The registry for one call that brings a login of its own.
    func registry(_ name: String, with login: GivenLogin) throws(RegistryError) -> RegistryAccess {
        try access(to: name, login)
    }

    /// The login that a job came with is used no longer.
    func removeLogin(of job: JobID) { ownLogins[job] = nil }

    /// What was issued for an earlier login is not used again.
    func credentialsChanged(at name: String) async { await entries[name]?.client.credentialsChanged() }

    private func access(to name: String, _ login: GivenLogin?) throws(RegistryError) -> RegistryAccess {
        let common = common(of: name)
        return RegistryAccess(client: try make(name, login, common), facts: common.facts)
    }

    private func common(of name: String) -> Common {
        if let known = common[name] { return known }
        let new = makeCommon(name)
        common[name] = new
        return new
    }

    /// Drops the registry's client and facts, so that both are made anew; running jobs keep their client.
    func forget(_ name: String) async {
        entries[name] = nil
        for (job, own) in ownLogins where own.entry?.name == name { ownLogins[job]?.entry = nil }
        await facts(of: name).forget()
    }

    func facts(of name: String) -> RegistryFacts { common(of: name).facts }

    /// What registries said last about how much they may still be asked.
    var allowances: [String: RateAllowance] { common.compactMapValues(\.gate.lastAllowance) }

    /// From now on clients are made anew; jobs under way keep theirs.
    func reset(make: @escaping Maker, makeCommon: @escaping @Sendable (_ name: String) -> Common) {
        self.make = make
        self.makeCommon = makeCommon
        entries = [:]
        common = [:]
        ownLogins = ownLogins.mapValues { OwnLogin(login: $0.login) }
    }
}

/// A login that came with a push or another call, to be used in place of the daemon's.
struct GivenLogin: Sendable {
    let login: FoundCredential
    /// Whether a repository that is missing may be made, as the configuration says for its registry: that may take rights
    /// of the daemon's own, which a member does not have everywhere.
    let mayMakeRepository: Bool
}
