import Control
import FoundationEssentials
import ImageStore
import OCI
import Publisher
import PushQueue
import Registry
import System

/// What the control socket offers, carried out by the publisher: decides what the caller may, checks what came in, and puts
/// answers into words.
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
    /// Who may what at present.
    let roles: @Sendable () -> ControlRoles
    let names: UserNames
    /// One line for each call that changes something.
    let log: @Sendable (String) -> Void

    // MARK: Who calls

    /// What the caller may, at this moment: a reload may have taken it away since he connected.
    ///
    /// - Throws: ``ControlError``.
    func rights(of caller: Caller) async throws -> CallerRights {
        var caller = caller
        caller.name = await names.name(of: caller.identity.uid)
        guard let rights = roles().rights(of: caller) else { throw ControlError.notAdmitted }
        return rights
    }

    /// - Parameter what: what it is about, as the start of a sentence: `pausing a registry`.
    /// - Throws: ``ControlError`` for a member.
    func operatorRights(of caller: Caller, for what: String) async throws -> CallerRights {
        let rights = try await rights(of: caller)
        guard rights.isOperator else {
            throw ControlError(
                .notAllowed, "\(what) is for operators",
                advice: "run it as root, or let an administrator name you in control.operators of pushd.json5",
                code: "operators-only")
        }
        return rights
    }

    /// - Parameter what: what was changed; no secret.
    func note(_ method: String, _ rights: CallerRights, _ what: String) {
        log("\(method) by \(rights.caller.shown): \(what)")
    }

    /// A login that came with a call.
    ///
    /// - Throws: ``PushRefusal`` where its files can't be read.
    func login(_ login: JobLogin?, _ files: [LoginFile]?) throws -> PushLogin? {
        if let login { return .given(user: login.user, password: Secret(login.password)) }
        guard let files else { return nil }
        do {
            return .files(try CallersLogins(files: files.map { ($0.path, Array($0.content.utf8)) }))
        } catch {
            throw PushRefusal.loginMissing(registry: "", error)
        }
    }

    // MARK: Pushes

    func push(_ input: Push.Input, by caller: Caller) async throws -> Push.Output {
        try await translatingErrors {
            let rights = try await rights(of: caller)
            var request = PushRequest(input)
            request.login = try login(input.login, input.loginFiles)
            request.rights = rights
            if input.dryRun == true {
                let answer = try await publisher.plan(request)
                return Push.Output(
                    jobs: [], plan: answer.pushes.map { PlannedPush($0) }, leftOut: LeftOutImage.list(answer.leftOut))
            }
            var jobs: [JobInfo] = []
            let answer = try await publisher.push(request)
            note("push", rights, "\(input.image), \(Self.list(answer.pushes.map { Int($0.id) }))")
            for accepted in answer.pushes {
                guard let snapshot = try await publisher.snapshot(accepted.id, withBlobs: false) else { continue }
                jobs.append(JobInfo(snapshot, withBlobs: false, for: rights))
            }
            return Push.Output(jobs: jobs, leftOut: LeftOutImage.list(answer.leftOut))
        }
    }

    /// `job 3`, `jobs 3, 4`; of many only how many.
    static func list(_ jobs: [Int]) -> String {
        switch jobs.count {
        case 0: "no jobs"
        case 1: "job \(jobs[0])"
        case ...20: "jobs " + jobs.map(String.init).joined(separator: ", ")
        case let count: "\(count) jobs from \(jobs.min() ?? 0) to \(jobs.max() ?? 0)"
        }
    }

    // MARK: What is here

    func images(_ input: Images.Input, by caller: Caller) async throws -> Images.Output {
        try await translatingErrors {
            let rights = try await rights(of: caller)
            let (images, failures) = try await publisher.images(actsAs: rights.actsAs)
            if images.isEmpty, let failure = failures.first { throw failure.error }
            var infos: [LocalImageInfo] = []
            for image in images {
                let pushed = try await publisher.publications(
                    of: image.root.digest, askedBy: rights.isOperator ? nil : caller.identity.uid)
                let size = await publisher.size(of: image, actsAs: rights.actsAs)
                infos.append(LocalImageInfo(image, size: size, pushed: pushed))
            }
            let unreadable = failures.map { failure in
                UnreadableStore(store: failure.store, error: JobErrorInfo(ControlError(failure.error)))
            }
            return Images.Output(images: infos, unreadable: unreadable.isEmpty ? nil : unreadable)
        }
    }

    func events(_ input: Events.Input, by caller: Caller) -> AsyncThrowingStream<Events.Output, any Error> {
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
                // For each anew: a reload may end it.
                let rights = try await rights(of: caller)
                return try await reader.value.next().map { Events.Output(event: EventInfo($0, for: rights)) }
            }
        }
    }

    func status(_ input: Status.Input, by caller: Caller) async throws -> Status.Output {
        try await translatingErrors {
            _ = try await rights(of: caller)
            let counts = try await publisher.counts()
            return Status.Output(
                version: version, pid: Int(ProcessID.own), startedAt: Timestamp(milliseconds: startedAt),
                counts: Dictionary(uniqueKeysWithValues: counts.map { ($0.rawValue, $1) }),
                registries: await activity(), stateDirectory: stateDirectory,
                stores: await stores().map { "oci:" + $0 },
                warnings: await DiskSpace.look(at: stateDirectory)?.warning(of: stateDirectory).map { [$0] })
        }
    }
}
