internal import Control
internal import Glibc

/// Follows jobs until all have ended or are blocked, shows their progress, and survives a restart of the daemon.
@MainThread
final class Follower {
    enum Ending: Sendable, Equatable {
        /// All have ended, or are blocked.
        case over
        /// A signal, such as that of Ctrl-C, ended the following; the jobs go on.
        case interrupted(signal: Int32)
    }

    /// How long the daemon may be away before following is given up: an upgrade takes seconds.
    static let patience: Duration = .seconds(60)

    private(set) var progress: PushProgress
    private let console: Console
    private let daemon: Daemon
    private let style: ProgressStyle
    private var screen = LiveScreen()
    private var report = PlainReport()
    private var isDirty = true
    private var framesSkipped = 0
    private var interruptedBy: Int32?

    init(_ jobs: [JobInfo], style: ProgressStyle, console: Console, daemon: Daemon) {
        progress = PushProgress(jobs)
        self.style = style
        self.console = console
        self.daemon = daemon
    }

    /// - Parameter client: an open connection; it is used up.
    /// - Throws: ``ControlError``, ``ControlClientError``, ``OutputError``.
    func run(_ client: ControlClient) async throws -> Ending {
        let reader = Task { try await self.read(client) }
        let ticker: Task<Void, any Error>? =
            switch style {
            case .live: Task { try await self.tick(reader) }
            case .plain: Task { try await self.tellMovement(reader) }
            case .json, .none: nil
            }
        let limits = ticker == nil ? nil : Task { try await self.watchLimits() }
        defer {
            ticker?.cancel()
            limits?.cancel()
        }
        let signals = Signals([SIGINT, SIGTERM, SIGHUP] + (style == .live ? [SIGCONT] : [])) { number in
            Task { @MainThread in self.take(signal: number, stopping: reader) }
        }
        defer { signals.stop() }
        let result = await reader.result
        ticker?.cancel()
        if style == .live { try draw(isFinal: interruptedBy == nil) }
        if let number = interruptedBy { return .interrupted(signal: number) }
        try result.get()
        return .over
    }

    private func take(signal number: Int32, stopping reader: Task<Void, any Error>) {
        if number == SIGCONT {
            // Stopped and continued: the shell has written below our lines.
            screen.release()
            isDirty = true
        } else {
            interruptedBy = interruptedBy ?? number
            reader.cancel()
        }
    }

    private func read(_ first: ControlClient) async throws {
        var client = first
        while true {
            let open = progress.jobs.filter { !$0.info.hasEnded }.map(\.info.id)
            if open.isEmpty { return }
            do {
                for try await reply in client.stream(Follow.self, Follow.Input(jobs: open)) {
                    try take(reply.job)
                    if progress.isOver { return }
                }
            } catch let error where isDaemonAway(error) {}
            if Task.isCancelled { return }
            client = try await connectAgain()
        }
    }

    private func take(_ job: JobInfo) throws {
        progress.isConnectionLost = false
        progress.update(job, at: console.now())
        isDirty = true
        switch style {
        case .plain: try console.print(report.news(in: progress, now: console.now()))
        case .json: try console.printJSON(JobDocument(job))
        case .live, .none: break
        }
    }

    private func connectAgain() async throws -> ControlClient {
        progress.isConnectionLost = true
        isDirty = true
        if style == .plain { try console.print(report.news(in: progress, now: console.now())) }
        return try await daemon.connectAgain(within: Self.patience)
    }

    /// Draws ten times a second at most: when something is new, and twice a second for times and speeds.
    private func tick(_ reader: Task<Void, any Error>) async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: .milliseconds(100))
            framesSkipped += 1
            guard isDirty || framesSkipped >= 5 else { continue }
            do { try draw(isFinal: false) } catch {
                reader.cancel()
                throw error
            }
        }
    }

    /// Prints the progress of the jobs from time to time, where no live picture shows it.
    private func tellMovement(_ reader: Task<Void, any Error>) async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(1))
            do { try console.print(report.movement(in: progress, now: console.now())) } catch {
                reader.cancel()
                throw error
            }
        }
    }

    /// Keeps the speeds that are shown within the limits of bandwidth, which may change at any time. A daemon that does
    /// not report its limits has none.
    private func watchLimits() async throws {
        var client: ControlClient?
        while !Task.isCancelled {
            if client == nil { client = try? await daemon.connect() }
            if let limits = try? await client?.call(Limit.self, Limit.Input()).limits {
                progress.setLimits(limits)
            } else {
                client = nil
            }
            try await Task.sleep(for: .seconds(3))
        }
    }

    private func draw(isFinal: Bool) throws(OutputError) {
        guard console.isForeground() || isFinal else { return }
        let size = console.size()
        let lines = progress.lines(
            width: size.width, height: size.height - 1, now: console.now(), glyphs: console.glyphs, isFinal: isFinal)
        try console.write(Array(screen.frame(lines, width: size.width, color: console.color).utf8))
        isDirty = false
        framesSkipped = 0
    }
}
