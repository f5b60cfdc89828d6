import Control
import Publisher
import PushQueue
import System

/// What the control socket offers about accepted jobs: all of a caller's own, and little of others'.
extension DaemonService {
    func follow(_ input: Follow.Input, by caller: Caller) -> AsyncThrowingStream<Follow.Output, any Error> {
        let follower = JobFollower(publisher: publisher, jobs: input.jobs, withBlobs: true)
        return AsyncThrowingStream {
            try await translatingErrors {
                let rights = try await rights(of: caller)
                return try await follower.next(for: rights).map { Follow.Output(job: $0) }
            }
        }
    }

    func list(_ input: List.Input, by caller: Caller) async throws -> List.Output {
        try await translatingErrors {
            let rights = try await rights(of: caller)
            let user: UInt32? = if let name = input.user { try await self.user(name, rights) } else { nil }
            let states = input.states.flatMap { names in
                names.isEmpty ? nil : Set(names.compactMap(JobState.init(rawValue:)))
            }
            let found = try await self.find(input.jobs ?? []) { _ in true }
            if input.partial != true { try found.throwFirst(for: "list") }
            let registry: String? = if let name = input.registry { try await self.registry(name) } else { nil }
            let filter = JobFilter(
                states: states, ids: input.jobs.map { $0.map(JobID.init) }, registry: registry, user: user,
                before: input.before.map(JobID.init), limit: input.limit)
            var jobs: [JobInfo] = []
            for job in try await publisher.jobs(filter) {
                let withBlobs = input.withBlobs ?? false && rights.owns(job)
                let wantsSums = !job.state.isEnded ? await publisher.isPartlySent(job.id) : false
                let snapshot = try await publisher.snapshot(job, withBlobs: withBlobs || wantsSums)
                jobs.append(JobInfo(snapshot, withBlobs: withBlobs, for: rights))
            }
            let counts = try await publisher.counts()
            return List.Output(
                jobs: jobs, counts: Dictionary(uniqueKeysWithValues: counts.map { ($0.rawValue, $1) }),
                left: found.left(for: "list"))
        }
    }

    func show(_ input: Show.Input, by caller: Caller) async throws -> Show.Output {
        try await translatingErrors {
            let rights = try await rights(of: caller)
            guard let snapshot = try await publisher.snapshot(JobID(input.job)) else { throw unknownJob(input.job) }
            let job = JobInfo(snapshot, withBlobs: true, for: rights)
            guard rights.owns(snapshot.job) else { return Show.Output(job: job, attempts: []) }
            let attempts = try await publisher.attempts(of: JobID(input.job))
            return Show.Output(job: job, attempts: attempts.map(AttemptInfo.init))
        }
    }

