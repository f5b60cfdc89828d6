internal import CCurl
internal import Glibc

extension EasyHandle {
    /// Sets the proxy, or that there is none. Without that libcurl would read the environment.
    ///
    /// - Throws: ``TransferFailure`` about the certificates' files.
    func setProxy(_ proxy: Proxy?, _ options: TLSOptions, _ trust: TrustStore) throws(TransferFailure) {
        try set(CURLOPT_NOPROXY, "")
        guard let proxy else { return try set(CURLOPT_PROXY, "") }
        try set(CURLOPT_PROXY, proxy.description)
        // Without a login libcurl would look for one in the address, which has none.
        if let login = proxy.login {
            try set(CURLOPT_PROXYUSERNAME, login.user)
            try set(CURLOPT_PROXYPASSWORD, login.password)
        }
        try set(CURLOPT_PROXYAUTH, Int(pushd_proxy_basic()))
        // The registry's login is not the proxy's business.
        try set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
        try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        guard proxy.scheme == .https else { return }
        guard let file = try trust.file(adding: options.authorityFiles) else {
            throw TransferFailure(
                cause: .proxyFailed(
                    proxy.name, reason: "this machine has no certificate authorities; install ca-certificates"))
        }
        try set(CURLOPT_PROXY_CAINFO, file)
        try set(CURLOPT_PROXY_CAPATH, nil)
        try set(CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    }

    /// The proxy's answer to `CONNECT`; 0 where there was none.
    var connectStatus: Int { long(CURLINFO_HTTP_CONNECTCODE) }

    /// What a SOCKS proxy said.
    var proxyCode: CURLproxycode { CURLproxycode(UInt32(clamping: long(CURLINFO_PROXY_ERROR))) }
}

/// All that is known after a transfer over a proxy that failed.
struct ProxyTransferFailure {
    let proxy: Proxy
    let connectStatus: Int
    let code: CURLproxycode

    /// The cause, if the proxy failed; nil if the server behind it failed, or the way to it.
    func cause(_ failure: CurlFailure, _ url: HTTPURL) -> HTTPError.Cause? {
        let name = proxy.name
        switch failure.code {
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST:
            return .proxyUnreachable(name, reason: "its address could not be looked up: name servers don't answer")
        case CURLE_COULDNT_CONNECT where connectStatus == 0:
            return .proxyUnreachable(name, reason: Self.reason(failure))
        case CURLE_OPERATION_TIMEDOUT where !failure.isConnected: return Self.timedOut(name)
        case CURLE_PROXY: return socksCause(failure)
        default: break
        }
        guard !failure.isConnected else { return nil }
        if connectStatus != 0, !(200...299).contains(connectStatus) {
            return HTTPError.Cause(refusalOf: name, status: connectStatus)
        }
        // Before the tunnel stands, and for plain HTTP always, only the proxy has been connected to.
        let isTunnelled = !proxy.scheme.isSOCKS && url.scheme == .https
        if isTunnelled ? connectStatus == 0 : proxy.scheme == .https {
            return .proxyFailed(name, reason: failure.message)
        }
        return nil
    }

    static func timedOut(_ name: ProxyName) -> HTTPError.Cause {
        .proxyUnreachable(name, reason: "no connection through it came about in time")
    }

    private static func reason(_ failure: CurlFailure) -> String {
        switch failure.systemError {
        case 0: failure.message
        case ECONNREFUSED: "nothing listens there (connection refused)"
        default: systemMessage(failure.systemError)
        }
    }

    private func socksCause(_ failure: CurlFailure) -> HTTPError.Cause {
        switch code {
        case CURLPX_NO_AUTH, CURLPX_USER_REJECTED: .proxyLogin(proxy.name)
        case CURLPX_REPLY_NOT_ALLOWED: .proxyForbids(proxy.name)
        default: .proxyFailed(proxy.name, reason: failure.message)
        }
    }
}

extension HTTPError.Cause {
    /// The refusal of a proxy in an answer that would be the server's; nil where it is not known to be the proxy's.
    ///
    /// tinyproxy says 401 of a login that it rejects, as a server does, and 407 only where there is none.
    init?(of answer: AnswerCollector, over proxy: ProxyName) {
        let isRejection =
            answer.status == 401 && proxy.hasLogin
            && answer.headers["Server"]?.lowercased().contains("proxy") == true
            && answer.headers["Content-Type"]?.lowercased().hasPrefix("text/html") == true
        guard answer.status == 407 || isRejection else { return nil }
        self = .proxyLogin(proxy)
    }

    /// What a proxy's answer means that is no success.
    init(refusalOf proxy: ProxyName, status: Int) {
        switch status {
        case 401, 407: self = .proxyLogin(proxy)
        case 403: self = .proxyForbids(proxy)
        default: self = .proxyFailed(proxy, reason: "it makes no connection: HTTP status \(status)")
        }
    }
}
