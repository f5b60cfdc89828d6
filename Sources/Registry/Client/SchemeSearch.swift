internal import HTTP

/// Which of the two a server speaks.
struct SchemeFinding: Hashable, Sendable {
    let scheme: HTTPURL.Scheme
    /// Whether the server has shown it; otherwise it is only what is best tried next.
    let isSure: Bool
}

/// Finds out whether a server of this machine speaks TLS: that is tried first, and plain HTTP where nothing there
/// speaks it. No login is sent.
///
/// Most servers of plain HTTP answer the beginning of TLS with an error in plain HTTP, which settles it without a
/// request.
struct SchemeSearch: Sendable {
    /// The result of one request. What follows from two of them is decided by ``finding(secure:plain:)``, which is pure.
    enum Outcome: Sendable {
        case speaks
        /// The server speaks the other scheme.
        case speaksOther
        /// The answer, or the lack of one, does not show the scheme.
        case unclear(HTTPError)
        /// Nothing answers there at all.
        case absent(HTTPError)
    }

    /// A handshake on this machine takes milliseconds; servers that know no TLS may wait for a line that never ends.
    static let patience = Duration.seconds(2)

    let secure: HTTPURL
    let plain: HTTPURL
    let limits: HTTPLimits
    let send: @Sendable (HTTPRequest) async throws -> HTTPResponse

    /// - Throws: `HTTPError` where nothing answers, or no answer shows the scheme; other errors that `send` throws.
    func run() async throws -> SchemeFinding {
        let first = try await trySecure()
        switch first {
        case .speaks: return SchemeFinding(scheme: .https, isSure: true)
        case .speaksOther: return SchemeFinding(scheme: .http, isSure: true)
        // Without a port, the two are at different ones.
        case .absent(let error) where secure.port == plain.port: throw error
        case .absent, .unclear: break
        }
        return try Self.finding(secure: first, plain: try await tryPlain())
    }

    /// What follows where the try over TLS alone did not show the scheme.
    static func finding(secure: Outcome, plain: Outcome) throws(HTTPError) -> SchemeFinding {
        switch plain {
        case .speaks: return SchemeFinding(scheme: .http, isSure: true)
        case .speaksOther: return SchemeFinding(scheme: .https, isSure: true)
        case .absent(let error): throw error
        case .unclear(let error):
            guard case .unclear(let reason) = secure, case .tls = reason.cause else { throw error }
            return SchemeFinding(scheme: .https, isSure: false)
        }
    }

    private func trySecure() async throws -> Outcome {
        var request = HTTPRequest(url: secure, proxy: .none, limits: limits)
        request.limits.connect = min(limits.connect, Self.patience)
        // No login is sent and no content is used here, and a machine without authorities may have a plain registry.
        request.tls = TLSOptions(verify: false)
        do {
            _ = try await send(request)
            return .speaks
        } catch let error as HTTPError {
            return Self.outcomeOfTLS(error)
        }
    }

    private func tryPlain() async throws -> Outcome {
        do {
            let answer = ServerAnswer(try await send(HTTPRequest(url: plain, proxy: .none, limits: limits)))
            return RegistryError.Cause(of: answer, to: .readManifest) == .wantsTLS ? .speaksOther : .speaks
        } catch let error as HTTPError {
            switch error.cause {
            case .malformedResponse: return .speaksOther  // a TLS alert
            case .refused, .unreachable, .unresolvable, .resolverFailed: return .absent(error)
            case .responseTooLarge, .headersTooLarge, .contentCoding: return .speaks
            default: return .unclear(error)
            }
        }
    }

    static func outcomeOfTLS(_ error: HTTPError) -> Outcome {
        switch error.cause {
        case .tlsPlainHTTPServer: .speaksOther
        case .connectTimedOut, .connectionBroken, .tls: .unclear(error)
        // After a handshake, or in it.
        case .responseTimedOut, .answerTooSlow, .stalled, .tooSlow, .responseTooLarge, .headersTooLarge,
            .malformedResponse, .contentCoding,
            .tlsUnknownAuthority, .tlsExpired, .tlsNotYetValid, .tlsWrongHost, .tlsClientCertificateWanted:
            .speaks
        case .unresolvable, .resolverFailed, .refused, .unreachable, .proxyUnknown, .proxyUnreachable, .proxyLogin,
            .proxyForbids, .proxyFailed, .localRead, .localFileChanged, .outOfReach, .internalFailure:
            .absent(error)
        }
    }
}
