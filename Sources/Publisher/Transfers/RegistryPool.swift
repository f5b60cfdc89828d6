import OCI
import PushQueue
import Registry

/// The registries that are in use, each with one client for all jobs but those that came with a login of their own.
actor RegistryPool {
    private var entries: [String: RegistryAccess] = [:]
    /// In memory only: after a restart such jobs go on with the daemon's own logins.
    private var ownLogins: [OwnLogin] = []
    private var make: Maker

    private struct OwnLogin {
        let destination: ImageReference
        let login: FoundCredential
        /// Nil until it is known; the job may begin before.
        var job: JobID?
        var entry: RegistryAccess?
    }

    /// - Parameter login: to be used in place of all others.
    typealias Maker = @Sendable (_ name: String, _ login: FoundCredential?) throws(RegistryError) -> RegistryAccess

    init(make: @escaping Maker) { self.make = make }

    /// - Throws: ``RegistryError`` for a name that is no host and port.
    func registry(_ name: String) throws(RegistryError) -> RegistryAccess {
        if let entry = entries[name] { return entry }
        let entry = try make(name, nil)
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
        let entry = try make(job.destination.domain, ownLogins[place].login)
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

    /// What was learned about a registry is found out anew.
    func forgetLearned(at name: String) async {
        await entries[name]?.forget()
        for case let entry? in ownLogins.map(\.entry) where entry.name == name { await entry.forget() }
    }

    /// What registries said last about how much they may still be asked.
    var allowances: [String: RateAllowance] { entries.compactMapValues(\.client.rateAllowance) }

    /// From now on clients are made anew; jobs under way keep theirs.
    func reset(make: @escaping Maker) {
        self.make = make
        entries = [:]
        for place in ownLogins.indices { ownLogins[place].entry = nil }
    }
}
