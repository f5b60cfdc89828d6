internal import Control

/// One run of a command: what was asked for, and what it works with.
///
/// All of pushctl runs on the main thread: output may block there, and nothing needs a lock.
@MainThread
struct Session {
    let console: Console
    let daemon: Daemon
    let json: Bool

    /// What pushctl ends with after Ctrl-C, as shells expect it: 128 and the signal's number.
    nonisolated static func status(ofSignal number: Int32) -> Int32 { 128 + number }

    /// Carries out `command`.
    ///
    /// - Returns: the exit status, see pushctl(1).
    /// - Throws: ``Failure``, ``ControlError``, ``ControlClientError``, ``OutputError``.
    func run(_ command: Command) async throws -> Int32 {
        switch command {
        case .push(let push): return try await self.push(push)
        case .status(let status): return try await self.status(status)
        case .show(let jobs): return try await show(jobs)
        case .wait(let jobs, let timeout): return try await wait(jobs, timeout: timeout)
        case .cancel(let selection): return try await cancel(selection)
        case .retry(let selection, let login): return try await retry(selection, login)
        case .pause(let registry): return try await pause(registry)
        case .resume(let registry): return try await resume(registry)
        case .verify(let reference, let against, let deep, let login):
            return try await verify(reference, against: against, deep: deep, login)
        case .inspect(let reference, let raw, let login): return try await inspect(reference, raw: raw, login)
        case .tags(let repository, let limit, let login): return try await tags(repository, limit: limit, login)
        case .repos(let registry, let limit, let login): return try await repos(registry, limit: limit, login)
        case .login(let registry, let user, let passwordFromInput):
            return try await login(registry, user: user, passwordFromInput: passwordFromInput)
        case .logout(let registry): return try await logout(registry)
        case .limit(let registry, let change): return try await limit(registry, change)
        case .doctor(let registry, let login): return try await doctor(registry, login)
        case .registries(let registry, let forget): return try await registries(registry, forget: forget)
        case .images: return try await images()
        case .events(let follow, let since): return try await events(follow: follow, since: since)
        case .ping(let wait): return try await ping(wait: wait)
        case .version: return try await version()
        case .completion(let shell):
            try console.write(Array(shell.completions.utf8))
            return ExitStatus.done
        case .help(let topic):
            let spec = CommandSpec.all.first { $0.name == topic }
            try console.print(spec.map(helpText(of:)) ?? helpText(of: CommandSpec.groups))
            return ExitStatus.done
        }
    }

    /// One call on a connection of its own.
    func call<M: Method>(_ method: M.Type, _ input: M.Input) async throws -> M.Output {
        try await daemon.connect().call(method, input)
    }

    /// Scripts are promised the blobs of each job, which most answers leave out.
    func withBlobs(_ jobs: [JobInfo], over client: ControlClient) async throws -> [JobInfo] {
        let missing = jobs.filter { $0.blobs == nil }.map(\.id)
        guard !missing.isEmpty else { return jobs }
        let found = try await list(missing, withBlobs: true, over: client).jobs
        let blobs = Dictionary(found.map { ($0.id, $0.blobs) }, uniquingKeysWith: { first, _ in first })
        return jobs.map { job in
            var job = job
            if job.blobs == nil { job.blobs = blobs[job.id] ?? nil }
            return job
        }
    }

    /// What jobs came to: tells of each that did not succeed, and weighs them into one exit status.
    func verdict(on jobs: [JobInfo]) -> Int32 {
        var status = ExitStatus.done
        for job in jobs where job.state != "succeeded" {
            let what = "job \(job.id) to \(job.destination)"
            let why = job.error?.message ?? "no reason is known"
            switch job.state {
            case "failed": console.complain("\(what) failed: \(why)", advice: job.error?.advice)
            case "blocked":
                let stays = "job \(job.id) stays in the queue, and goes on when that is fixed"
                let advice = job.error?.advice.map { "\($0) (\(stays))" } ?? stays
                console.complain("\(what) is blocked: \(why)", advice: advice)
            case "superseded":
                let newer = job.supersededBy.map { "job \($0)" } ?? "a newer job"
                let advice = job.supersededBy.map { "wait for that one with: pushctl wait \($0)" }
                console.complain("\(what) did not run: \(newer) took its place", advice: advice)
            default: console.complain("\(what) was \(job.state)", advice: nil)
            }
            let isTimeout = job.state == "failed" && job.error?.code == "timeout"
            if !isTimeout || status == ExitStatus.failed {
                status = ExitStatus.failed
            } else {
                status = ExitStatus.timedOut
            }
        }
        return status
    }
}
