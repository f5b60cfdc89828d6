internal import CCurl

extension EasyHandle {
    /// Headers that say how the message is framed or where it goes: the client writes them itself.
    private static let ownHeaders: Set<String> = [
        "content-length", "transfer-encoding", "expect", "host", "connection",
    ]

    /// Sets all that makes up the request.
    ///
    /// - Throws: ``TransferFailure`` with `localRead` or `tls` about the certificates' files, `internalFailure` about
    ///   headers that can't be sent.
    mutating func configure(
        _ request: HTTPRequest, _ configuration: HTTPClient.Configuration, trust: TrustStore, sockets: Sockets,
        proxy: Proxy?, isDownload: Bool
    ) throws(TransferFailure) {
        try setCallbacks(sockets)
        try set(CURLOPT_URL, request.url.absoluteString)
        try set(CURLOPT_PATH_AS_IS, 1)
        try check(pushd_easy_allow_http_only(pointer), CURLOPT_URL)
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_NOSIGNAL, 1)
        pushd_easy_leave_resolver(pointer)
        try setProxy(proxy, request.tls, trust)
        if request.reach != nil, proxy == nil { try guardConnecting() }
        if isDownload { try set(CURLOPT_BUFFERSIZE, 256 << 10) }
        if request.codedBodies != .kept { try set(CURLOPT_ACCEPT_ENCODING, "") }  // all that it can decode
        if request.report != nil {
            try set(CURLOPT_FRESH_CONNECT, 1)
            try set(CURLOPT_CERTINFO, 1)
        }
        try setConnection(request.limits, configuration)
        try setMethodAndBody(request)
        try setHeaders(Self.lines(of: request.headers, userAgent: configuration.userAgent))
        if request.url.scheme == .https { try setTLS(request.tls, trust) }
    }

    /// In seconds: libcurl takes milliseconds up to 2³¹ - 1.
    private static let longestTimeout: Int64 = 2_000_000

    private func setConnection(
        _ limits: HTTPLimits, _ configuration: HTTPClient.Configuration
    ) throws(TransferFailure) {
        // libcurl divides it among a host's addresses. The exact limit is the watchdog's, which must come first.
        let connect = min(limits.connect.components.seconds, Self.longestTimeout)
        try set(CURLOPT_CONNECTTIMEOUT_MS, Int(connect * 1000 + 1500))
        try set(CURLOPT_MAXAGE_CONN, Int(clamping: max(1, configuration.idleTime.components.seconds)))
        let probe = Int(clamping: max(1, configuration.tcpKeepAlive.components.seconds))
        try set(CURLOPT_TCP_KEEPALIVE, 1)
        try set(CURLOPT_TCP_KEEPIDLE, probe)
        try set(CURLOPT_TCP_KEEPINTVL, probe)
    }

    private func setMethodAndBody(_ request: HTTPRequest) throws(TransferFailure) {
        let length = request.body.length
        if length > 0 || request.method.announcesEmptyBody {
            try set(CURLOPT_UPLOAD, 1)
            try set(CURLOPT_INFILESIZE_LARGE, offset: length)
            try set(CURLOPT_UPLOAD_BUFFERSIZE, 128 << 10)
        } else if request.method == .head {
            try set(CURLOPT_NOBODY, 1)
        }
        switch request.method {
        case .get where length == 0, .head where length == 0, .put: break
        case .get, .head:
            throw TransferFailure(cause: .internalFailure(reason: "\(request.method.rawValue) with a body"))
        case .post, .patch, .delete: try set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
    }

    private func setTLS(_ options: TLSOptions, _ trust: TrustStore) throws(TransferFailure) {
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        try set(CURLOPT_SSL_VERIFYPEER, options.verify ? 1 : 0)
        try set(CURLOPT_SSL_VERIFYHOST, options.verify ? 2 : 0)
        if options.verify {
            guard let file = try trust.file(adding: options.authorityFiles) else {
                let reason = "this machine has no certificate authorities; install ca-certificates"
                throw TransferFailure(cause: .tls(reason: reason))
            }
            try set(CURLOPT_CAINFO, file)
            try set(CURLOPT_CAPATH, nil)  // the file holds all that is trusted
        }
        if let certificate = options.clientCertificate {
            for path in [certificate, options.clientKey].compactMap({ $0 }) {
                _ = try FileDescriptor.openForReading(path)  // libcurl's own error would not say why
            }
            try set(CURLOPT_SSLCERT, certificate)
            try set(CURLOPT_SSLKEY, options.clientKey ?? certificate)
        }
    }

    /// Each as libcurl wants it.
    ///
    /// - Throws: ``TransferFailure`` where a name or value would end its line: it could smuggle in another request.
    private static func lines(of headers: HTTPHeaders, userAgent: String) throws(TransferFailure) -> [String] {
        var lines = ["Expect:"]  // never wait for 100: registries are asked for credentials before a body is sent
        // In place of what libcurl would ask for; without it any coding would be right.
        if headers["Accept-Encoding"] == nil { lines.append("Accept-Encoding: identity") }
        if headers["User-Agent"] == nil { lines.append("User-Agent: \(userAgent)") }
        for (name, value) in headers.fields where !ownHeaders.contains(name.lowercased()) {
            let isName = !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && !":;".utf8.contains($0) }
            guard isName, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 9 }) else {
                let reason = "the header \(shortened(name, to: 40)) has characters that no header may have"
                throw TransferFailure(cause: .internalFailure(reason: reason))
            }
            lines.append(value.allSatisfy { $0 == " " || $0 == "\t" } ? "\(name);" : "\(name): \(value)")
        }
        return lines
    }
}
