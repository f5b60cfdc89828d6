internal import Control

/// Any number of jobs, in pieces that one call may name.
extension Session {
    /// So many jobs go into one call, and so many into one answer.
    static let piece = 1000

    private func pieces(_ jobs: [Int]) -> [[Int]] {
        stride(from: 0, to: jobs.count, by: Self.piece).map { Array(jobs[$0..<min($0 + Self.piece, jobs.count)]) }
    }

    /// The jobs of these numbers; numbers without a job are in `left`.
    func list(
        _ jobs: [Int], states: [String]? = nil, of user: String? = nil, withBlobs: Bool?, over client: ControlClient
    ) async throws -> List.Output {
        var whole = List.Output(jobs: [], counts: [:], left: [])
        for piece in pieces(jobs) {
            let input = List.Input(
                states: states, jobs: piece, user: user, withBlobs: withBlobs, partial: true)
            let part = try await client.call(List.self, input)
            whole.jobs += part.jobs
            whole.left? += part.left ?? []
            whole.counts = part.counts
        }
        whole.jobs.sort { $0.id > $1.id }
        return whole
    }

    /// The numbers that are meant, newest first where none were named: then of those jobs that are the caller's to change.
    func numbers(of selection: Command.JobSelection, over client: ControlClient) async throws -> [Int] {
        switch selection {
        case .ids(let jobs): return jobs
        case .inStates(let states, let registry):
            var (jobs, last): ([Int], Int?) = ([], nil)
            while true {
                let input = List.Input(states: states, registry: registry, limit: Self.piece, before: last)
                let page = try await client.call(List.self, input).jobs
                jobs += page.filter { $0.hidden != true }.map(\.id)
                if page.count < Self.piece { return jobs }
                last = page.last?.id
            }
        }
    }

    /// Calls `change` with the numbers that are meant, and adds up what it did and what it left.
    private func forEachPiece(
        of selection: Command.JobSelection, over client: ControlClient,
        _ change: @MainThread ([Int]) async throws -> (jobs: [JobInfo], left: [LeftJob]?)
    ) async throws -> (jobs: [JobInfo], left: [LeftJob]) {
        var (jobs, left): ([JobInfo], [LeftJob]) = ([], [])
        for piece in pieces(try await numbers(of: selection, over: client)) {
            let output = try await change(piece)
            jobs += output.jobs
            left += output.left ?? []
        }
        return (jobs, left)
    }

    func cancel(_ selection: Command.JobSelection) async throws -> Int32 {
        let client = try await daemon.connect()
        let (jobs, left) = try await forEachPiece(of: selection, over: client) { piece in
            let output = try await client.call(Cancel.self, Cancel.Input(jobs: piece, partial: true))
            return (output.jobs, output.left)
        }
        if jobs.isEmpty, left.isEmpty, !json { try console.print("no jobs to cancel") }
        return try await printOutcome(jobs, left: left, over: client) {
            $0.state == "canceled" ? nil : "it had ended before"
        }
    }

    func retry(_ selection: Command.JobSelection, _ login: Command.PushLogin) async throws -> Int32 {
        let (client, own) = try await connect(with: login, for: "retry")
        let (jobs, left) = try await forEachPiece(of: selection, over: client) { piece in
            var input = Retry.Input(jobs: piece, partial: true)
            var registries: Set<String> = []
            if case .files = own {
                registries = Set(try await list(piece, withBlobs: nil, over: client).jobs.map(\.registry))
            }
            (input.login, input.loginFiles) = try own.parameters(for: registries)
            let output = try await client.call(Retry.self, input)
            return (output.jobs, output.left)
        }
        if jobs.isEmpty, left.isEmpty, !json {
            let isFailed = selection == .inStates(["failed", "blocked"], registry: nil)
            try console.print(isFailed ? "no failed jobs" : "no jobs to try again")
        }
        return try await printOutcome(jobs, left: left, over: client) { _ in nil }
    }

    /// Prints what was done, and what was not; a job that does not exist decides the exit status.
    private func printOutcome(
        _ jobs: [JobInfo], left: [LeftJob], over client: ControlClient, note: (JobInfo) -> String?
    ) async throws -> Int32 {
        if jobs.isEmpty, left.count == 1, let only = left.first, !only.isNeedless { throw Failure(only) }
        if json {
            try console.printJSON(JobsDocument(try await withBlobs(jobs, over: client), left: left))
            return status(of: left)
        }
        for job in jobs {
            var line = jobLine(job)
            if let note = note(job) { line.append(" (\(note))", .dim) }
            try console.print(line)
        }
        for job in left where job.isNeedless { try console.print(Line(job.error.message)) }
        return complain(of: left)
    }

    /// Reports the jobs that a command left as they are: missing ones in one line, the others one by one, ten at most.
    func complain(of left: [LeftJob]) -> Int32 {
        let shown = 10
        let missing = left.filter(\.isMissing)
        if let first = missing.first {
            let ids = missing.prefix(shown).map { String($0.job) }.joined(separator: ", ")
            let more = missing.count > shown ? " and \(missing.count - shown) more" : ""
            console.complain(
                missing.count == 1 ? first.error.message : "there are no jobs \(ids)\(more)", advice: first.error.advice
            )
        }
        let others = left.filter { !$0.isMissing && !$0.isNeedless }
        for job in others.prefix(shown) { console.complain(job.error.message, advice: job.error.advice) }
        if others.count > shown {
            console.complain(
                "\(others.count - shown) more jobs were left as they are", advice: "see each with: pushctl show JOB")
        }
        return status(of: left)
    }

    func status(of left: [LeftJob]) -> Int32 {
        if left.contains(where: \.isMissing) { return ExitStatus.notFound }
        return left.allSatisfy(\.isNeedless) ? ExitStatus.done : ExitStatus.failed
    }
}

extension Failure {
    /// The command changed nothing, and one job is the reason.
    init(_ left: LeftJob) {
        self.init(
            left.error.message, advice: left.error.advice,
            status: left.isMissing ? ExitStatus.notFound : ExitStatus.failed, code: left.error.code)
    }
}

extension LeftJob {
    var isMissing: Bool { error.code == "job-not-found" }
    /// The job is queued or runs already.
    var isNeedless: Bool { error.code == "retry-needless" }
}
