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
            guard url.scheme != own.scheme else { return url }
            let namesNoPort = url.port == url.scheme.defaultPort
            if url.host == own.host, url.port == own.port || (namesNoPort && url.scheme == .http) {
                return try HTTPURL(parsing: own.description + url.target)
            }
            if own.scheme == .http { return url }
            let shown = EchoedSecrets(response).removed(from: url.origin.description)
            throw RegistryError(
                .redirectRefused(reason: "the upload goes on in plain HTTP at \(shown)"), attempt,
                answer: ServerAnswer(response))
        } catch let error as HTTPURLError {
            let shown = EchoedSecrets(response).removed(from: error.description)
            throw RegistryError(
                .protocolViolation(reason: "its Location is \(shown)"), attempt, answer: ServerAnswer(response))
        } catch let error as RegistryError {
            throw error
        } catch {
            throw attempt.error(.internalFailure(reason: "\(error)"))
        }
    }
}
