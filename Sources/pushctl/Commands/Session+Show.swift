internal import Control

extension Session {
    func show(_ id: Int) async throws -> Int32 {
        let output = try await call(Show.self, Show.Input(job: id))
        if json {
            try console.printJSON(ShowDocument(job: JobDocument(output.job), attempts: output.attempts))
        } else {
            let report = JobReport(
                job: output.job, attempts: output.attempts, now: console.now(), localTime: console.localTime)
            try console.print(report.lines(width: console.isTerminal ? console.size().width : nil))
        }
        return ExitStatus.done
    }

    private struct ShowDocument: Encodable {
        let job: JobDocument
        let attempts: [AttemptInfo]
    }
}

/// One job whole, for people.
struct JobReport {
    let job: JobInfo
    let attempts: [AttemptInfo]
    /// Milliseconds since 1970.
    let now: Int64
    let localTime: (Int64) -> String

    /// - Parameter width: columns of the terminal, at which sentences are broken; nil: they stay whole.
    func lines(width: Int?) -> [Line] {
        var title = Line("Job \(job.id)  ", .bold)
        title.append(job.state, style(of: job.state))
        return [title] + facts(width) + attemptLines(width) + blobLines()
    }

    private func facts(_ width: Int?) -> [Line] {
        var lines: [Line] = []
        func add(_ name: String, _ value: String?, _ style: Line.Style = .plain) {
            guard let value, !value.isEmpty else { return }
            // A single word, such as a digest, stays whole: it may be copied.
            let isSentence = value.contains(" ")
            let texts = width.flatMap { isSentence ? value.printable.wrapped(width: max($0 - 16, 20)) : nil } ?? [value]
            for (index, text) in texts.enumerated() {
                var line = Line("  " + (index == 0 ? name : "").padding(to: 14), .dim)
                line.append(text, style)
                lines.append(line)
            }
        }
        func time(_ stamp: Timestamp?) -> String? {
            stamp.map { "\(localTime($0.milliseconds)) (\(formatAge(of: $0.milliseconds, now: now)))" }
        }
        add("image", job.image + (job.source.isEmpty ? "" : " from " + job.source))
        add("digest", job.digest)
        add("made from", job.sourceDigest)
        add("format", describeFormat(job.format, leftOut: job.leftOut))
        add("destination", job.destination)
        add("accepted", time(job.createdAt))
        add("started", time(job.startedAt))
        add("ended", time(job.endedAt))
        if !job.hasEnded { add("next attempt", time(job.nextAttemptAt)) }
        add("waits for", job.waitsFor)
        add("error", job.error.map { "\($0.message) (\($0.code))" }, .bad)
        add("what to do", job.error?.advice)
        add("superseded by", job.supersededBy.map { "job \($0)" })
        add("bytes", bytes)
        add(
            "verified",
            job.verified.map { "at level \($0)" }
                ?? (job.hasEnded || job.verify == "none" ? nil : "will be, at level \(job.verify)"))
        add("asked for by", job.origin == "rule" ? "a rule" : nil)
        add("priority", job.priority == 0 ? nil : String(job.priority))
        return lines
    }

    private var bytes: String {
        let parts = [
            (job.bytesUploaded, "uploaded"), (job.bytesMounted, "mounted"), (job.bytesExisting, "already there"),
        ].filter { $0.0 > 0 }.map { "\(formatBytes($0.0)) \($0.1)" }
        return formatBytes(job.bytesTotal) + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
    }

    private func attemptLines(_ width: Int?) -> [Line] {
        guard !attempts.isEmpty else { return [] }
        var lines: [Line] = [Line(), Line("Attempts", .bold)]
        for attempt in attempts {
            let seconds = Double((attempt.endedAt?.milliseconds ?? now) - attempt.startedAt.milliseconds) / 1000
            var line = Line("  \(attempt.number)".padding(to: 5) + localTime(attempt.startedAt.milliseconds))
            line.append("  " + formatSpan(seconds: seconds).padding(to: 9) + formatBytes(attempt.bytesSent) + " sent  ")
            if let error = attempt.error {
                line.append("failed (\(error.code))", .bad)
                lines.append(line)
                for text in [error.message, error.advice].compactMap({ $0?.printable }) {
                    let texts = width.map { text.wrapped(width: max($0 - 5, 20)) } ?? [text]
                    lines += texts.map { Line("     " + $0) }
                }
            } else if attempt.endedAt == nil {
                lines.append(line.appending("runs", .accent))
            } else {
                lines.append(line.appending(job.state == "succeeded" ? "succeeded" : "ended", .dim))
            }
        }
        return lines
    }

    private func blobLines() -> [Line] {
        guard let blobs = job.blobs, !blobs.isEmpty else { return [] }
        var table = Table(columns: [.init("  BLOB"), .init("KIND"), .init("SIZE", .right), .init("WHAT BECAME OF IT")])
        for blob in blobs {
            let outcome: Line
            if blob.isActive, !job.hasEnded {
                outcome = Line("\(percent(blob.bytesDone, of: blob.size))% sent", .accent)
            } else if blob.outcome == "pending" {
                outcome = Line(job.hasEnded ? "not sent" : "waiting", .dim)
            } else {
                outcome = Line(describeOutcome(blob.outcome, detail: blob.detail), .good)
            }
            let digest = Line("  " + shortDigest(blob.digest))
            table.rows.append([digest, Line(blob.role), Line(formatBytes(blob.size)), outcome])
        }
        return [Line()] + table.lines()
    }
}
