internal import Control

/// Jobs as a table that fits its width: names are shortened, and what a job waits for stands below it if need be.
struct StatusTable: Sendable {
    let jobs: [JobInfo]
    /// Milliseconds since 1970.
    let now: Int64
    let glyphs: Glyphs

    /// - Parameter width: columns of the terminal; nil for a pipe, where nothing is shortened and each job has one line.
    func lines(width: Int?) -> [Line] {
        var table = Table(columns: [
            .init("JOB", .right), .init("STATE"), .init("IMAGE", keepsEnd: true), .init("DESTINATION", keepsEnd: true),
            .init("DONE", .right), .init("TRY", .right), .init("AGE", .right),
        ])
        for job in jobs {
            table.rows.append([
                Line("\(job.id)"), Line(job.state, style(of: job.state)), Line(job.image), Line(job.destination),
                Line(done(job)), Line("\(job.attempts)"), Line(age(job)),
            ])
        }
        let troubles = jobs.map { Line(trouble($0), .dim) }
        var whole = Table(columns: table.columns + [.init("WAITS FOR")])
        whole.rows = zip(table.rows, troubles).map { $0 + [$1] }
        guard let width else { return whole.lines() }
        let wholeLines = whole.lines()
        if troubles.contains(where: { $0.width > 0 }), wholeLines.allSatisfy({ $0.width <= width }) {
            return wholeLines
        }

        // The sentence goes below its row, where it has the whole width.
        let indent = 5
        let rows = table.lines(fitting: width, ellipsis: glyphs.ellipsis)
        var lines = [rows[0]]
        for (row, trouble) in zip(rows.dropFirst(), troubles) {
            lines.append(row)
            for text in trouble.text.wrapped(width: max(width - indent, 10)).prefix(3) where !text.isEmpty {
                lines.append(Line(String(repeating: " ", count: indent) + text, .dim))
            }
        }
        return lines.map { $0.truncated(to: width, ellipsis: glyphs.ellipsis) }
    }

    private func trouble(_ job: JobInfo) -> String {
        guard let trouble = describeTrouble(of: job, now: now) else {
            return job.supersededBy.map { "job \($0) took its place" } ?? ""
        }
        guard job.state == "blocked", let advice = job.error?.advice else { return trouble }
        return trouble + "; " + advice
    }

    /// Nothing counts as sent until bytes or blobs are through; an image without bytes is done when its job is.
    private func done(_ job: JobInfo) -> String {
        if job.state == "succeeded" { return "100%" }
        let there: Int64
        if let blobs = job.blobs {
            there = blobs.reduce(0) { $0 + ($1.outcome == "pending" ? min($1.bytesDone, $1.size) : $1.size) }
        } else {
            there = job.bytesUploaded + job.bytesMounted + job.bytesExisting
        }
        return job.bytesTotal > 0 ? "\(percent(there, of: job.bytesTotal))%" : "0%"
    }

    /// Since the job came in, or how long it took; times ago without "ago", to be short.
    private func age(_ job: JobInfo) -> String {
        let since = (job.hasEnded ? job.endedAt : nil) ?? job.createdAt
        let text = formatAge(of: min(since.milliseconds, now), now: now)
        return text.hasSuffix(" ago") ? String(text.dropLast(4)) : text
    }
}
