internal import Control

/// What is shown while the daemon is away.
let connectionLostText = "pushd can't be reached; trying to connect again"

/// The twelve hexadecimal digits that people tell digests apart by.
func shortDigest(_ digest: String) -> String {
    let hex = digest.split(separator: ":", maxSplits: 1).last ?? ""
    return String(hex.prefix(12)).padding(to: 12)
}

/// What became of a blob: `already exists`, `mounted from team/base`, `shared with job 12`.
func describeOutcome(_ outcome: String, detail: String?) -> String {
    switch outcome {
    case "pending": "waiting"
    case "existing": "already exists"
    case "mounted": "mounted" + (detail.map { " " + $0 } ?? "")
    case "shared": "shared" + (detail.map { " with " + $0 } ?? "")
    case "skipped": "not sent: it may not be distributed"
    default: outcome + (detail.map { " " + $0 } ?? "")
    }
}

/// What is sent of a blob for the second time: `sent again: the registry lost 12.3 MB`; nil where nothing is.
func describeSentAgain(_ blob: BlobInfo) -> String? {
    blob.sentAgain.map { "sent again: the registry lost \(formatBytes($0))" }
}

/// `alice (1000), process 4711`.
func describeAsker(_ asker: AskerInfo) -> String {
    "\(asker.name.map { "\($0) (\(asker.uid))" } ?? "user \(asker.uid)"), process \(asker.pid)"
}

/// The colour of a job's state.
func style(of state: String) -> Line.Style {
    switch state {
    case "succeeded": .good
    case "failed", "blocked": .bad
    case "waiting": .warning
    case "running": .accent
    case "canceled", "superseded": .dim
    default: .plain
    }
}

extension String {
    /// Filled up with spaces on the right to `width` columns.
    func padding(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(width - displayWidth, 0)) }
}

/// Why a job is not done, in one sentence; nil where nothing is wrong with it.
///
/// `next attempt in 8 s: registry.example can't be reached: connection refused`
///
/// - Parameter now: milliseconds since 1970.
func describeTrouble(of job: JobInfo, now: Int64) -> String? {
    switch job.state {
    case "queued", "waiting":
        var parts: [String] = []
        if let at = job.nextAttemptAt?.milliseconds, at > now {
            parts.append("next attempt in " + formatSpan(seconds: (Double(at - now) / 1000).rounded(.up)))
        }
        if let error = job.error {
            parts.append(error.message)
        } else if let waitsFor = job.waitsFor {
            parts.append("waits for " + waitsFor)
        }
        return parts.isEmpty ? nil : parts.joined(separator: ": ")
    case "blocked", "failed": return job.error?.message
    case "running": return job.waitsFor.map { "waits for " + $0 }
    default: return nil
    }
}

/// What became of the bytes: `105 MB uploaded, 1.2 MB already there`.
func outcomeSums(of blobs: [BlobInfo]) -> String {
    let names = [
        ("uploaded", "uploaded"), ("mounted", "mounted"), ("existing", "already there"), ("shared", "shared"),
        ("skipped", "left out"), ("pending", "not sent"),
    ]
    return names.compactMap { outcome, name -> String? in
        let found = blobs.filter { $0.outcome == outcome }
        return found.isEmpty ? nil : formatBytes(found.reduce(0) { $0 + $1.size }) + " " + name
    }.joined(separator: ", ")
}

/// One line on a job, for logs and pipes: `job 12  registry.example/team/app:1  queued`.
func jobLine(_ job: JobInfo) -> Line {
    var line = Line("job \(job.id)  \(job.destination)  ")
    line.append(job.state, style(of: job.state))
    if let newer = job.supersededBy { line.append(" by job \(newer)") }
    return line
}

/// Below the digest of an image that is not pushed as it is in its store: where it comes from. Nil for others.
func changeLine(from sourceDigest: String?, format: String?, leftOut: String?) -> Line? {
    sourceDigest.map { source in
        let how =
            describeFormat(format, leftOut: leftOut).map { "in \($0)" }
            ?? "of the chosen platforms" + (leftOut.map { ", without \($0)" } ?? "")
        return Line("  made from \(source), \(how)")
    }
}

/// - Parameter leftOut: what it has no place for.
func describeFormat(_ format: String?, leftOut: String?) -> String? {
    guard let format else { return nil }
    let name = format == "docker" ? "Docker's format" : format == "oci" ? "OCI's format" : "the format \(format)"
    return name + (leftOut.map { ", without \($0)" } ?? "")
}
