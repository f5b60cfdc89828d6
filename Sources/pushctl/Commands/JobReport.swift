internal import Control

/// One job whole, for people: first what holds it up or ended it, then what it is, and how it came so far.
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
            let heading = Line("  " + name.padding(to: 14), .dim)
            if let width, !value.contains(" "), value.displayWidth > width - heading.width {
                // A single word, such as a digest, stays whole: it may be copied.
                lines += [Line("  " + name, .dim), Line("    ").appending(value, style)]
            } else {
                lines += heading.followed(by: Line(value, style), width: width)
            }
        }
        func time(_ stamp: Timestamp?) -> String? {
            stamp.map { "\(localTime($0.milliseconds)) (\(formatAge(of: $0.milliseconds, now: now)))" }
        }
        if let error = job.error {
            let parts = ErrorParts(error.message, at: job.registry)
            add("error", "\(parts.cause) (\(error.code))", .bad)
            add("could not", parts.attempt)
            add("what to do", error.advice)
        }
        if ["queued", "waiting"].contains(job.state) {
            add("waits for", waitsFor)
            if let next = job.nextAttemptAt, next.milliseconds > now { add("next attempt", time(next)) }
        }
        add("superseded by", job.supersededBy.map { "job \($0)" })
        if job.hidden == true {
            add("asked by", "another user, whose it is to see what is pushed, and where to")
            add("registry", job.registry)
        } else {
            add("asked by", job.askedBy.map(describeAsker))
            for (name, value) in content { add(name, value) }
        }
        add("accepted", time(job.createdAt))
        add("started", time(job.startedAt))
        add("ended", time(job.endedAt))
        if job.hidden != true {
            add("bytes", bytes)
            add(
                "verified",
                job.verified.map { "at level \($0)" }
                    ?? (job.hasEnded || job.verify == "none" ? nil : "will be, at level \(job.verify)"))
        }
        return lines
    }

    /// What is pushed where.
    private var content: [(name: String, value: String?)] {
        [
            ("image", job.image + (job.source.isEmpty ? "" : " from " + job.source)), ("digest", job.digest),
            ("made from", job.sourceDigest), ("format", describeFormat(job.format, leftOut: job.leftOut)),
            ("destination", job.destination),
        ]
    }

    /// Without what the error above has said already.
    private var waitsFor: String? {
        guard let text = job.waitsFor, let error = job.error, let colon = text.firstRange(of: ": ") else {
            return job.waitsFor
        }
        return error.message.contains(text[colon.upperBound...]) ? String(text[..<colon.lowerBound]) : text
    }

    private var bytes: String {
        let parts = [
            (job.bytesUploaded, "uploaded"), (job.bytesMounted, "mounted"), (job.bytesExisting, "already there"),
        ].filter { $0.0 > 0 }.map { "\(formatBytes($0.0)) \($0.1)" }
        return formatBytes(job.bytesTotal) + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
    }

    // MARK: Attempts

    private func attemptLines(_ width: Int?) -> [Line] {
        guard !attempts.isEmpty else { return [] }
        var lines: [Line] = [Line(), Line("Attempts", .bold)]
        var said: Set<String?> = [job.error?.message]
        let series = series
        let column = series.reduce(0) { max($0, numbers(of: $1).count) } + 2
        for series in series {
            let (line, ending) = (line(of: series, column: column), ending(of: series))
            if let width, line.width + 2 + ending.width > width {
                lines += [line] + Line("     ").followed(by: ending, width: width)
            } else {
                lines += line.appending("  ").followed(by: ending, width: nil)
            }
            guard let error = series.last?.error, said.insert(error.message).inserted else { continue }
            for text in [error.message, error.advice].compactMap({ $0?.printable }) {
                let texts = width.map { text.wrapped(width: max($0 - 5, 20)) } ?? [text]
                lines += texts.map { Line("     " + $0) }
            }
        }
        return lines
    }

    /// Consecutive attempts that failed in the same way are shown as one line.
    private var series: [ArraySlice<AttemptInfo>] {
        var result: [ArraySlice<AttemptInfo>] = []
        for (place, attempt) in attempts.enumerated() {
            if let error = attempt.error, let before = result.last, before.last?.error == error {
                result[result.count - 1] = attempts[before.startIndex...place]
            } else {
                result.append(attempts[place...place])
            }
        }
        return result
    }

    private func numbers(of series: ArraySlice<AttemptInfo>) -> String {
        guard let first = series.first, let last = series.last else { return "" }
        return series.count == 1 ? "\(first.number)" : "\(first.number) to \(last.number)"
    }

    private func line(of series: ArraySlice<AttemptInfo>, column: Int) -> Line {
        guard let first = series.first, let last = series.last else { return Line() }
        let seconds = Double((last.endedAt?.milliseconds ?? now) - first.startedAt.milliseconds) / 1000
        let sent = series.reduce(0) { $0 + $1.bytesSent }
        var line = Line("  " + numbers(of: series).padding(to: column) + localTime(first.startedAt.milliseconds))
        line.append("  " + formatSpan(seconds: seconds).padding(to: 9) + formatBytes(sent) + " sent")
        return line
    }

    private func ending(of series: ArraySlice<AttemptInfo>) -> Line {
        guard let last = series.last else { return Line() }
        if let error = last.error {
            return Line("failed \(series.count == 1 ? "" : "\(series.count) times ")(\(error.code))", .bad)
        }
        if last.endedAt == nil { return Line("runs", .accent) }
        return Line(job.state == "succeeded" ? "succeeded" : "ended", .dim)
    }

    // MARK: Blobs

    private func blobLines() -> [Line] {
        guard let blobs = job.blobs, !blobs.isEmpty else { return [] }
        var table = Table(columns: [.init("  BLOB"), .init("KIND"), .init("SIZE", .right), .init("WHAT BECAME OF IT")])
        for blob in blobs {
            let outcome: Line
            if let again = describeSentAgain(blob), !job.hasEnded {
                outcome = Line(again, .warning)
            } else if blob.isActive, !job.hasEnded {
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
