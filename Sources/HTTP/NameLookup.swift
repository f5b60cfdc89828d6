internal import CCurl  // SOCK_STREAM: in a release build the compiler finds it in libcurl's headers
internal import Dispatch
internal import Glibc

/// Finds out why a host name could not be looked up, which libcurl does not tell.
enum NameLookup {
    /// Asks again, on a thread that may block; the name servers' "no" is usually cached near by.
    ///
    /// - Parameter proxy: whose name it is; nil for the server's own.
    static func explain(
        _ host: String, of proxy: ProxyName? = nil, then report: @escaping @Sendable (HTTPError.Cause) -> Void
    ) {
        DispatchQueue.global().async {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            let code = getaddrinfo(host, nil, &hints, &found)
            if code == 0 { freeaddrinfo(found) }
            let cause = cause(of: code, host: host)
            report(proxy.map { Self.cause(cause, of: $0) } ?? cause)
        }
    }

    private static func cause(_ cause: HTTPError.Cause, of proxy: ProxyName) -> HTTPError.Cause {
        if case .unresolvable = cause { return .proxyUnknown(proxy) }
        return .proxyUnreachable(proxy, reason: "its address could not be looked up: name servers don't answer")
    }

    /// - Parameter code: of `getaddrinfo`; 0 where the second time went well.
    static func cause(of code: Int32, host: String) -> HTTPError.Cause {
        switch code {
        // -5 is EAI_NODATA, a GNU extension: the name is there, without an address.
        case EAI_NONAME, -5: .unresolvable(host: host)
        default: .resolverFailed(host: host)
        }
    }
}
