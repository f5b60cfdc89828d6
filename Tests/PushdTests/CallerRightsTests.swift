import Control
import FoundationEssentials
import OCI
import PushQueue
import System
import TestSupport
import Testing

@testable import Publisher
@testable import pushd

/// Who may what: the table of `docs/security.md`, method by method.
@Suite("Who may what", .timeLimit(.minutes(2)))
struct CallerRightsTests {
    enum Who: String, CaseIterable { case root, owner, operators, allowed, member, stranger }

    private static let callers: [Who: Caller] = [
        .root: ServiceBench.root, .owner: ServiceBench.owner, .operators: ServiceBench.operators,
        .allowed: ServiceBench.allowed, .member: ServiceBench.member, .stranger: ServiceBench.stranger,
    ]

    private static let operators: Set<Who> = [.root, .owner, .operators]
    private static let withAllow = operators.union([.allowed])
    private static let all = withAllow.union([.member])

    struct Row: Sendable, CustomTestStringConvertible {
        let what: String
        let who: Set<Who>
        /// Makes the call; `foreign` is a job of root's, `own` one of the caller's.
        let call: @Sendable (DaemonService, Caller, _ foreign: Int, _ own: Int) async throws -> Void

        var testDescription: String { what }

        init(
            _ what: String, _ who: Set<Who>,
            _ call: @escaping @Sendable (DaemonService, Caller, Int, Int) async throws -> Void
        ) {
            self.what = what
            self.who = who
            self.call = call
        }
    }

    private static let login = JobLogin(user: "u", password: "p")
    private static let (ci, other) = ("\(ServiceBench.registry)/ci/app:1", "\(ServiceBench.registry)/team/app:1")

    private static func push(
        _ what: String, _ who: Set<Who>, to destination: String,
        _ change: @escaping @Sendable (inout Push.Input) -> Void
    ) -> Row {
        Row("push " + what, who) { service, caller, _, _ in
            for isDryRun in [true, false] {
                var input = Push.Input(image: "app:1", destinations: [destination])
                change(&input)
                input.dryRun = isDryRun
                _ = try await service.push(input, by: caller)
            }
        }
    }

    private static func drain<Element>(_ stream: AsyncThrowingStream<Element, any Error>) async throws {
        for try await _ in stream {}
    }

