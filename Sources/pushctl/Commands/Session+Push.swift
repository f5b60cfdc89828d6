internal import Control

extension Session {
    func push(_ push: Command.Push) async throws -> Int32 {
        let client = try await daemon.connect()
        let (login, loginFiles) = try self.login(for: push)
        let output = try await client.call(
            Push.self,
            Push.Input(
                image: push.image, destinations: push.destinations.isEmpty ? nil : push.destinations,
                platforms: push.platforms.isEmpty ? nil : push.platforms, priority: push.priority,
                verify: push.verify, force: push.force ? true : nil, dryRun: push.dryRun ? true : nil,
                allTags: push.allTags ? true : nil, timeout: push.timeout?.inSeconds, login: login,
                loginFiles: loginFiles, format: push.format))
        if push.dryRun {
            try tell(output.plan ?? [])
            return ExitStatus.done
        }
        if push.detach {
            try await tell(output.jobs, over: client)
            return ExitStatus.done
        }
        let style = style(for: push)
        if style == .live || style == .plain { try console.print(output.jobs.flatMap(changeLines)) }
        return try await follow(output.jobs, over: client, style: style)
    }

    /// Both digests of an image that is not pushed as it is in its store; empty for others.
    private func changeLines(of job: JobInfo) -> [Line] {
        changeLine(from: job.sourceDigest, format: job.format, leftOut: job.leftOut).map {
            [Line("job \(job.id)  \(job.digest)"), $0]
        } ?? []
    }

    private func style(for push: Command.Push) -> ProgressStyle {
        if let style = push.progress { return style }
        return json ? .none : (console.isTerminal ? .live : .plain)
    }

    /// One line for each job, for people or for scripts.
    func tell(_ jobs: [JobInfo], over client: ControlClient) async throws {
        if json {
            for job in try await withBlobs(jobs, over: client) { try console.printJSON(JobDocument(job)) }
        } else {
            try console.print(jobs.flatMap { [jobLine($0)] + changeLines(of: $0) })
        }
    }

    private func follow(_ jobs: [JobInfo], over client: ControlClient, style: ProgressStyle) async throws -> Int32 {
        let follower = Follower(jobs, style: style, console: console, daemon: daemon)
        let ending: Follower.Ending
        do {
            ending = try await follower.run(client)
        } catch let error as ControlClientError where error.isLoss {
            throw Failure(
                "following stopped: \(error)",
                advice: "the jobs are kept, and go on when pushd runs again; see them with: "
                    + "pushctl status \(ids(of: jobs))",
                status: error.exitStatus)
        }
        let ended = follower.progress.jobs.map(\.info)
        switch ending {
        case .interrupted(let number):
            let open = ended.filter { !$0.hasEnded }
            if !open.isEmpty {
                let goOn = open.count == 1 ? "job \(open[0].id) goes on" : "\(open.count) jobs go on"
                let note = "\(goOn) in the background; see with: pushctl status \(ids(of: open))"
                try? console.writeError(Array((Line(note).rendered(color: false) + "\n").utf8))
            }
            return Self.status(ofSignal: number)
        case .over:
            if json || style == .json {
                for job in ended { try console.printJSON(JobDocument(job)) }
            }
            return verdict(on: ended)
        }
    }

    private func ids(of jobs: [JobInfo]) -> String { jobs.map { String($0.id) }.joined(separator: " ") }

    private func tell(_ plan: [PlannedPush]) throws {
        if json { return try console.printJSON(PlanDocument(plan: plan)) }
        for push in plan {
            let size = formatBytes(push.bytesTotal)
            var line = Line("would push \(push.image) to ")
            line.append(push.destination, .bold)
            line.append(": \(push.blobs.count) \(push.blobs.count == 1 ? "blob" : "blobs"), \(size)")
            var lines = [line, "  \(push.digest)"]
            let change = changeLine(from: push.sourceDigest, format: push.format, leftOut: push.leftOut)
            if let change { lines.append(change) }
            if !push.platforms.isEmpty { lines.append("  platforms: \(push.platforms.joined(separator: ", "))") }
            if let job = push.job { lines.append("  the same as job \(job), which is on its way") }
            if !push.supersedes.isEmpty {
                let jobs = push.supersedes.map { "job \($0)" }.joined(separator: ", ")
                lines.append("  takes the place of \(jobs)")
            }
            try console.print(lines)
        }
    }

    private struct PlanDocument: Encodable {
        let plan: [PlannedPush]
    }
}
