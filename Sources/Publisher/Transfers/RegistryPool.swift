import OCI
import PushQueue
import Registry

/// The registries that are in use, each with one client for all jobs but those that came with a login of their own.
actor RegistryPool {
    private var entries: [String: RegistryAccess] = [:]
    /// What is the same under all logins.
    private var common: [String: Common] = [:]
    /// In memory only: after a restart such jobs go on with the daemon's own logins.
    private var ownLogins: [OwnLogin] = []
    private var make: Maker
    private var makeCommon: @Sendable (_ name: String) -> Common

    /// What a registry has once, whatever logins there are for it.
    struct Common: Sendable {
        let facts: RegistryFacts
        let gate: RequestGate
    }

    private struct OwnLogin {
        let destination: ImageReference
        let login: FoundCredential
        /// Nil until it is known; the job may begin before.
        var job: JobID?
        var entry: RegistryAccess?
    }

    /// - Parameter login: to be used in place of all others.
    typealias Maker =
        @Sendable (_ name: String, _ login: FoundCredential?, RequestGate) throws(RegistryError)
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
    func registry(for job: Job) throws(RegistryError) -> RegistryAccess {
        let place =
            ownLogins.firstIndex { $0.job == job.id }
            ?? ownLogins.firstIndex { $0.job == nil && $0.destination == job.destination }
        guard let place else { return try registry(job.destination.domain) }
        if let entry = ownLogins[place].entry { return entry }
        let entry = try access(to: job.destination.domain, ownLogins[place].login)
        ownLogins[place].entry = entry
        return entry
    }

    /// A job for the destination is about to be accepted, which uses this login.
    func expectLogin(_ login: FoundCredential, for destination: ImageReference) {
        ownLogins.append(OwnLogin(destination: destination, login: login))
    }

    /// The expected job was accepted, or not.
    func settleLogin(for destination: ImageReference, job: JobID?) {
        if let job { removeLogin(of: job) }
        guard let place = ownLogins.firstIndex(where: { $0.job == nil && $0.destination == destination }) else {
            return
        }
        if let job { ownLogins[place].job = job } else { ownLogins.remove(at: place) }
    }

    /// The login that a job came with is used no longer.
    func removeLogin(of job: JobID) { ownLogins.removeAll { $0.job == job } }

    /// What was issued for an earlier login is not used again.
    func credentialsChanged(at name: String) async { await entries[name]?.client.credentialsChanged() }

    private func access(to name: String, _ login: FoundCredential?) throws(RegistryError) -> RegistryAccess {
        let common = common(of: name)
        return RegistryAccess(client: try make(name, login, common.gate), facts: common.facts)
    }

    private func common(of name: String) -> Common {
        if let known = common[name] { return known }
        let new = makeCommon(name)
        common[name] = new
        return new
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
        for place in ownLogins.indices { ownLogins[place].entry = nil }
    }
}
