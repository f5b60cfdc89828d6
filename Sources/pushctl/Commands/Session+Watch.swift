internal import Control
internal import Glibc

extension Session {
    /// Shows the jobs again at each event, and each second for progress and times, until they have ended. Jobs that were
    /// named and do not exist are reported at the end.
    func watch(_ status: Command.Status) async throws -> Int32 {
        let picture = WatchPicture(console)
        let watcher = Task { try await keepShowing(status, picture) }
        let interrupted = SignalNote()
        let signals = Signals([SIGINT, SIGTERM, SIGHUP, SIGCONT, SIGWINCH]) { number in
            Task { @MainThread in
                switch number {
                case SIGWINCH: picture.resized()
                case SIGCONT: picture.continued()
                default:
                    interrupted.number = number
                    watcher.cancel()
                }
            }
        }
        defer { signals.stop() }
        let result = await watcher.result
        if !json { try picture.close() }
        // Ctrl-C is how watching ends: that is no failure.
        if let number = interrupted.number { return number == SIGINT ? ExitStatus.done : Self.status(ofSignal: number) }
        guard let left = try result.get()?.left, !left.isEmpty else { return ExitStatus.done }
        return json ? self.status(of: left) : complain(of: left)
    }

    /// - Returns: what was shown last; nil where the task was cancelled before that.
    /// - Throws: ``Failure`` where the one job that was named does not exist.
    private func keepShowing(_ status: Command.Status, _ picture: WatchPicture) async throws -> StatusScreen? {
        var last: StatusScreen?
        var client = try await daemon.connect()
        var bell = try await EventBell(daemon)
        while !Task.isCancelled {
            do {
                let screen = try await screen(for: status, over: client)
                if screen.jobs.isEmpty, screen.left.count == 1, let only = screen.left.first { throw Failure(only) }
                if !json, screen.jobs.isEmpty, !status.jobs.isEmpty {
                    // There is nothing to show but what is reported at the end.
                } else if console.isTerminal, !json {
                    try picture.draw { screen.lines(width: $0, height: $1, surroundings) }
                } else if screen.jobs != last?.jobs || screen.counts != last?.counts {
                    if last != nil, !json { try console.print(Line()) }
                    try show(screen, for: status)
                }
                last = screen
                if screen.isOver { return screen }
                picture.bell = bell
                await bell.wait(atMost: .seconds(1))
            } catch let error where isDaemonAway(error) {
                let known = last
                if console.isTerminal, !json {
                    let note = Line(connectionLostText, .warning)
                    try picture.draw { width, height in
                        let lines = known?.lines(width: width, height: height - 1, surroundings) ?? []
                        return [note.truncated(to: width)] + lines
                    }
                }
                (client, bell) = try await connectAgain()
            }
        }
        return last
    }

    /// Both connections, which a daemon that comes back may take one after the other.
    private func connectAgain() async throws -> (ControlClient, EventBell) {
        let deadline = ContinuousClock.now + Follower.patience
        while true {
            let client = try await daemon.connectAgain(within: deadline - .now)
            do {
                return (client, try await EventBell(daemon))
            } catch let error where isDaemonAway(error) && ContinuousClock.now < deadline {}
        }
    }
}

/// What `status --watch` draws in place: never higher or wider than the terminal.
@MainThread
private final class WatchPicture {
    private let console: Console
    private var screen = LiveScreen()
    private var lines: ((_ width: Int, _ height: Int) -> [Line])?
    /// Rung where the picture must be drawn anew.
    var bell: EventBell?

    init(_ console: Console) { self.console = console }

    func draw(_ lines: @escaping (_ width: Int, _ height: Int) -> [Line]) throws(OutputError) {
        self.lines = lines
        try redraw()
    }

    private func redraw() throws(OutputError) {
        guard let lines, console.isForeground() else { return }
        let size = console.size()
        // The cursor stands below the picture.
        let height = max(size.height - 1, 1)
        let picture = lines(size.width, height).prefix(height).map {
            $0.truncated(to: size.width, ellipsis: console.glyphs.ellipsis)
        }
        try console.write(Array(screen.frame(Array(picture), width: size.width, color: console.color).utf8))
    }

    func resized() { bell?.ring() }

    /// Stopped and continued: the shell has written below our lines.
    func continued() {
        screen.release()
        bell?.ring()
    }

    /// Draws a last time: what was typed below, such as the `^C` of Ctrl-C, is gone, and the prompt stands alone.
    func close() throws(OutputError) { try redraw() }
}

/// Which signal came.
@MainThread
private final class SignalNote {
    var number: Int32?
}

/// Rings when the daemon reports an event.
@MainThread
private final class EventBell {
    private var listener: Task<Void, Never>?
    private var hasRung = false
    private var sleeper: Task<Void, any Error>?

    init(_ daemon: Daemon) async throws {
        let events = try await daemon.connect().stream(Events.self, Events.Input(follow: true))
        listener = Task { [weak self] in
            // If it fails, the next call of the main loop fails too and reports it.
            do { for try await _ in events { self?.ring() } } catch {}
        }
    }

    isolated deinit { listener?.cancel() }

    func ring() {
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
