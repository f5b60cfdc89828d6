public import OCI

/// What other jobs are shown of one job's failure: never that job's repository, nor what the registry said about it.
extension RegistryError {
    /// Why the registry serves nothing now, in a few words: `it is not available (HTTP status 503)`.
    public var reason: String { why + (status.map { " (HTTP status \($0))" } ?? "") }

    /// The same failure for a job that waited for another job's upload of `blob`.
    public func met(waitingFor blob: Digest, in repository: String) -> RegistryError {
        var copy = self
        copy.attempt = "bring blob \(blob.shortened) to \(repository)"
        copy.repository = repository
        copy.digest = blob
        copy.serverMessage = nil
        copy.requestID = nil
        // It names the scope that a token was asked for.
        if cause != .loginHelperFailed { copy.authentication = nil }
        return copy
    }
}
