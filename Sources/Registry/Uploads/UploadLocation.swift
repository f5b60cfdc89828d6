internal import HTTP

/// Where an upload goes on after an answer.
enum UploadLocation {
    /// The answer's `Location`, its query untouched; nil if it has none.
    ///
    /// Relative ones start from the address that was asked, after redirects. Where host and port are the registry's own,
    /// the scheme that it is spoken to with stays: a registry behind a proxy that ends TLS names `http` without knowing.
    ///
    /// - Throws: ``RegistryError`` for what is no address, and for one that leads from HTTPS to plain HTTP elsewhere.
    static func next(
        after response: HTTPResponse, endpoint: RegistryEndpoint, attempt: Attempt
    ) throws(RegistryError) -> HTTPURL? {
        guard let header = response.headers["Location"] else { return nil }
        do {
            let url = try response.url.resolving(header)
            let own = endpoint.origin
            let leavesTLS = url.scheme == .http && response.url.scheme == .https && url.origin != own
            if url.scheme == own.scheme, !leavesTLS { return url }
            let namesNoPort = url.port == url.scheme.defaultPort
            if url.host == own.host, url.port == own.port || (namesNoPort && url.scheme == .http) {
                return try HTTPURL(parsing: own.description + url.target)
            }
            if own.scheme == .http, !leavesTLS { return url }
            let place = EchoedSecrets(response).removed(from: url.origin.description)
            let shown = response.redirectedFrom == nil ? "at \(place)" : "elsewhere"
            throw RegistryError(
                .redirectRefused(reason: "the upload goes on in plain HTTP \(shown)"), attempt,
                answer: ServerAnswer(response))
        } catch let error as HTTPURLError {
            // What another server says is not repeated.
            let shown =
                response.redirectedFrom == nil
                ? EchoedSecrets(response).removed(from: error.description) : "not a usable address"
            throw RegistryError(
                .protocolViolation(reason: "its Location is \(shown)"), attempt, answer: ServerAnswer(response))
        } catch let error as RegistryError {
            throw error
        } catch {
            throw attempt.error(.internalFailure(reason: "\(error)"))
        }
    }
}
