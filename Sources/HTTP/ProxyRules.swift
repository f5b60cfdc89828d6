/// Which proxy an environment names for which server. Pure: nothing is read but what is handed over.
///
/// `http_proxy` for http addresses and `https_proxy` for https ones, `all_proxy` for what has none of its own, and
/// `no_proxy` for what is asked directly. Each may be written in capitals; where both are set, lower case counts. An
/// empty variable is none. This machine itself is never asked through a proxy.
///
/// Source: Go's golang.org/x/net/http/httpproxy, which docker, podman and skopeo use; `all_proxy` from curl(1).
public struct ProxyRules: Hashable, Sendable {
    private var http: Proxy?
    private var https: Proxy?
    private var exceptions = ProxyExceptions()

    /// No proxy for anything.
    public init() {}

    /// - Throws: ``ProxyError`` with the variable that can't be used.
    public init(environment: [String: String]) throws(ProxyError) {
        func value(_ name: String) -> (variable: String, text: String)? {
            for variable in [name, name.uppercased()] {
                if let text = environment[variable], !text.isEmpty { return (variable, text) }
            }
            return nil
        }
        func proxy(_ name: String) throws(ProxyError) -> Proxy? {
            guard let (variable, text) = value(name) else { return nil }
            return try Proxy(parsing: text, source: .environment(variable))
        }
        let rest = try proxy("all_proxy")
        http = try proxy("http_proxy") ?? rest
        https = try proxy("https_proxy") ?? rest
        if let (variable, text) = value("no_proxy") {
            guard let read = ProxyExceptions(text) else {
                throw ProxyError(
                    source: .environment(variable),
                    reason:
                        "the list of servers that are asked directly is longer than \(ProxyExceptions.maximumLength) bytes"
                )
            }
            exceptions = read
        }
    }

    /// The proxy on the way to `url`; nil where it is asked directly.
    public func proxy(for url: HTTPURL) -> Proxy? {
        guard let proxy = url.scheme == .https ? https : http, !url.isOnThisMachine else { return nil }
        return exceptions.contain(url) ? nil : proxy
    }
}

/// What a request wants of proxies.
public enum ProxyChoice: Hashable, Sendable {
    /// What the client's rules say, which come from the environment.
    case environment
    case none
    /// This one, regardless of the environment; only this machine itself is asked directly.
    case through(Proxy)

    func proxy(for url: HTTPURL, _ rules: ProxyRules) -> Proxy? {
        switch self {
        case .environment: rules.proxy(for: url)
        case .none: nil
        case .through(let proxy): url.isOnThisMachine ? nil : proxy
        }
    }
}
