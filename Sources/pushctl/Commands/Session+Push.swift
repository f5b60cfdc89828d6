internal import Control

extension Session {
    func push(_ push: Command.Push) async throws -> Int32 {
        let orders = try orders(of: push)
        let digestFile = push.digestFile.map { DigestFile(path: $0) }
        try digestFile?.check()
        let (client, login) = try await connect(with: push.login, for: "push")
        let accepted = try await accept(orders, push, login, over: client)
        try reportLeftOut(of: accepted, isPlan: push.dryRun)
        let (verdict, jobs) = try await showOrFollow(accepted, push, over: client)
        // Not all that was asked for, although the rest is done.
        let status = verdict == ExitStatus.done && !accepted.leftOut.isEmpty ? ExitStatus.failed : verdict
        // A list with a refused line has failed, even if its other pushes succeed.
        guard accepted.refused == 0 else {
            let lines = accepted.refused == 1 ? "1 line" : "\(accepted.refused) lines"
            let verb = accepted.refused == 1 ? "was" : "were"
            console.complain("\(lines) of \(orders.count) \(verb) refused", advice: nil)
            return ExitStatus.failed
        }
        if status == ExitStatus.done { try digestFile?.write(jobs.map { published($0.destination, $0.digest) }) }
        return status
    }

    /// Reports what was named and is not pushed.
    private func reportLeftOut(of accepted: Accepted, isPlan: Bool) throws {
        // A plan has it within.
        if json, !isPlan, !accepted.leftOut.isEmpty {
            try console.printJSON(LeftOutDocument(leftOut: accepted.leftOut.map(LeftOutImageDocument.init)))
        }
        for item in accepted.leftOut {
            console.complain("\(item.image) is left out: \(item.reason)", advice: item.advice)
        }
    }

    /// What comes after acceptance: shows the plan or the jobs, or follows them.
    ///
    /// - Returns: the exit status, and the jobs as they are then.
    private func showOrFollow(
        _ accepted: Accepted, _ push: Command.Push, over client: ControlClient
    ) async throws -> (Int32, [JobInfo]) {
        if push.dryRun {
            if push.quiet {
                try console.print(accepted.plan.map { Line(published($0.destination, $0.digest)) })
            } else {
                try printPlan(accepted.plan, leftOut: accepted.leftOut)
            }
            return (ExitStatus.done, [])
        }
        if push.detach {
            if push.quiet {
                try console.print(accepted.jobs.map { "\($0.id)" })
            } else {
                try await printJobs(accepted.jobs, over: client)
            }
            return (ExitStatus.done, accepted.jobs)
        }
        if accepted.jobs.isEmpty { return (ExitStatus.done, []) }
        let style = style(for: push)
        if style == .live || style == .plain { try console.print(accepted.jobs.flatMap(changeLines)) }
        let (status, jobs) = try await follow(accepted.jobs, over: client, style: style)
        if push.quiet {
            let there = jobs.filter { $0.state == "succeeded" }
            try console.print(there.map { Line(published($0.destination, $0.digest)) })
        }
        return (status, jobs)
    }

    /// What was pushed, by the name that holds for ever: `registry.example/team/app:1@sha256:…`.
    private func published(_ destination: String, _ digest: String) -> String {
        destination.contains("@") ? destination : "\(destination)@\(digest)"
    }

    /// Both digests of an image that is not pushed as it is in its store; empty for others.
    private func changeLines(of job: JobInfo) -> [Line] {
        changeLine(from: job.sourceDigest, format: job.format, leftOut: job.leftOut).map {
            [Line("job \(job.id)  \(job.digest)"), $0]
        } ?? []
    }

    private func style(for push: Command.Push) -> ProgressStyle {
        if let style = push.progress { return style }
        return json || push.quiet ? .none : (console.isTerminal ? .live : .plain)
    }

    /// One line for each job, for people or for scripts.
    private func printJobs(_ jobs: [JobInfo], over client: ControlClient) async throws {
        if json {
            for job in try await withBlobs(jobs, over: client) { try console.printJSON(JobDocument(job)) }
        } else {
            try console.print(jobs.flatMap { [jobLine($0)] + changeLines(of: $0) })
        }
    }

    /// - Returns: the exit status, and the jobs as they were last.
    private func follow(
        _ jobs: [JobInfo], over client: ControlClient, style: ProgressStyle
    ) async throws -> (Int32, [JobInfo]) {
        let follower = Follower(jobs, style: style, console: console, daemon: daemon)
        let ending: Follower.Ending
        do {
            ending = try await follower.run(client)
        } catch let error as ControlClientError where error.isLoss {
            throw Failure(
                "following stopped: \(error)",
                advice: "the jobs are kept, and go on when pushd runs again; see them with: "
                    + "pushctl status \(ids(of: jobs))",
                status: error.exitStatus, code: error.code)
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
            return (Self.status(ofSignal: number), ended)
        case .over:
            if json || style == .json {
                for job in ended { try console.printJSON(JobDocument(job)) }
            }
            return (verdict(on: ended), ended)
        }
    }

    private func ids(of jobs: [JobInfo]) -> String { jobs.map { String($0.id) }.joined(separator: " ") }

    private func printPlan(_ plan: [PlannedPush], leftOut: [LeftOutImage]) throws {
        if json {
            return try console.printJSON(
                PlanDocument(
                    plan: plan, leftOut: leftOut.isEmpty ? nil : leftOut.map(LeftOutImageDocument.init)))
        }
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
        let leftOut: [LeftOutImageDocument]?
    }

    private struct LeftOutDocument: Encodable {
        let leftOut: [LeftOutImageDocument]
    }
}
