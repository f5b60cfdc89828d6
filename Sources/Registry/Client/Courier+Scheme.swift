internal import HTTP

/// TLS or not.
extension Courier {
    /// Sends once the registry's scheme is known, and again where that turns out to be the other one: nothing of the
    /// request was taken then.
    func withScheme(
        _ call: Call, _ send: (Call) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        var call = call
        var mayLookAnew = true
        while true {
            try await settle()
            call.url = address.current(call.url)
            let misfit: RegistryError
            do {
                let response = try await send(call)
                guard let wanted = wantsTLS(response, call) else { return response }
                misfit = wanted
            } catch let error as HTTPError where error.url.origin == endpoint.origin {
                switch error.cause {
                case .tlsPlainHTTPServer: misfit = call.attempt.error(.speaksPlainHTTP)
                case .connectionBroken, .malformedResponse, .connectTimedOut, .tls:
                    address.doubt()
                    throw error
                default: throw error
                }
            }
            var told = misfit
            told.schemeBasis = address.basis
            guard mayLookAnew, address.doubt() else { throw told }
            mayLookAnew = false
        }
    }

    /// - Parameter report: gets what there is to see of a search, if one is needed.
    func settle(_ report: ConnectionReport? = nil) async throws {
        try await address.settle { [self] in
            let search = SchemeSearch(
                secure: try address.probe(.https), plain: try address.probe(.http), limits: settings.limits
            ) { request in
                var request = request
                request.report = report
                gate.apply(to: &request)
                let asked = request
                return try await gate.pass(.check) { try await http.send(asked) }
            }
            return try await search.run()
        }
    }

    private func wantsTLS(_ response: HTTPResponse, _ call: Call) -> RegistryError? {
        guard response.status == 400, response.url.scheme == .http, response.url.origin == endpoint.origin else {
            return nil
        }
        let error = call.attempt.error(ServerAnswer(response))
        return error.cause == .wantsTLS ? error : nil
    }
}