    func wait(_ input: Wait.Input, by caller: Caller) async throws -> Wait.Output {
        try await translatingErrors {
            let rights = try await rights(of: caller)
            let follower = JobFollower(publisher: publisher, jobs: input.jobs, withBlobs: false)
            guard let timeout = input.timeout else {
                while try await follower.next(for: rights) != nil {}
                return Wait.Output(jobs: try await infos(input.jobs, rights))
            }
            let isOver = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    while try await follower.next(for: rights) != nil {}
                    return true
                }
                group.addTask {
                    try await Task.sleep(for: .seconds(timeout))
                    return false
                }
                let first = try await group.next() ?? false
                group.cancelAll()
                return first
            }
            guard isOver else {
                throw ControlError(
                    .timedOut, "the jobs have not ended within the time that was given",
                    advice: "they go on; see them with: pushctl status")
            }
            return Wait.Output(jobs: try await infos(input.jobs, rights))
        }
    }

    func cancel(_ input: Cancel.Input, by caller: Caller) async throws -> Cancel.Output {
        try await translatingErrors {
            let rights = try await rights(of: caller)
            let found = try await self.find(input.jobs) { rights.owns($0) }
            if input.partial != true { try found.throwFirst(for: "cancel") }
            let known = input.jobs.filter { !found.isLeft($0) }
            _ = try await publisher.cancel(known.map(JobID.init))
            if !known.isEmpty { note("cancel", rights, Self.list(known)) }
            return Cancel.Output(jobs: try await infos(known, rights), left: found.left(for: "cancel"))
        }
    }

    func retry(_ input: Retry.Input, by caller: Caller) async throws -> Retry.Output {
        try await translatingErrors {
            let rights = try await rights(of: caller)
            let login = try login(input.login, input.loginFiles)
            let found = try await self.find(input.jobs ?? []) { rights.mayRetry($0) }
            if input.partial != true { try found.throwFirst(for: "retry") }
            let outcome = try await publisher.retry(
                input.jobs.map { $0.filter { !found.isLeft($0) }.map(JobID.init) }, by: rights, login: login)
            if !outcome.revived.isEmpty { note("retry", rights, Self.list(outcome.revived.map(Int.init))) }
            if input.partial != true, input.jobs != nil || outcome.revived.isEmpty {
                for (_, reason) in outcome.left { if let error = reason.error { throw error } }
            }
            let left = outcome.left.map(LeftJob.init) + (found.left(for: "retry") ?? [])
            return Retry.Output(
                jobs: try await infos(outcome.revived.map(Int.init), rights), left: left.isEmpty ? nil : left)
        }
    }

    // MARK: Helpers

    private func infos(_ ids: [Int], _ rights: CallerRights) async throws -> [JobInfo] {
        var jobs: [JobInfo] = []
        for id in ids {
            guard let snapshot = try await publisher.snapshot(JobID(id), withBlobs: false) else { throw unknownJob(id) }
            jobs.append(JobInfo(snapshot, withBlobs: false, for: rights))
        }
        return jobs
    }

    /// The user whose jobs are wanted.
    ///
    /// - Throws: ``ControlError`` where there is none of that name, or a member asks for another's.
    private func user(_ text: String, _ rights: CallerRights) async throws -> UInt32 {
        guard let uid = await names.id(of: text) else {
            throw ControlError.refusing(
                "user", "there is no user \"\(text.prefix(60))\" on the daemon's machine",
                advice: "give a name that is there, or the user's number")
        }
        guard rights.isOperator || uid == rights.caller.identity.uid else {
            throw ControlError(
                .notAllowed, "what another user has asked for is for operators to see",
                advice: "leave --user out, or name yourself", code: "operators-only")
        }
        return uid
    }

    /// Looks which of the named jobs there are, and which of them the caller may not touch.
    private func find(_ wanted: [Int], mayTouch: (Job) -> Bool) async throws -> NamedJobs {
        guard !wanted.isEmpty else { return NamedJobs() }
        let found = try await publisher.jobs(JobFilter(ids: wanted.map(JobID.init)))
        return NamedJobs(
            missing: Set(wanted).subtracting(found.map { Int($0.id) }),
            others: Set(found.filter { !mayTouch($0) }.map { Int($0.id) }))
    }
}

/// Of the jobs that a call names, those that it leaves as they are.
private struct NamedJobs {
    var missing: Set<Int> = []
    var others: Set<Int> = []

    func isLeft(_ job: Int) -> Bool { missing.contains(job) || others.contains(job) }

    /// - Parameter verb: what was to be done: `cancel`.
    /// - Throws: ``ControlError``, for a job that is not there first.
    func throwFirst(for verb: String) throws(ControlError) {
        if let first = missing.min() { throw unknownJob(first) }
        if let first = others.min() { throw Self.notYours(first, verb) }
    }

    /// Nil where there is none.
    func left(for verb: String) -> [LeftJob]? {
        let left =
            missing.sorted().map { LeftJob(unknownJob($0), of: $0) }
            + others.sorted().map { LeftJob(Self.notYours($0, verb), of: $0) }
        return left.isEmpty ? nil : left
    }

    private static func notYours(_ job: Int, _ verb: String) -> ControlError {
        ControlError(
            .notAllowed, "you may not \(verb) job \(job): it is another user's",
            advice: "let that user do it, or an operator", code: "job-of-another")
    }
}

extension RetryOutcome.Reason {
    /// What fails a call that wanted this job to be retried; nil: it is only told.
    fileprivate var error: (any Error)? {
        switch self {
        case .imageGone(let error): error
        case .notAllowed(let refusal): refusal
        case .onItsWay, .over, .newerJob, .notYours: nil
        }
    }
}

func unknownJob(_ id: Int) -> ControlError {
    ControlError(.jobNotFound, "there is no job \(id)", advice: "pushctl status lists the jobs")
}

extension LeftJob {
    init(_ error: ControlError, of job: Int) {
        self.init(job: job, error: JobErrorInfo(error))
    }

    init(_ left: (job: JobID, reason: RetryOutcome.Reason)) {
        let reason = left.reason
        self.init(
            job: Int(left.job),
            error: JobErrorInfo(
                code: reason.code, message: "job \(left.job) is not tried again: \(reason.description)",
                advice: reason.advice))
    }
}
