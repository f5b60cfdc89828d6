internal import Control

/// Commands that change jobs or wait for them.
extension Session {
    func wait(_ named: [Int], timeout: Duration?) async throws -> Int32 {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        var client = try await daemon.connect()
        var (rest, ended, left) = (named[...], [JobInfo](), [LeftJob]())
        while !rest.isEmpty {
            let time = deadline.map { max(($0 - .now).inSeconds, 0) }
            do {
                let input = Wait.Input(jobs: Array(rest.prefix(Self.piece)), timeout: time)
                ended += try await client.call(Wait.self, input).jobs
                rest = rest.dropFirst(Self.piece)
            } catch let error as ControlError where error.kind == .jobNotFound {
                // The others are waited for all the same.
                let missing = try await list(Array(rest), withBlobs: nil, over: client).left ?? []
                guard !missing.isEmpty else { throw error }
                left += missing
                rest = rest.filter { job in !missing.contains { $0.job == job } }[...]
            } catch let error where isDaemonAway(error) {
                client = try await connectAgain(before: deadline)
            }
        }
        if ended.isEmpty, left.count == 1, let only = left.first { throw Failure(only) }
        if json {
            try console.printJSON(JobsDocument(try await withBlobs(ended, over: client), left: left))
        } else {
            try console.print(ended.map(jobLine))
        }
        let verdict = verdict(on: ended)
        let status = json ? self.status(of: left) : complain(of: left)
        return status == ExitStatus.done ? verdict : status
    }

    /// Waits for a daemon that is away, no longer than the command may take.
    private func connectAgain(before deadline: ContinuousClock.Instant?) async throws -> ControlClient {
        let left = deadline.map { max($0 - .now, .zero) } ?? Follower.patience
        do {
            return try await daemon.connectAgain(within: min(left, Follower.patience))
        } catch {
            guard !(error is CancellationError), let deadline, ContinuousClock.now >= deadline else { throw error }
            throw Failure(
                "the jobs have not ended within the time that was given: pushd can't be reached",
                advice: Failure(error).advice, status: ExitStatus.timedOut, code: "wait-timed-out")
        }
    }

    func pause(_ registry: String?) async throws -> Int32 {
        let client = try await daemon.connect()
        // Before: from then on the daemon knows the one that is paused.
        let known = registry == nil || json ? nil : await knownRegistries()
        let registries = try await client.call(Pause.self, Pause.Input(registry: registry)).registries
        let status = try printStates(of: registries, summary: registry == nil ? "all registries are paused" : nil)
        for paused in registries {
            if let known, !known.contains(paused.name) { try console.print(strangerNote(paused.name, known: known)) }
        }
        return status
    }

    /// Nil where the daemon can't say: that must not hold up a pause. Asked on a connection of its own, because calls on
    /// one connection wait for each other.
    private func knownRegistries() async -> [String]? {
        let patience = Duration.seconds(2)
        let client = try? await daemon.connect(timeout: patience)
        let input = Registries.Input(brief: true)
        return try? await client?.call(Registries.self, input, timeout: patience).registries.map(\.name)
    }

    /// A registry that no job has been for may be meant for one to come, or be a slip of the keyboard.
    private func strangerNote(_ name: String, known: [String]) -> Line {
        let undo = "pushctl resume \(shellQuoted(name))"
        guard let meant = nearest(to: name, among: known) else {
            return "no job has been for \(name) yet; to take it back: \(undo)"
        }
        return "no job has been for \(name) yet, but for \(meant); if that was meant: \(undo) && pushctl pause \(meant)"
    }

    func resume(_ registry: String?) async throws -> Int32 {
        let registries = try await call(Resume.self, Resume.Input(registry: registry)).registries
        return try printStates(of: registries, summary: registry == nil ? "all registries go on" : nil)
    }

    private func printStates(of registries: [RegistryInfo], summary: String?) throws -> Int32 {
        if json {
            try console.printJSON(["registries": registries])
            return ExitStatus.done
        }
        if let summary { try console.print(Line(summary)) }
        for registry in registries {
            var line = Line(registry.name + "  ")
            line.append(state(of: registry))
            try console.print(line)
        }
        return ExitStatus.done
    }
}
