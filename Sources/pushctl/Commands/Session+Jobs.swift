internal import Control

/// Commands that change jobs or wait for them.
extension Session {
    func wait(_ jobs: [Int], timeout: Duration?) async throws -> Int32 {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        var client = try await daemon.connect()
        var ended: [JobInfo]?
        while ended == nil {
            let left = deadline.map { max(($0 - .now).inSeconds, 0) }
            do {
                ended = try await client.call(Wait.self, Wait.Input(jobs: jobs, timeout: left)).jobs
            } catch let error as ControlClientError where error.isLoss {
                client = try await daemon.connectAgain(within: Follower.patience)
            } catch let error as ControlError where error.kind == .stopping {
                client = try await daemon.connectAgain(within: Follower.patience)
            }
        }
        let jobs = ended ?? []
        if json {
            try console.printJSON(JobsDocument(try await withBlobs(jobs, over: client)))
        } else {
            try console.print(jobs.map(jobLine))
        }
        return verdict(on: jobs)
    }

    func cancel(_ jobs: [Int]) async throws -> Int32 {
        let client = try await daemon.connect()
        let jobs = try await client.call(Cancel.self, Cancel.Input(jobs: jobs)).jobs
        try await tellChanged(jobs, over: client) { $0.state == "canceled" ? nil : "it had ended before" }
        return ExitStatus.done
    }

    func retry(_ jobs: [Int]?) async throws -> Int32 {
        let client = try await daemon.connect()
        let changed = try await client.call(Retry.self, Retry.Input(jobs: jobs, failed: jobs == nil ? true : nil)).jobs
        if changed.isEmpty, !json { try console.print("no failed jobs") }
        try await tellChanged(changed, over: client) { _ in nil }
        return ExitStatus.done
    }

    private func tellChanged(
        _ jobs: [JobInfo], over client: ControlClient, note: (JobInfo) -> String?
    ) async throws {
        if json { return try console.printJSON(JobsDocument(try await withBlobs(jobs, over: client))) }
        for job in jobs {
            var line = jobLine(job)
            if let note = note(job) { line.append(" (\(note))", .dim) }
            try console.print(line)
        }
    }

    func pause(_ registry: String?) async throws -> Int32 {
        let client = try await daemon.connect()
        // Before: from then on the daemon knows the one that is paused.
        let known = registry == nil || json ? nil : await knownRegistries(over: client)
        let registries = try await client.call(Pause.self, Pause.Input(registry: registry)).registries
        let status = try tell(registries, summary: registry == nil ? "all registries are paused" : nil)
        for paused in registries {
            if let known, !known.contains(paused.name) { try console.print(strangerNote(paused.name, known: known)) }
        }
        return status
    }

    /// Nil where the daemon can't say: that must not hold up a pause.
    private func knownRegistries(over client: ControlClient) async -> [String]? {
        try? await client.call(Registries.self, Registries.Input(), timeout: .seconds(2)).registries.map(\.name)
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
        return try tell(registries, summary: registry == nil ? "all registries go on" : nil)
    }

    private func tell(_ registries: [RegistryInfo], summary: String?) throws -> Int32 {
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
