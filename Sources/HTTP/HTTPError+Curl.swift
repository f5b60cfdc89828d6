internal import CCurl
internal import Glibc

extension HTTPError.Cause {
    /// What libcurl's result means, as precisely as its texts and the libraries below allow.
    ///
    /// - Parameters:
    ///   - easy: after the transfer, before it is cleaned up.
    ///   - proxy: what was between here and the server.
    ///   - isConnected: whether the request's first byte had gone.
    ///   - showsCertificate: whether there was a client certificate to show.
    init(
        _ result: CURLcode, _ easy: borrowing EasyHandle, url: HTTPURL, proxy: Proxy?, isConnected: Bool,
        showsCertificate: Bool
    ) {
        let words = easy.message.isEmpty ? String(cString: curl_easy_strerror(result)) : easy.message
        let failure = CurlFailure(
            code: result, message: Self.bounded(words), systemError: easy.systemError,
            verificationError: easy.verificationError, isConnected: isConnected, showsCertificate: showsCertificate)
        let onTheWay = proxy.map {
            ProxyTransferFailure(proxy: $0, connectStatus: easy.connectStatus, code: easy.proxyCode)
        }
        self = onTheWay?.cause(failure, url) ?? failure.cause(url)
    }

    private static func bounded(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) }
        return shortened(String(scalars), to: 200)
    }
}

/// All that is known after a transfer of libcurl that failed by itself.
struct CurlFailure {
    let code: CURLcode
    let message: String
    let systemError: Int32
    /// `X509_V_ERR_…` of OpenSSL's x509_vfy.h.
    let verificationError: Int
    let isConnected: Bool
    let showsCertificate: Bool

    func cause(_ url: HTTPURL) -> HTTPError.Cause {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: return .resolverFailed(host: url.host)
        case CURLE_COULDNT_CONNECT: return connectCause
        case CURLE_OPERATION_TIMEDOUT: return .connectTimedOut
        case CURLE_PEER_FAILED_VERIFICATION: return verificationCause
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_INVALIDCERTSTATUS:
            return tlsCause
        case CURLE_GOT_NOTHING: return .connectionBroken(reason: "it was closed without an answer")
        case CURLE_PARTIAL_FILE: return .connectionBroken(reason: "it was closed in the middle of the answer")
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR: return brokenCause
        case CURLE_SEND_FAIL_REWIND: return .connectionBroken(reason: "a pooled connection died under the request")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING,
            CURLE_FILESIZE_EXCEEDED, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return .malformedResponse(reason: message)
        // libcurl takes no header line over 100 KiB and then says that it is out of memory; from 8.6 on it says 100.
        case CURLE_OUT_OF_MEMORY where isConnected, CURLcode(100): return .headersTooLarge
        default: return .internalFailure(reason: "libcurl \(code.rawValue): \(message)")
        }
    }

    private var connectCause: HTTPError.Cause {
        switch systemError {
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .connectTimedOut
        case 0: .unreachable(reason: message)
        default: .unreachable(reason: systemMessage(systemError))
        }
    }

    private var verificationCause: HTTPError.Cause {
        switch verificationError {
        case 10: .tlsExpired
        case 9: .tlsNotYetValid
        case 62, 64: .tlsWrongHost
        // Untrusted; self-signed, alone or at the chain's end; issuer unknown; first certificate not verifiable.
        case 2, 18, 19, 20, 21, 27: .tlsUnknownAuthority
        // libcurl compares the names itself, and only its words say so.
        default: message.contains("subject name") ? .tlsWrongHost : .tls(reason: message)
        }
    }

    private var tlsCause: HTTPError.Cause {
        // What OpenSSL says of bytes that are no TLS record, of the old and the newer versions.
        if ["wrong version number", "http request", "packet length too long"].contains(where: message.contains) {
            return .tlsPlainHTTPServer
        }
        if message.contains("certificate required") { return .tlsClientCertificateWanted }
        // What servers written in Go say, up to its version 1.20, who were shown none.
        if !showsCertificate, message.contains("alert bad certificate") { return .tlsClientCertificateWanted }
        if message.contains("SSL_ERROR_SYSCALL") || message.contains("onnection reset") {
            return .connectionBroken(reason: message)
        }
        return .tls(reason: message)
    }

    private var brokenCause: HTTPError.Cause {
        // TLS 1.3 servers refuse a client's certificate only after the handshake.
        if message.contains("alert") { return tlsCause }
        if ["chunked-encoded", "hexadecimal", "encoding"].contains(where: message.contains) {
            return .malformedResponse(reason: message)
        }
        return .connectionBroken(reason: message)
    }
}
