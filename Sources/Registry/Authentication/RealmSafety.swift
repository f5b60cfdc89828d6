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
    /// - The address is in the registry's ``Reach``.
    ///
    /// - Parameter place: where the server that names it is; nil: not known.
    static func objection(to realm: HTTPURL, within reach: Reach, from place: NetworkPlace?) -> String? {
        let registry = reach.own
        if realm.scheme == .http {
            if registry.scheme == .https { return "over plain HTTP, while it is itself reached over HTTPS" }
            let isOnThisMachine = NetworkPlace.named(by: realm.host) == .thisMachine
            if NetworkPlace.named(by: registry.host) == .thisMachine, !isOnThisMachine {
                return "over plain HTTP and not on this machine"
            }
        }
        if case .refuse(let reason) = reach.step(to: realm, from: place) { return reason }
        return nil
    }
}
