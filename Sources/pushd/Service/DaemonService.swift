import Control
import FoundationEssentials
import ImageStore
import OCI
import Publisher
import PushQueue
import Registry

/// What the control socket offers, carried out by the publisher: checks what came in, and puts answers into words.
struct DaemonService: ControlService {
    let publisher: ImagePublisher
    let version: String
    let stateDirectory: String
    /// Where the control socket is; nil: the service manager made it.
    let socket: String?
    let stores: @Sendable () async -> [String]
    /// Where logins are kept at present.
    let logins: @Sendable () -> CredentialStore
    /// The files that logins are looked for in at present.
    let loginFiles: @Sendable () -> [String]
    let startedAt: Int64

    // MARK: Pushes

    func push(_ input: Push.Input) async throws -> Push.Output {
        try await translatingErrors {
            let request = try PushRequest(input)
            if input.dryRun == true {
                let answer = try await publisher.plan(request)
                return Push.Output(
                    jobs: [], plan: answer.pushes.map { PlannedPush($0) }, leftOut: LeftOutImage.list(answer.leftOut))
            }
            var jobs: [JobInfo] = []
            let answer = try await publisher.push(request)
            for accepted in answer.pushes {
                guard let snapshot = try await publisher.snapshot(accepted.id, withBlobs: false) else { continue }
                jobs.append(JobInfo(snapshot, withBlobs: false))
            }
            return Push.Output(jobs: jobs, leftOut: LeftOutImage.list(answer.leftOut))
        }
    }

    func follow(_ input: Follow.Input) -> AsyncThrowingStream<Follow.Output, any Error> {
        let follower = JobFollower(publisher: publisher, jobs: input.jobs, withBlobs: true)
        return AsyncThrowingStream {
            try await translatingErrors { try await follower.next().map { Follow.Output(job: $0) } }
        }
    }

    func list(_ input: List.Input) async throws -> List.Output {
        try await translatingErrors {
            let states = input.states.flatMap { names in
                names.isEmpty ? nil : Set(names.compactMap(JobState.init(rawValue:)))
            }
            let missing = try await self.missing(among: input.jobs ?? [])
            if let first = missing.first, input.partial != true { throw unknownJob(first) }
            let registry: String? = if let name = input.registry { try await self.registry(name) } else { nil }
            let filter = JobFilter(
                states: states, ids: input.jobs.map { $0.map(JobID.init) }, registry: registry,
                before: input.before.map(JobID.init), limit: input.limit)
            let found = try await publisher.jobs(filter)
            var jobs: [JobInfo] = []
            for job in found {
                let withBlobs = input.withBlobs ?? false
                let wantsSums = !job.state.isEnded ? await publisher.isPartlySent(job.id) : false
                jobs.append(
                    JobInfo(
                        try await publisher.snapshot(job, withBlobs: withBlobs || wantsSums), withBlobs: withBlobs))
            }
            let counts = try await publisher.counts()
            return List.Output(
                jobs: jobs, counts: Dictionary(uniqueKeysWithValues: counts.map { ($0.rawValue, $1) }),
                left: left(missing))
        }
    }

    func show(_ input: Show.Input) async throws -> Show.Output {
        try await translatingErrors {
            guard let snapshot = try await publisher.snapshot(JobID(input.job)) else { throw unknownJob(input.job) }
            let attempts = try await publisher.attempts(of: JobID(input.job))
            return Show.Output(job: JobInfo(snapshot, withBlobs: true), attempts: attempts.map(AttemptInfo.init))
        }
    }

    func wait(_ input: Wait.Input) async throws -> Wait.Output {
        try await translatingErrors {
            let follower = JobFollower(publisher: publisher, jobs: input.jobs, withBlobs: false)
            guard let timeout = input.timeout else {
                while try await follower.next() != nil {}
                return Wait.Output(jobs: try await infos(input.jobs))
            }
            let isOver = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    while try await follower.next() != nil {}
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
            return Wait.Output(jobs: try await infos(input.jobs))
        }
    }

    func cancel(_ input: Cancel.Input) async throws -> Cancel.Output {
        try await translatingErrors {
            let missing = try await self.missing(among: input.jobs)
            if let first = missing.first, input.partial != true { throw unknownJob(first) }
            let known = input.jobs.filter { !missing.contains($0) }
            _ = try await publisher.cancel(known.map(JobID.init))
            return Cancel.Output(jobs: try await infos(known), left: left(missing))
        }
    }

    func retry(_ input: Retry.Input) async throws -> Retry.Output {
        try await translatingErrors {
            let missing = try await self.missing(among: input.jobs ?? [])
            if let first = missing.first, input.partial != true { throw unknownJob(first) }
            let outcome = try await publisher.retry(
                input.jobs.map { $0.filter { !missing.contains($0) }.map(JobID.init) })
            if input.partial != true, input.jobs != nil || outcome.revived.isEmpty {
                for case (_, .imageGone(let error)) in outcome.left { throw error }
            }
            let left = outcome.left.map(LeftJob.init) + missing.map { LeftJob(unknownJob($0), of: $0) }
            return Retry.Output(
                jobs: try await infos(outcome.revived.map(Int.init)), left: left.isEmpty ? nil : left)
        }
    }

    // MARK: The registry's side

    func verify(_ input: Verify.Input) async throws -> Verify.Output {
        try await translatingErrors {
            let level = input.level.flatMap(VerifyLevel.init(rawValue:)) ?? .blobs
            let reference = try remote(input.reference)
            guard let report = try await publisher.verify(reference, against: input.against, level: level) else {
                throw notFound(reference)
            }
            return Verify.Output(report: VerifyReport(report))
        }
    }

