internal import Control

/// Jobs as a table, a line each, that fits its width.
struct StatusTable: Sendable {
    let jobs: [JobInfo]
    let registries: [RegistryInfo]
    /// Milliseconds since 1970.
    let now: Int64
    let glyphs: Glyphs

    /// A heading, then the jobs in order.
    ///
    /// Where the width is not enough, the local name goes first, then the registry's name in what is said of it, and
    /// then the destinations lose their middle and the notes their end.
    ///
    /// - Parameter width: columns of the terminal; nil for a pipe, where nothing is shortened.
    func lines(width: Int?) -> [Line] {
        let whole = table(withImage: true, shortNotes: false)
        guard let width, whole.width > width else { return whole.lines() }
        let withoutImage = table(withImage: false, shortNotes: false)
        if withoutImage.width <= width { return withoutImage.lines() }
        return table(withImage: false, shortNotes: true).lines(fitting: width, ellipsis: glyphs.ellipsis)
            .map { $0.truncated(to: width, ellipsis: glyphs.ellipsis) }
    }

    private func table(withImage: Bool, shortNotes: Bool) -> Table {
        var columns: [Table.Column] = [.init("JOB", .right), .init("STATE")]
        if withImage { columns.append(.init("IMAGE")) }
        columns += [
            .init("DESTINATION", cut: .middle(least: 20)), .init("DONE", .right), .init("TRY", .right),
            .init("AGE", .right), .init("NOTE", cut: .end(least: 23)),
        ]
        let known = Dictionary(registries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let notes = JobNote(registries: known, now: now)
        var table = Table(columns: columns)
        for job in jobs {
            var cells = [Line("\(job.id)"), Line(job.state, style(of: job.state))]
            if withImage { cells.append(Line(job.image)) }
            cells += [
                Line(job.destination), Line(done(job)), Line("\(job.attempts)"), Line(age(job)),
                Line(notes.text(of: job, isShort: shortNotes), .dim),
            ]
            table.rows.append(cells)
        }
        // A column of nothing takes no room.
        if table.rows.allSatisfy({ $0.last?.width == 0 }) {
            table.columns.removeLast()
            for row in table.rows.indices { table.rows[row].removeLast() }
        }
        return table
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
