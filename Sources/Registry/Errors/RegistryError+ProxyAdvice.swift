internal import HTTP

/// What to do about a proxy: where its address stands, and how to get past it.
extension RegistryError {
    func proxyAdvice(_ proxy: ProxyName) -> String? {
        let place = proxy.source.place
        switch cause {
        case .proxyUnknown: return "correct \(place); or ask \(registry) directly: \(direct(proxy))"
        case .proxyUnreachable, .proxyFailed:
            return "start or mend the proxy, or correct \(place); or ask \(registry) directly: \(direct(proxy))"
        case .proxyLogin where proxy.hasLogin: return "correct user and password in \(place)\(again(proxy))"
        case .proxyLogin:
            return "write user and password into \(place): http://USER:PASSWORD@\(proxy.address)\(again(proxy))"
        case .proxyForbids:
            return "ask the proxy's owner to allow it, or ask \(registry) directly: \(direct(proxy))\(again(proxy))"
        default: return nil
        }
    }

    /// How the proxy is left out.
    private func direct(_ proxy: ProxyName) -> String {
        switch proxy.source {
        case .environment:
            "add its host to no_proxy, or set registries.\"\(registry)\".proxy to \"none\" in pushd.json5"
        case .configuration(let key): "set \(key) to \"none\""
        }
    }

    /// A changed environment counts from the next start on, a changed configuration when it is read again.
    private func again(_ proxy: ProxyName) -> String {
        switch proxy.source {
        case .environment: ", restart pushd, then: pushctl retry --failed"
        case .configuration: ", reload pushd, then: pushctl retry --failed"
        }
    }
}

extension HTTPError.Cause {
    /// The proxy that is to blame; nil where none is.
    var proxy: ProxyName? {
        switch self {
        case .proxyUnknown(let proxy), .proxyUnreachable(let proxy, _), .proxyLogin(let proxy),
            .proxyForbids(let proxy), .proxyFailed(let proxy, _):
            proxy
        default: nil
        }
    }
}
