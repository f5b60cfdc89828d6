internal import HTTP

/// Whether a login may be sent to the token server that a registry names.
///
/// A registry can name any URL it likes, so a hostile one could make pushd talk to services of the own network, or send
/// a password in the clear.
enum RealmSafety {
    /// Why the login isn't sent there, as the end of "it names X as its token server, …"; nil where it is.
    ///
    /// - HTTPS is wanted, unless the registry itself is reached over plain HTTP; one on this machine, which needs no
    ///   setting for that, may name plain HTTP only on this machine.
    /// - Addresses of this machine and of the own network are for registries that are at the same host; all of
    ///   this machine's names and addresses count as one.
    ///
    /// Names are not resolved: a name in the own network is what a company's registry has.
    static func objection(to realm: HTTPURL, from registry: HTTPOrigin) -> String? {
        let (realmKind, registryKind) = (HostKind(realm.host), HostKind(registry.host))
        let isSameHost = realm.host == registry.host || (realmKind == .loopback && registryKind == .loopback)
        if realm.scheme == .http {
            if registry.scheme == .https { return "over plain HTTP, while it is itself reached over HTTPS" }
            if registryKind == .loopback, !isSameHost { return "over plain HTTP and not on this machine" }
        }
        switch realmKind {
        case .name, .publicAddress: return nil
        case .loopback: return isSameHost ? nil : "which is on this machine, while the registry is not"
        case .localAddress: return isSameHost ? nil : "an address of the own network that is not the registry's"
        }
    }
}
