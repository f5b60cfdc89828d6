internal import Control
internal import Glibc

extension Session {
    func status(_ status: Command.Status) async throws -> Int32 {
        if status.watch { return try await watch(status) }
        let client = try await daemon.connect()
        let list = try await jobs(for: status, over: client)
        let left = list.left ?? []
        if list.jobs.isEmpty, left.count == 1, let only = left.first { throw Failure(only) }
        if json || !list.jobs.isEmpty || status.jobs.isEmpty {
            try show(list, try await registries(for: status, over: client), for: status)
        }
        return json ? self.status(of: left) : complain(of: left)
    }

    /// The jobs to show: where nothing was chosen, those in hand first and then the latest that have ended.
    private func jobs(for status: Command.Status, over client: ControlClient) async throws -> List.Output {
        var input = List.Input(
            states: status.states.isEmpty ? nil : status.states, limit: status.limit ?? 50,
            withBlobs: json ? true : nil)
        if !status.jobs.isEmpty {
            var list = try await list(status.jobs, states: input.states, withBlobs: input.withBlobs, over: client)
            if let limit = status.limit { list.jobs = Array(list.jobs.prefix(limit)) }
            return list
        }
        if input.states != nil { return try await client.call(List.self, input) }
        input.states = JobStates.open
        let open = try await client.call(List.self, input)
        let limit = status.limit.map { $0 - open.jobs.count } ?? 10
        guard limit > 0 else { return open }
        input.states = JobStates.ended
        input.limit = limit
        var list = try await client.call(List.self, input)
        // A job may have ended between the two answers: the second is the newer.
        let ended = Set(list.jobs.map(\.id))
        list.jobs = open.jobs.filter { !ended.contains($0.id) } + list.jobs
        return list
    }

    /// Those that jobs go to; none where single jobs were chosen.
    private func registries(for status: Command.Status, over client: ControlClient) async throws -> [RegistryInfo] {
        guard status.jobs.isEmpty, status.states.isEmpty else { return [] }
        return try await client.call(Control.Status.self, Control.Status.Input()).registries
    }

    private func show(_ list: List.Output, _ registries: [RegistryInfo], for status: Command.Status) throws {
        if json { return try console.printJSON(StatusDocument(list, registries)) }
        let width = console.isTerminal ? console.size().width : nil
        try console.print(statusLines(list, status, width: width) + statusLines(of: registries))
    }

    private func statusLines(_ list: List.Output, _ status: Command.Status, width: Int?) -> [Line] {
        guard !list.jobs.isEmpty else {
            let isChosen = !status.jobs.isEmpty || !status.states.isEmpty
            return [
                isChosen
                    ? "no such jobs" : "no jobs yet: push an image with: pushctl push IMAGE REGISTRY/REPOSITORY:TAG"
            ]
        }
        var lines = StatusTable(jobs: list.jobs, now: console.now(), glyphs: console.glyphs).lines(width: width)
        let all = list.counts.values.reduce(0, +)
        if status.jobs.isEmpty, status.states.isEmpty, all > list.jobs.count {
            let counts = JobStates.all.compactMap { state in
                list.counts[state].map { $0 > 0 ? "\($0) \(state)" : nil } ?? nil
            }
            lines.append(Line("\(all) jobs in all: " + counts.joined(separator: ", "), .dim))
        }
        return lines
    }

    /// Shows the table again whenever an event tells of news, and each second for progress and times.
    private func watch(_ status: Command.Status) async throws -> Int32 {
        let watcher = Task { try await keepShowing(status) }
        let interrupted = SignalNote()
        let signals = Signals([SIGINT, SIGTERM, SIGHUP]) { number in
            Task { @MainThread in
                interrupted.number = number
                watcher.cancel()
            }
        }
        defer { signals.stop() }
        let result = await watcher.result
        // Ctrl-C is how watching ends: that is no failure.
        if let number = interrupted.number { return number == SIGINT ? ExitStatus.done : Self.status(ofSignal: number) }
        try result.get()
        return ExitStatus.done
    }

