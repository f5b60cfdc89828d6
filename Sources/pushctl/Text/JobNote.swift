internal import Control

/// What holds a job up or ended it, in a few words: one cell of a table.
///
/// The whole error is what `show` is for. What is said of a registry in trouble is the same for all its jobs.
struct JobNote: Sendable {
    /// By name.
    let registries: [String: RegistryInfo]
    /// Milliseconds since 1970.
    let now: Int64

    /// - Parameter isShort: the registry is not named, because the destination is beside it.
    func text(of job: JobInfo, isShort: Bool) -> String {
        switch job.state {
        case "queued", "waiting":
            let host = job.registry
            if let known = registries[host], let predicate = RegistryWording(registry: known, now: now).predicate {
                return isShort ? String(predicate.dropFirst(3)) : "\(host) \(predicate)"
            }
            if job.state == "queued" { return "waits for \(job.waitsFor ?? "its turn")" }
            let at = job.nextAttemptAt?.milliseconds ?? now
            let wait = RegistryWording.formatWait(until: at, now: now)
            return "next try \(wait)" + (cause(of: job).map { ": \($0)" } ?? "")
        case "blocked":
            return [cause(of: job), job.error?.advice].compactMap { $0 }.joined(separator: "; ")
        case "failed": return cause(of: job) ?? ""
        case "running": return job.waitsFor.map { "waits for \($0)" } ?? ""
        default: return job.supersededBy.map { "job \($0) took its place" } ?? ""
        }
    }

    private func cause(of job: JobInfo) -> String? { job.error.map { ErrorParts($0.message, at: job.registry).cause } }
}

/// An error's message in two: `cannot ATTEMPT at REGISTRY: CAUSE`, as the daemon words what a registry did not do.
struct ErrorParts: Equatable {
    /// Nil where the message is of another form; ``cause`` is all of it then.
    let attempt: String?
    let cause: String

    init(_ message: String, at registry: String) {
        let start = "cannot "
        guard message.hasPrefix(start), let middle = message.firstRange(of: " at \(registry): ") else {
            (attempt, cause) = (nil, message)
            return
        }
        attempt = String(message[..<middle.lowerBound].dropFirst(start.count))
        cause = String(message[middle.upperBound...])
    }
}

extension JobInfo {
    /// Host and port of its destination.
    var registry: String { String(destination.prefix { $0 != "/" }) }
}
