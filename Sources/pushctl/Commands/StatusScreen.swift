internal import Control

/// All that `status` shows: sums and registries in trouble, the jobs, and what of them is beyond the screen.
struct StatusScreen: Sendable, Equatable {
    /// The most interesting first.
    var jobs: [JobInfo]
    /// How many jobs there are in each state.
    var counts: [String: Int]
    var registries: [RegistryInfo]
    /// Whether certain jobs, or the jobs of certain states, were asked for.
    var isChosen: Bool
    /// The states asked for; empty: all.
    var states: [String] = []
    /// Jobs that were named and are not there.
    var left: [LeftJob] = []
    /// What is wrong with the daemon's own machine.
    var warnings: [String] = []

    /// Nothing more happens by itself, and no person is waited for.
    var isOver: Bool {
        isChosen && states.isEmpty
            ? jobs.allSatisfy(\.hasEnded) : JobStates.open.allSatisfy { counts[$0, default: 0] == 0 }
    }

    struct Surroundings: Sendable {
        /// Milliseconds since 1970.
        let now: Int64
        let glyphs: Glyphs
        let localTime: @Sendable (Int64) -> String
    }

    /// - Parameters:
    ///   - width: columns of the terminal; nil for a pipe.
    ///   - height: lines that there are for all of it; nil: all jobs are shown.
    func lines(width: Int?, height: Int?, _ around: Surroundings) -> [Line] {
        let lines = allLines(width: width, height: height, around).prefix(height ?? .max)
        return lines.map { line in width.map { line.truncated(to: $0, ellipsis: around.glyphs.ellipsis) } ?? line }
    }

    private func allLines(width: Int?, height: Int?, _ around: Surroundings) -> [Line] {
        let head = headLines(width: width, limit: height.map { max($0 / 3, 2) }, around)
        guard !jobs.isEmpty else { return head + [Line(nothing)] }
        var shown = jobs.count
        if let height {
            shown = min(shown, max(height - head.count - 1, 1))
            while shown > 1, head.count + 1 + shown + hidden(besides: shown).count > height { shown -= 1 }
        }
        let table = StatusTable(
            jobs: Array(jobs.prefix(shown)), registries: registries, now: around.now, glyphs: around.glyphs)
        let rest = hidden(besides: shown).map { Line("\(around.glyphs.ellipsis) and \($0)", .dim) }
        return head + table.lines(width: width) + rest
    }

    private var nothing: String {
        if isChosen { return "no such jobs" }
        let all = counts.values.reduce(0, +)
        if all > 0 { return "no open jobs" }
        return "no jobs yet: push an image with: pushctl push IMAGE REGISTRY/REPOSITORY:TAG"
    }

    // MARK: Above the table

    private func headLines(width: Int?, limit: Int?, _ around: Surroundings) -> [Line] {
        var lines = warnings.flatMap { warning in
            let line = Line(warning, .bad)
            return width.map { line.wrapped(width: $0, indent: 2) } ?? [line]
        }
        let all = counts.values.reduce(0, +)
        if !isChosen, all > 0 {
            let sums = JobStates.all.compactMap { state in
                counts[state].flatMap { $0 > 0 ? "\($0) \(state)" : nil }
            }
            lines.append(Line("\(all) \(all == 1 ? "job" : "jobs"): " + sums.joined(separator: ", "), .bold))
        }
        // Beside jobs that were asked for, the trouble of other registries explains nothing.
        let shown = Set(jobs.map(\.registry))
        let troubled = registries.filter { !isChosen || shown.contains($0.name) }.compactMap { registry in
            let wording = RegistryWording(registry: registry, now: around.now)
            guard var line = wording.headline(localTime: around.localTime) else {
                return wording.allowance.map { Line(registry.name, .bold).appending(": \($0)") }
            }
            if let allowance = wording.allowance { line.append("; \(allowance)") }
            return line
        }
        var told = 0
        for line in troubled {
            let parts = width.map { line.wrapped(width: $0, indent: 2) } ?? [line]
            let isLast = told + 1 == troubled.count
            // A line is kept for those that have no room.
            if let limit, told > 0, lines.count + parts.count + (isLast ? 0 : 1) > limit { break }
            lines += parts
            told += 1
        }
        let others = troubled.count - told
        if others > 0 {
            let what = others == 1 ? "registry" : "registries"
            lines.append(Line("and \(others) more \(what): pushctl registries", .dim))
        }
        return lines
    }

    // MARK: Below the table

    /// What the first `shown` jobs leave out, a line for each kind: `187 more, waiting for registry.example`.
    private func hidden(besides shown: Int) -> [String] {
        let rows = jobs.prefix(shown)
        if isChosen { return hiddenOfChosen(rows) }
        // The answers may be of different moments: a job that changed its state between them is in a row all the same.
        var unseen = JobStates.open.reduce(0) { $0 + counts[$1, default: 0] }
        unseen -= rows.count { JobStates.open.contains($0.state) }
        func take(_ state: String) -> Int {
            let count = max(min(counts[state, default: 0] - rows.count { $0.state == state }, unseen), 0)
            unseen -= count
            return count
        }
        var lines: [String] = []
        for state in ["running", "blocked"] {
            let count = take(state)
            if count > 0 { lines.append("\(count) more \(state)") }
        }
        var rest = take("waiting") + take("queued")
        let groups = registries.compactMap { registry -> (name: String, count: Int)? in
            let here = rows.count { $0.registry == registry.name && ["waiting", "queued"].contains($0.state) }
            let count = min((registry.waiting ?? 0) - here, rest)
            return count > 0 ? (registry.name, count) : nil
        }.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        for group in groups.prefix(Self.groups) where rest > 0 {
            let count = min(group.count, rest)
            lines.append("\(count) more, waiting for \(group.name)")
            rest -= count
        }
        if rest > 0 {
            let others = max(groups.count - Self.groups, 0)
            let place = others > 0 ? ", waiting for \(others) other registries" : " queued or waiting"
            lines.append("\(rest) more\(place)")
        }
        return lines
    }

    /// Registries that have a line of their own below the table.
    private static let groups = 3

    private func hiddenOfChosen(_ rows: ArraySlice<JobInfo>) -> [String] {
        let all = states.isEmpty ? jobs.count : states.reduce(0) { $0 + counts[$1, default: 0] }
        let left = max(all, jobs.count) - rows.count
        return left > 0 ? ["\(left) more; all are shown with: --limit \(rows.count + left)"] : []
    }
}

/// The states of a job as the contract with users names them.
enum JobStates {
    static let open = ["running", "waiting", "queued", "blocked"]
    static let ended = ["succeeded", "failed", "canceled", "superseded"]
    static let all = open + ended
    /// Those that `retry` takes; it means the first three where no job is named.
    static let retriable = ["waiting", "blocked", "failed", "canceled"]
    /// What is looked at first: what moves, what needs a person, what waits.
    static let byInterest = [["running"], ["blocked"], ["waiting"], ["queued"]]
}