    private func notFound(_ reference: ImageReference) -> ControlError {
        ControlError(.remoteNotFound, "\(reference) is not in the registry", advice: "check the repository and the tag")
    }

    func inspect(_ input: Inspect.Input) async throws -> Inspect.Output {
        try await translatingErrors {
            let reference = try remote(input.reference)
            guard let image = try await publisher.inspect(reference, withPlatforms: input.raw != true) else {
                throw notFound(reference)
            }
            // Kinds that pushd could not push are shown too, as long as they are documents at all.
            if let fault = image.manifest.fault, case .notJSON = fault.reason {
                throw ControlError(
                    .registryFailed,
                    "cannot read the manifest of \(reference.path) at \(reference.domain): \(fault)",
                    advice: "check host and port of \(reference.domain)", code: "protocol-violation")
            }
            return Inspect.Output(reference, image)
        }
    }

    func tags(_ input: Tags.Input) -> AsyncThrowingStream<Tags.Output, any Error> {
        let pages = Task {
            try await translatingErrors {
                let reference = try remote(input.repository)
                guard reference.tag == nil, reference.digest == nil else {
                    throw ControlError(
                        .referenceInvalid, "\(reference) is one image, not a repository",
                        advice: "leave the tag out: \(reference.domain)/\(reference.path)")
                }
                return (reference, try await publisher.tags(of: reference, limit: input.limit))
            }
        }
        return AsyncThrowingStream {
            try await translatingErrors {
                let (reference, pages) = try await pages.value
                do {
                    return try await pages.next().map { Tags.Output(tags: $0) }
                } catch let error as RegistryError where error.cause == .contentMissing {
                    throw ControlError(
                        .remoteNotFound, "there is no repository \(reference.path) at \(reference.domain)",
                        advice: "check its name, and whether the login that pushd has may see it")
                }
            }
        }
    }

    func repositories(_ input: Repositories.Input) -> AsyncThrowingStream<Repositories.Output, any Error> {
        let pages = Task {
            try await translatingErrors {
                try await publisher.repositories(of: registry(input.registry), limit: input.limit)
            }
        }
        return AsyncThrowingStream {
            try await translatingErrors {
                try await pages.value.next().map { Repositories.Output(repositories: $0) }
            }
        }
    }

    /// A reference in a registry; it must say which.
    func remote(_ text: String) throws -> ImageReference {
        let reference = try ImageReference(parsing: text)
        guard reference.isQualified else {
            throw ControlError(
                .referenceInvalid, "\"\(text.prefix(200))\" does not say which registry",
                advice: "write HOST[:PORT]/REPOSITORY[:TAG]; Docker Hub is docker.io/\(reference.path)")
        }
        return reference
    }

    // MARK: What is here

    func images(_ input: Images.Input) async throws -> Images.Output {
        try await translatingErrors {
            let (images, failures) = try await publisher.images()
            if images.isEmpty, let failure = failures.first { throw failure.error }
            var infos: [LocalImageInfo] = []
            for image in images {
                let pushed = try await publisher.publications(of: image.root.digest)
                infos.append(LocalImageInfo(image, size: await publisher.size(of: image), pushed: pushed))
            }
            let unreadable = failures.map { failure in
                UnreadableStore(store: failure.store, error: JobErrorInfo(ControlError(failure.error)))
            }
            return Images.Output(images: infos, unreadable: unreadable.isEmpty ? nil : unreadable)
        }
    }

    func events(_ input: Events.Input) -> AsyncThrowingStream<Events.Output, any Error> {
        let follow = input.follow == true
        let start: EventStart =
            if let after = input.after {
                .after(Int64(after))
            } else if let since = input.since {
                .since(since.milliseconds)
            } else {
                follow ? .now : .oldest
            }
        // From this moment on, although the first is read only when the client has room.
        let reader = Task { try await publisher.events(from: start, follow: follow) }
        return AsyncThrowingStream {
            try await translatingErrors {
                try await reader.value.next().map { Events.Output(event: EventInfo($0)) }
            }
        }
    }

    func status(_ input: Status.Input) async throws -> Status.Output {
        try await translatingErrors {
            let counts = try await publisher.counts()
            return Status.Output(
                version: version, pid: Int(ProcessID.own), startedAt: Timestamp(milliseconds: startedAt),
                counts: Dictionary(uniqueKeysWithValues: counts.map { ($0.rawValue, $1) }),
                registries: await activity(), stateDirectory: stateDirectory,
                stores: await stores().map { "oci:" + $0 },
                warnings: await DiskSpace.look(at: stateDirectory)?.warning(of: stateDirectory).map { [$0] })
        }
    }

    // MARK: Helpers

    private func infos(_ ids: [Int]) async throws -> [JobInfo] {
        var jobs: [JobInfo] = []
        for id in ids {
            guard let snapshot = try await publisher.snapshot(JobID(id), withBlobs: false) else { throw unknownJob(id) }
            jobs.append(JobInfo(snapshot, withBlobs: false))
        }
        return jobs
    }

    /// Those of the numbers that no job has.
    private func missing(among wanted: [Int]) async throws -> Set<Int> {
        guard !wanted.isEmpty else { return [] }
        let found = try await publisher.jobs(JobFilter(ids: wanted.map(JobID.init)))
        return Set(wanted).subtracting(found.map { Int($0.id) })
    }

    private func left(_ missing: Set<Int>) -> [LeftJob]? {
        missing.isEmpty ? nil : missing.sorted().map { LeftJob(unknownJob($0), of: $0) }
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
