internal import Control

/// Progress for logs and pipes: a line for each change of a job's state and each layer that is done, and now and then
/// one while bytes move.
struct PlainReport: Sendable {
    private struct Told: Equatable {
        var state = ""
        var trouble: String?
        var outcomes: [String: String] = [:]
        /// The layers that were reported as being sent again.
        var again: Set<String> = []
        /// When its progress was last reported, in milliseconds since 1970, and how many bytes were done then.
        var movedAt: Int64?
        var bytes: Int64 = 0
    }

    /// Build systems end what prints nothing for minutes.
    private static let pace: Int64 = 15_000

    private var told: [Int: Told] = [:]
    private var wasConnectionLost = false

    /// What is new since the last call.
    ///
    /// - Parameter now: milliseconds since 1970.
    mutating func news(in progress: PushProgress, now: Int64) -> [Line] {
        var lines: [Line] = []
        if progress.isConnectionLost, !wasConnectionLost {
            lines.append(Line(connectionLostText))
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
        for layer in job.layers {
            guard let text = describeSentAgain(layer) else {
                told.again.remove(layer.digest)
                continue
            }
            guard told.again.insert(layer.digest).inserted else { continue }
            lines.append("job \(info.id)  \(shortDigest(layer.digest))  \(text)")
        }
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

    /// The progress of the jobs whose bytes have moved since their last report, each at most every 15 seconds, also where
    /// the clock is set meanwhile.
    ///
    /// - Parameter now: milliseconds since 1970.
    mutating func movement(in progress: PushProgress, now: Int64) -> [Line] {
        progress.jobs.compactMap { job in
            let id = job.info.id
            guard job.info.state == "running" else {
                told[id]?.movedAt = nil
                return nil
            }
            guard let last = told[id]?.movedAt else {
                told[id, default: Told()].movedAt = now
                told[id]?.bytes = job.bytesDone
                return nil
            }
            // What the registry lost is sent again without any more bytes being done.
            let isMoving = job.bytesDone > told[id]?.bytes ?? 0 || job.layers.contains { $0.sentAgain != nil }
            guard abs(now - last) >= Self.pace, isMoving else { return nil }
            told[id]?.movedAt = now
            told[id]?.bytes = job.bytesDone
            return Line("job \(id)  \(job.progressText(at: now))")
        }
    }
}