    private static let rows: [Row] = [
        push("with an own login", all, to: other) { $0.login = login },
        push("with the daemon's login where it is allowed", withAllow, to: ci) { _ in },
        push("with the daemon's login elsewhere", operators, to: other) { _ in },
        push("by force where it is allowed", withAllow, to: ci) { ($0.login, $0.force) = (login, true) },
        push("by force elsewhere", operators, to: other) { ($0.login, $0.force) = (login, true) },
        push("with priority 1 where it is allowed", withAllow, to: ci) { ($0.login, $0.priority) = (login, 1) },
        push("with priority 1 elsewhere", operators, to: other) { ($0.login, $0.priority) = (login, 1) },
        push("with priority -1", all, to: other) { ($0.login, $0.priority) = (login, -1) },
        Row("follow", all) { service, caller, foreign, own in
            let stream = service.follow(Follow.Input(jobs: [foreign, own]), by: caller)
            for try await _ in stream { break }
        },
        Row("list", all) { service, caller, foreign, _ in
            _ = try await service.list(List.Input(jobs: [foreign]), by: caller)
        },
        Row("list --user of another", operators) { service, caller, _, _ in
            _ = try await service.list(List.Input(user: "7999"), by: caller)
        },
        Row("list --user of himself", all) { service, caller, _, _ in
            _ = try await service.list(List.Input(user: "\(caller.identity.uid)"), by: caller)
        },
        Row("show", all) { service, caller, foreign, _ in
            _ = try await service.show(Show.Input(job: foreign), by: caller)
        },
        Row("wait", all) { service, caller, foreign, own in
            do { _ = try await service.wait(Wait.Input(jobs: [foreign, own], timeout: 0), by: caller) } catch let error
                as ControlError where error.kind == .timedOut
            {}
        },
        Row("cancel an own job", all) { service, caller, _, own in
            _ = try await service.cancel(Cancel.Input(jobs: [own]), by: caller)
        },
        Row("cancel another's job", operators) { service, caller, foreign, _ in
            _ = try await service.cancel(Cancel.Input(jobs: [foreign]), by: caller)
        },
        Row("retry an own job", all) { service, caller, _, own in
            _ = try await service.cancel(Cancel.Input(jobs: [own]), by: caller)
            let output = try await service.retry(Retry.Input(jobs: [own]), by: caller)
            #expect(output.jobs.map(\.id) == [own])
        },
        Row("retry another's job", operators) { service, caller, foreign, _ in
            _ = try await service.retry(Retry.Input(jobs: [foreign]), by: caller)
        },
        Row("verify where it is allowed", withAllow) { service, caller, _, _ in
            _ = try await service.verify(Verify.Input(reference: ci), by: caller)
        },
        Row("verify elsewhere", operators) { service, caller, _, _ in
            _ = try await service.verify(Verify.Input(reference: other), by: caller)
        },
        Row("verify with an own login", all) { service, caller, _, _ in
            _ = try await service.verify(Verify.Input(reference: other, login: login), by: caller)
        },
        Row("inspect where it is allowed", withAllow) { service, caller, _, _ in
            _ = try await service.inspect(Inspect.Input(reference: ci), by: caller)
        },
        Row("inspect elsewhere", operators) { service, caller, _, _ in
            _ = try await service.inspect(Inspect.Input(reference: other), by: caller)
        },
        Row("inspect with an own login", all) { service, caller, _, _ in
            _ = try await service.inspect(Inspect.Input(reference: other, login: login), by: caller)
        },
        Row("tags where it is allowed", withAllow) { service, caller, _, _ in
            try await drain(service.tags(Tags.Input(repository: "\(ServiceBench.registry)/ci/app"), by: caller))
        },
        Row("tags elsewhere", operators) { service, caller, _, _ in
            try await drain(service.tags(Tags.Input(repository: "\(ServiceBench.registry)/ci"), by: caller))
        },
        Row("tags with an own login", all) { service, caller, _, _ in
            let input = Tags.Input(repository: "\(ServiceBench.registry)/team/app", login: login)
            try await drain(service.tags(input, by: caller))
        },
        Row("repositories of a registry", operators) { service, caller, _, _ in
            try await drain(service.repositories(Repositories.Input(registry: ServiceBench.registry), by: caller))
        },
        Row("repositories with an own login", all) { service, caller, _, _ in
            let input = Repositories.Input(registry: ServiceBench.registry, login: login)
            try await drain(service.repositories(input, by: caller))
        },
        Row("doctor for the installation", operators) { service, caller, _, _ in
            for try await _ in service.doctor(Doctor.Input(), by: caller) { break }
        },
        Row("doctor where it is allowed", withAllow) { service, caller, _, _ in
            let input = Doctor.Input(registry: "\(ServiceBench.registry)/ci/app")
            try await drain(service.doctor(input, by: caller))
        },
        Row("doctor for a registry", operators) { service, caller, _, _ in
            try await drain(service.doctor(Doctor.Input(registry: ServiceBench.registry), by: caller))
        },
        Row("doctor with an own login", all) { service, caller, _, _ in
            let input = Doctor.Input(registry: ServiceBench.registry, login: login)
            try await drain(service.doctor(input, by: caller))
        },
        Row("images", all) { service, caller, _, _ in _ = try await service.images(Images.Input(), by: caller) },
        Row("events", all) { service, caller, _, _ in try await drain(service.events(Events.Input(), by: caller)) },
        Row("status", all) { service, caller, _, _ in _ = try await service.status(Status.Input(), by: caller) },
        Row("registries", all) { service, caller, _, _ in
            _ = try await service.registries(Registries.Input(), by: caller)
        },
        Row("registries --forget", operators) { service, caller, _, _ in
            let input = Registries.Input(registry: ServiceBench.registry, forget: true)
            _ = try await service.registries(input, by: caller)
        },
        Row("login", operators) { service, caller, _, _ in
            let input = Login.Input(registry: ServiceBench.registry, user: "u", password: "p")
            _ = try await service.login(input, by: caller)
        },
        Row("logout", operators) { service, caller, _, _ in
            _ = try await service.logout(Logout.Input(registry: ServiceBench.registry), by: caller)
        },
        Row("pause", operators) { service, caller, _, _ in _ = try await service.pause(Pause.Input(), by: caller) },
        Row("resume", operators) { service, caller, _, _ in _ = try await service.resume(Resume.Input(), by: caller) },
        Row("limit", operators) { service, caller, _, _ in
            _ = try await service.limit(Limit.Input(change: "lift"), by: caller)
        },
    ]