    private func keepShowing(_ status: Command.Status) async throws {
        var picture = WatchPicture()
        var last: (list: List.Output, registries: [RegistryInfo])?
        var client = try await daemon.connect()
        var bell = try await EventBell(daemon)
        while !Task.isCancelled {
            do {
                let list = try await jobs(for: status, over: client)
                let registries = try await registries(for: status, over: client)
                if console.isTerminal, !json {
                    let lines = statusLines(list, status, width: console.size().width)
                    try picture.draw(lines + statusLines(of: registries), on: console)
                } else if list != last?.list {
                    if last != nil, !json { try console.print(Line()) }
                    try show(list, registries, for: status)
                }
                last = (list, registries)
                await bell.wait(atMost: .seconds(1))
            } catch let error as ControlClientError where error.isLoss {
                if console.isTerminal, !json {
                    let lines = last.map { statusLines($0.list, status, width: console.size().width) } ?? []
                    let note = Line("pushd can't be reached; trying to connect again", .warning)
                    try picture.draw([note] + lines, on: console)
                }
                client = try await daemon.connectAgain(within: Follower.patience)
                bell = try await EventBell(daemon)
            }
        }
    }
}

/// The table of `status --watch`, drawn in place.
private struct WatchPicture {
    private var screen = LiveScreen()

    mutating func draw(_ lines: [Line], on console: Console) throws(OutputError) {
        guard console.isForeground() else { return }
        let size = console.size()
        var lines = lines
        if lines.count > size.height - 1 {
            let hidden = lines.count - max(size.height - 2, 1)
            lines = Array(lines.prefix(max(size.height - 2, 1)))
            lines.append(Line("\(console.glyphs.ellipsis) and \(hidden) more lines", .dim))
        }
        lines = lines.map { $0.truncated(to: size.width, ellipsis: console.glyphs.ellipsis) }
        try console.write(Array(screen.frame(lines, width: size.width, color: console.color).utf8))
    }
}

/// Which signal came.
@MainThread
private final class SignalNote {
    var number: Int32?
}

/// Rings when the daemon tells of an event.
@MainThread
private final class EventBell {
    private var listener: Task<Void, Never>?
    private var hasRung = false
    private var sleeper: Task<Void, any Error>?

    init(_ daemon: Daemon) async throws {
        let events = try await daemon.connect().stream(Events.self, Events.Input(follow: true))
        listener = Task { [weak self] in
            // Its failure shows in the next call too, and is told there.
            do { for try await _ in events { self?.ring() } } catch {}
        }
    }

    isolated deinit { listener?.cancel() }

    private func ring() {
        hasRung = true
        sleeper?.cancel()
    }

    /// Returns at the first ring since the last time, and not sooner than a tenth of a second.
    func wait(atMost limit: Duration) async {
        try? await Task.sleep(for: .milliseconds(100))
        if !hasRung {
            let sleeper = Task { try await Task.sleep(for: limit) }
            self.sleeper = sleeper
            await withTaskCancellationHandler {
                _ = await sleeper.result
            } onCancel: {
                sleeper.cancel()
            }
        }
        hasRung = false
    }
}

/// The states of a job as the contract with users names them.
enum JobStates {
    static let open = ["running", "waiting", "queued", "blocked"]
    static let ended = ["succeeded", "failed", "canceled", "superseded"]
    static let all = open + ended
}

/// `{"counts":{…},"jobs":[…],"registries":[…]}`, and `"left"` where jobs were named that there are not.
private struct StatusDocument: Encodable {
    let jobs: [JobDocument]
    let left: [LeftDocument]?
    let counts: [String: Int]
    let registries: [RegistryInfo]

    init(_ list: List.Output, _ registries: [RegistryInfo]) {
        self.registries = registries
        jobs = list.jobs.map(JobDocument.init)
        counts = list.counts
        left = (list.left ?? []).isEmpty ? nil : list.left?.map(LeftDocument.init)
    }
}
