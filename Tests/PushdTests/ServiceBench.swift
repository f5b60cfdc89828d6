import Control
import HTTP
import ImageStore
import OCI
import PushQueue
import Registry
import Synchronization
import System
import TestSupport

@testable import Publisher
@testable import pushd

/// The daemon's service over a queue and an image of the test's own, called as whoever the test likes.
struct ServiceBench {
    let directory: TemporaryDirectory
    let publisher: ImagePublisher
    let service: DaemonService
    let roles: Current<ControlRoles>
    /// What the service has logged.
    let lines: TestLines

    static let root = caller(0)
    static let owner = caller(7000)
    static let operators = caller(7001)
    static let member = caller(7002, groups: [70])
    static let allowed = caller(7003, groups: [70, 71])
    static let stranger = caller(7004, groups: [72])

    private static func caller(_ uid: UInt32, groups: [UInt32] = []) -> Caller {
        Caller(identity: UserIdentity(uid: uid, gid: uid, groups: groups), pid: Int32(uid) + 1)
    }

    /// A registry at which nobody answers.
    static let registry = "127.0.0.1:1"

    /// Runs `body`; jobs are accepted, and none begins.
    static func with(_ body: (ServiceBench) async throws -> Void) async throws {
        try await TemporaryDirectory.with { directory in
            let builder = try LayoutBuilder(directory: directory.file("images"))
            try builder.addImage(layers: [try builder.addLayer(size: 5000)], name: "app:1")
            try builder.writeIndexJSON()
            let publisher = ImagePublisher(
                queue: try JobStore(path: directory.file("queue.db")),
                spool: try Spool(directory: directory.file("spool"), acrossFileSystems: .copy),
                directories: [directory.file("images")], userFiles: .ofTheTest, rescan: .seconds(60),
                http: HTTPClient(), credentials: NoCredentials(), settings: PublisherSettings(), log: { _ in })
            try await publisher.prepare()
            let allow = ControlRoles.Allowance(
                to: [try DestinationPattern("\(registry)/ci/**")], who: .group(71))
            let roles = Current(
                ControlRoles(own: owner.identity.uid, operators: [.user(7001)], members: 70, allow: [allow]))
            let (lines, file) = (TestLines(), directory.file("logins.json"))
            let service = DaemonService(
                publisher: publisher, version: "1", stateDirectory: directory.path, socket: nil, stores: { [] },
                logins: { CredentialStore(paths: [file], environment: [:], home: nil) }, loginFiles: { [] },
                startedAt: 0, roles: { roles.value }, names: UserNames { $0 == 7002 ? "mel" : nil },
                log: { line in lines.add(line) })
            try await body(
                ServiceBench(directory: directory, publisher: publisher, service: service, roles: roles, lines: lines))
        }
    }

    /// Accepts a push with a login of its own, which everybody but a stranger may.
    func push(as caller: Caller, to destination: String) async throws -> Int {
        let input = Push.Input(
            image: "app:1", destinations: ["\(Self.registry)/\(destination)"],
            login: JobLogin(user: "u", password: "p"))
        guard let job = try await service.push(input, by: caller).jobs.first else {
            throw TestSupportError("nothing was accepted")
        }
        return job.id
    }
}

/// Lines of a log, kept for the test.
final class TestLines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}