    @Test("is the same for every method, as the table says", arguments: rows)
    func table(row: Row) async throws {
        try await ServiceBench.with { bench in
            let foreign = try await bench.push(as: ServiceBench.root, to: "root/app:1")
            for who in Who.allCases {
                let caller = try #require(Self.callers[who])
                let own =
                    who == .stranger ? foreign : try await bench.push(as: caller, to: "own/\(caller.identity.uid):1")
                let logged = bench.lines.all.count
                let error: ControlError?
                do {
                    try await row.call(bench.service, caller, foreign, own)
                    error = nil
                } catch let refusal as ControlError { error = refusal }
                let isRefused = error?.kind == .notAllowed || error?.kind == .permissionDenied
                #expect(isRefused != row.who.contains(who), "\(who): \(String(describing: error))")
                if who == .stranger {
                    #expect(error?.kind == .permissionDenied)
                } else if isRefused {
                    #expect(error?.kind == .notAllowed && error?.advice != nil, "\(who)")
                }
                if isRefused { #expect(bench.lines.all.count == logged, "what is refused changes nothing") }
            }
        }
    }

    @Test("an operator's place, a member's and what he is allowed are taken anew at each call")
    func reload() async throws {
        try await ServiceBench.with { bench in
            let member = ServiceBench.member
            _ = try await bench.service.status(Status.Input(), by: member)
            bench.roles.value = ControlRoles(own: 7000, operators: [.group(70)])
            _ = try await bench.service.pause(Pause.Input(), by: member)
            bench.roles.value = ControlRoles(own: 7000)
            let error = await #expect(throws: ControlError.self) {
                try await bench.service.status(Status.Input(), by: member)
            }
            #expect(error?.kind == .permissionDenied)
        }
    }

    @Test("the refusal of the daemon's login names the line to add, and the way without it")
    func advice() async throws {
        try await ServiceBench.with { bench in
            let error = await #expect(throws: ControlError.self) {
                try await bench.service.push(
                    Push.Input(image: "app:1", destinations: [Self.other]), by: ServiceBench.member)
            }
            #expect((error?.kind, error?.code) == (.notAllowed, "not-allowed"))
            #expect(
                error?.advice
                    == "use a login of your own: --my-login, or -u USER; or let an administrator add to pushd.json5: "
                    + "control: { allow: [{ user: \"mel\", to: [\"127.0.0.1:1/team/**\"] }] }")
            let operatorsOnly = await #expect(throws: ControlError.self) {
                try await bench.service.pause(Pause.Input(), by: ServiceBench.member)
            }
            #expect(operatorsOnly?.code == "operators-only")
            #expect(operatorsOnly?.advice?.contains("control.operators") == true)
            let another = try await bench.push(as: ServiceBench.root, to: "x:1")
            let notYours = await #expect(throws: ControlError.self) {
                try await bench.service.cancel(Cancel.Input(jobs: [another]), by: ServiceBench.member)
            }
            #expect(notYours?.code == "job-of-another")
            let output = try await bench.service.cancel(
                Cancel.Input(jobs: [another], partial: true), by: ServiceBench.member)
            #expect(output.jobs.isEmpty && output.left?.map(\.error.code) == ["job-of-another"])
        }
    }

    @Test("each call that changes something is one line of the log, with who did it and no secret")
    func log() async throws {
        try await ServiceBench.with { bench in
            let job = try await bench.push(as: ServiceBench.member, to: "x:1")
            _ = try await bench.service.cancel(Cancel.Input(jobs: [job]), by: ServiceBench.member)
            _ = try await bench.service.retry(Retry.Input(jobs: [job], login: Self.login), by: ServiceBench.member)
            _ = try await bench.service.pause(Pause.Input(), by: ServiceBench.operators)
            _ = try await bench.service.status(Status.Input(), by: ServiceBench.member)
            #expect(
                bench.lines.all == [
                    "push by mel (7002), process 7003: app:1, job \(job)",
                    "cancel by mel (7002), process 7003: job \(job)",
                    "retry by mel (7002), process 7003: job \(job)",
                    "pause by user 7001, process 7002: all registries",
                ])
        }
    }
}
