internal import Control

/// Progress for logs and pipes: a line for each change of a job's state and each layer that is done.
struct PlainReport: Sendable {
    private struct Told: Equatable {
        var state = ""
        var trouble: String?
        var outcomes: [String: String] = [:]
    }

    private var told: [Int: Told] = [:]
    private var wasConnectionLost = false

    /// What is new since the last call.
    ///
    /// - Parameter now: milliseconds since 1970.
    mutating func news(in progress: PushProgress, now: Int64) -> [Line] {
        var lines: [Line] = []
        if progress.isConnectionLost, !wasConnectionLost {
            lines.append("pushd can't be reached; trying to connect again")
        }
        wasConnectionLost = progress.isConnectionLost
        for job in progress.jobs { lines += news(of: job, now: now) }
        return lines
    }

    private mutating func news(of job: PushProgress.Job, now: Int64) -> [Line] {
        let info = job.info
        var told = told[info.id] ?? Told()
        defer { self.told[info.id] = told }
        var lines: [Line] = []
        for layer in job.layers where layer.outcome != "pending" && told.outcomes[layer.digest] != layer.outcome {
            told.outcomes[layer.digest] = layer.outcome
            let outcome = describeOutcome(layer.outcome, detail: layer.detail)
            lines.append("job \(info.id)  \(shortDigest(layer.digest))  \(outcome)  \(formatBytes(layer.size))")
        }
        // The time left till the next attempt changes all the time, and is no news.
        let trouble = describeTrouble(of: info, now: .max)
        guard told.state != info.state || told.trouble != trouble else { return lines }
        (told.state, told.trouble) = (info.state, trouble)
        var line = jobLine(info)
        if !info.hasEnded, info.state != "blocked", let text = describeTrouble(of: info, now: now) {
            line.append(": " + text)
        }
        if info.state == "succeeded" { line.append("  " + info.digest) }
        return lines + [line]
    }
}
