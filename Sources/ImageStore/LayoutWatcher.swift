internal import OCI

/// Reports OCI layouts that have changed and are complete again.
///
/// Most of their writers truncate `index.json` and write it in place, once for each image. An `index.json` that was
/// renamed into its place, or closed by its writer, is read at once and reported if it can be parsed; after any other
/// change it is read after some silence. Kernel events make it quick; a look at every layout now and then finds what
/// they miss: network file systems, lost events, a directory above that was renamed, limits of the kernel.
public actor LayoutWatcher {
    private let executor = BlockingExecutor(label: "pushd.watcher")
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let rescan: Duration
    private let makeEvents: @Sendable (_ happened: @escaping @Sendable () -> Void) -> (any DirectoryEvents)?
    /// One signal for all that may have happened: ``run()`` wakes up and looks at everything.
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    private let wanted: [String]
    private var events: (any DirectoryEvents)?
    private var watches = WatchTable()
    private var settling: SettleTable
    /// The state of each layout's `index.json` when it was reported last; absent: there was none, or it was not reported.
    private var told: [String: FileStatus] = [:]
    /// The state at the last scan.
    private var scanned: [String: FileStatus] = [:]
    private var nextRescan = ContinuousClock.now

    private var changed: [String] = []
    private var listener: CheckedContinuation<String?, Never>?
    private var hasEnded = false

    /// - Parameters:
    ///   - directories: absolute paths of layouts, which need not exist.
    ///   - settle: silence after the last write before a layout is read that was not whole.
    ///   - rescan: how often every layout is looked at, events or not; one `stat` each.
    public init(directories: [String], settle: Duration = .milliseconds(200), rescan: Duration = .seconds(5)) {
        self.init(directories: directories, settle: settle, longest: .seconds(5), rescan: rescan) {
            Inotify(happened: $0)
        }
    }

    /// - Parameters:
    ///   - longest: after this time a layout is reported that never falls silent, or never parses.
    ///   - makeEvents: nil where the kernel gives none.
    init(
        directories: [String], settle: Duration, longest: Duration, rescan: Duration,
        makeEvents: @escaping @Sendable (_ happened: @escaping @Sendable () -> Void) -> (any DirectoryEvents)?
    ) {
        wanted = Self.tidied(directories)
        settling = SettleTable(settle: settle, longest: longest)
        self.rescan = rescan
        self.makeEvents = makeEvents
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Directories of layouts that have changed, came or went; each once at the start if it exists.
    ///
    /// For one listener. A directory that changes again before it was taken is reported once. Ends with ``run()``.
    public nonisolated var changes: AsyncStream<String> { AsyncStream { await self.nextChange() } }

    /// Watches until its task is cancelled. Call it once.
    public func run() async {
        let wake = wake
        events = makeEvents { wake.yield() }
        lookFirst()
        var signals = wakes.makeAsyncIterator()
        while !Task.isCancelled {
            handleEvents()
            let now = ContinuousClock.now
            if nextRescan <= now { scan() }
            for directory in settling.due(now: now) { look(at: directory, now: now) }
            let alarm = Task { [deadline = min(settling.next ?? nextRescan, nextRescan)] in
                try? await Task.sleep(until: deadline, clock: .continuous)
                if !Task.isCancelled { wake.yield() }
            }
            _ = await signals.next(isolation: self)
            alarm.cancel()
        }
        events?.stop()
        hasEnded = true
        listener?.resume(returning: nil)
        listener = nil
    }

    // MARK: What happened

    private func handleEvents() {
        guard let events else { return }
        let now = ContinuousClock.now
        for event in events.take() {
            switch event {
            case .overflow: scan()
            case .gone(let watch):
                for layout in watches.forget(watch, events) {
                    watches.arm(layout, events)
                    settling.touch(layout, now: now)
                }
            case .entry(let watch, let name, let change):
                for meaning in watches.meanings(ofEntry: name, in: watch) {
                    let layout = meaning.layout
                    if case .moved = meaning { watches.arm(layout, events) }
                    switch (meaning, change) {
                    case (_, .arrived), (.moved, .made): settling.arrive(layout, now: now)
                    case (.written, .made), (_, .gone): settling.touch(layout, now: now)
                    }
                }
            }
        }
    }

    /// Where the kernel has no instance to spare, looking is all there is: often enough to be quick all the same.
    private var pace: Duration { events == nil ? min(rescan, .milliseconds(500)) : rescan }

    /// Finds changes without an event, and watches again what has moved.
    private func scan() {
        let now = ContinuousClock.now
        nextRescan = now + pace
        for layout in wanted {
            if let events { watches.arm(layout, events) }
            let status = FileStatus(of: layout + "/index.json")
            // What has not moved since the last scan has been silent: it waits for its time and not for another.
            let isStill = settling.isWaiting(layout) && status == scanned[layout]
            if status != told[layout], !isStill { settling.touch(layout, now: now) }
            scanned[layout] = status
        }
    }

    /// The first look at layouts: watched first, read afterwards, so that nothing falls between.
    private func lookFirst() {
        let now = ContinuousClock.now
        nextRescan = now + pace
        for layout in wanted {
            if let events { watches.arm(layout, events) }
            look(at: layout, now: now)
        }
    }

    /// Reads a layout that is due, and reports it unless a writer is still at work.
    private func look(at layout: String, now: ContinuousClock.Instant) {
        settling.note(layout, now: now)
        // Before it is read: what is written while it is read makes another change.
        let status = FileStatus(of: layout + "/index.json")
        if status == nil, told[layout] == nil { return settling.end(layout) }
        if status != nil, isUnfinished(layout) {
            settling.touch(layout, now: now)
            guard settling.isExhausted(layout, now: now) else { return }
        }
        settling.end(layout)
        told[layout] = status
        tell(layout)
    }

    /// Other errors are left to the reader of the layout.
    private func isUnfinished(_ layout: String) -> Bool {
        do {
            _ = try OCILayout.readIndex(of: layout)
            return false
        } catch {
            return error.mayBeUnfinished
        }
    }

    private static func tidied(_ directories: [String]) -> [String] {
        directories.reduce(into: []) { list, directory in
            let path = ImageName.tidied(directory)
            if !list.contains(path) { list.append(path) }
        }
    }

    // MARK: The listener

    private func tell(_ layout: String) {
        if let listener {
            self.listener = nil
            listener.resume(returning: layout)
        } else if !changed.contains(layout) {
            changed.append(layout)
        }
    }

    private func nextChange() async -> String? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !changed.isEmpty {
                    continuation.resume(returning: changed.removeFirst())
                } else if hasEnded || Task.isCancelled || listener != nil {
                    continuation.resume(returning: nil)
                } else {
                    listener = continuation
                }
            }
        } onCancel: {
            Task { await leave() }
        }
    }

    private func leave() {
        listener?.resume(returning: nil)
        listener = nil
    }
}
