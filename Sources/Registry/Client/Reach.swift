internal import HTTP

/// Where a registry, its token server and its storage may lead requests: the one rule for a challenge's realm, redirects,
/// an upload's `Location` and a list's `Link`.
///
/// A server leads no further inside than it is itself: one on the internet not into the own network, one of the own
/// network not to this machine, and none to link-local addresses, where clouds hand out the machine's credentials. Back
/// to the registry's own origin is always right, and so is what the configuration says that the registry leads to.
/// Between two ports of this machine there is no further inside: a token server or a storage beside a registry on this
/// machine works, and such a registry can as well lead to any other program on it that speaks HTTP.
///
/// What a name stands for is not asked here: the client holds the address that it connects to against the reach, so that
/// a name which changes its address leads no further.
struct Reach: Sendable {
    /// How a request may go on.
    enum Step: Equatable, Sendable {
        /// With ``HTTPRequest/reach``.
        case follow(within: NetworkPlace?)
        /// The end of "it leads to X, …".
        case refuse(reason: String)
    }

    /// The registry's.
    let own: HTTPOrigin
    /// What the configuration says that the registry leads to: hosts, or hosts with a port, in normal form.
    let trusted: Set<String>

    /// - Parameter place: where the server is that names `url`; nil: not known, since a proxy connects to it.
    func step(to url: HTTPURL, from place: NetworkPlace?) -> Step {
        if url.origin == own || trusts(url) { return .follow(within: nil) }
        let reach = limit(from: place)
        guard let target = NetworkPlace.named(by: url.host), target > reach else { return .follow(within: reach) }
        // Its address is the registry's, written out: no other server is reached.
        if url.host == own.host { return .follow(within: nil) }
        return .refuse(reason: Self.words(target))
    }

    /// The furthest inside that a server may lead.
    ///
    /// - Parameter place: as in ``step(to:from:)``.
    func limit(from place: NetworkPlace?) -> NetworkPlace {
        (place ?? NetworkPlace.named(by: own.host) ?? .world).leadsTo
    }

    private func trusts(_ url: HTTPURL) -> Bool {
        trusted.contains(url.host) || trusted.contains("\(url.host):\(url.port)")
    }

    private static func words(_ target: NetworkPlace) -> String {
        switch target {
        case .world, .ownNetwork: "an address of the own network, and is not in it itself"
        case .thisMachine: "which is on this machine, and is not on it itself"
        case .link: "an address that belongs to this machine alone"
        }
    }
}
