import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Control

@Suite("The control client", .timeLimit(.minutes(2)))
struct ControlClientTests {
    @Test("says that no daemon answers, where, and how to start one")
    func noDaemon() async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            let missing = await #expect(throws: ControlClientError.self) { try await ControlClient.connect(path: path) }
            #expect(missing?.cause == .noSocket)
            let number = try #require(SocketAddress.makeSocket())
            let address = try #require(SocketAddress(path: path))
            #expect(address.apply(Glibc.bind, to: number) == 0)
            close(number)
            let dead = await #expect(throws: ControlClientError.self) { try await ControlClient.connect(path: path) }
            #expect(dead?.cause == .nobodyListens)
            for error in [missing, dead] {
                #expect(error?.description.contains(path) == true)
                #expect(error?.exitStatus == 3)
            }
        }
    }

    @Test("gives up on a daemon that takes no connections")
    func busy() async throws {
        try await withSilentSocket(backlog: 0) { path in
            var clients: [ControlClient] = []
            let error = await #expect(throws: ControlClientError.self) {
                for _ in 0..<10 {
                    clients.append(try await ControlClient.connect(path: path, timeout: .milliseconds(20)))
                }
            }
            #expect(error?.cause == .busy)
        }
    }

    @Test("says which path is too long")
    func longPath() async {
        let path = "/" + String(repeating: "x", count: 107)
        let error = await #expect(throws: ControlClientError.self) { try await ControlClient.connect(path: path) }
        #expect(error?.cause == .pathInvalid(limit: 107))
        #expect(error?.exitStatus == 2)
    }

    @Test("gives up on a call in time, and throws its late reply away")
    func timeout() async throws {
        let mayEnd = Signal()
        let service = FakeService(
            onWait: { _ in
                await mayEnd.wait()
                return Wait.Output(jobs: [])
            }, onStatus: { _ in .sample })
        try await withServer(service) { fixture in
            let client = try await fixture.client
            let error = await #expect(throws: ControlClientError.self) {
                try await client.call(Wait.self, Wait.Input(jobs: [1]), timeout: .milliseconds(30))
            }
            #expect(error?.cause == .timedOut)
            #expect(error?.exitStatus == 5)
            mayEnd.give()
            #expect(try await client.call(Status.self, Status.Input(), timeout: .seconds(60)) == .sample)
        }
    }

    @Test("a cancelled call leaves the connection usable")
    func cancelled() async throws {
        let (begun, mayEnd) = (Signal(), Signal())
        let service = FakeService(
            onWait: { _ in
                begun.give()
                await mayEnd.wait()
                return Wait.Output(jobs: [])
            }, onStatus: { _ in .sample })
        try await withServer(service) { fixture in
            let client = try await fixture.client
            let task = Task { try await client.call(Wait.self, Wait.Input(jobs: [1])) }
            await begun.wait()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            mayEnd.give()
            #expect(try await client.call(Status.self, Status.Input()) == .sample)
        }
    }

    @Test("calls of several tasks get their own replies")
    func concurrent() async throws {
        let service = FakeService(onShow: { Show.Output(job: .sample(id: $0.job), attempts: []) })
        try await withServer(service) { fixture in
            let client = try await fixture.client
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for id in 0..<200 {
                    group.addTask { try await client.call(Show.self, Show.Input(job: id)).job.id == id }
                }
                for try await isOwn in group { #expect(isOwn) }
            }
        }
    }

    @Test("many calls keep each its own outcome")
    func many() async throws {
        let service = FakeService(onPush: { input in
            guard input.image != "1" else { throw ControlError(.imageNotFound, "no image 1") }
            return .named(input.image)
        })
        try await withServer(service) { fixture in
            let inputs = (0..<3).map { Push.Input(image: "\($0)") }
            let results = try await fixture.client.callMany(Push.self, inputs)
            #expect(try results[0].get().jobs[0].image == "0")
            #expect(throws: ControlError(.imageNotFound, "no image 1")) { try results[1].get() }
            #expect(try results[2].get().jobs[0].image == "2")
        }
    }

    @Test(
        "takes only Varlink for an answer",
        arguments: [
            ("{hello\0", "not JSON"), ("[]\0", "not a JSON object"), (#"{"parameters":[]}"# + "\0", "'parameters'"),
            ("{}\0", "no valid 'version'"), (#"{"parameters":{"version":1}}"# + "\0", "no valid"),
            (#"{"continues":true}"# + "\0", "several replies"),
        ])
    func protocolViolation(answer: String, reason: String) async throws {
        try await withAnswering(answer) { path in
            let client = try await ControlClient.connect(path: path)
            let error = await #expect(throws: ControlClientError.self) {
                try await client.call(Status.self, Status.Input())
            }
            guard case .protocolViolation(let found)? = error?.cause else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(found.contains(reason))
        }
    }

    @Test("bounds a reply")
    func tooLarge() async throws {
        try await withAnswering(String(repeating: "x", count: 5000)) { path in
            let client = try await ControlClient.connect(path: path, timeout: .seconds(5), replyLimit: 1000)
            let error = await #expect(throws: ControlClientError.self) {
                try await client.call(Status.self, Status.Input())
            }
            #expect(error?.cause == .replyTooLarge(limit: 1000))
        }
    }

    @Test("a closed client fails what waits and what comes later")
    func closed() async throws {
        let begun = Signal()
        let service = FakeService(onWait: { _ in
            begun.give()
            try await Task.sleep(for: .seconds(3600))
            return Wait.Output(jobs: [])
        })
        try await withServer(service) { fixture in
            let client = try await fixture.client
            let output = Task { try await client.call(Wait.self, Wait.Input(jobs: [1])) }
            await begun.wait()
            client.close()
            await #expect(throws: ControlClientError.self) { try await output.value }
            await #expect(throws: ControlClientError.self) { try await client.call(Status.self, Status.Input()) }
        }
    }

    /// A socket that listens and does nothing.
    private func withSilentSocket(backlog: Int32, _ body: (String) async throws -> Void) async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            let number = try #require(SocketAddress.makeSocket())
            defer { close(number) }
            let address = try #require(SocketAddress(path: path))
            #expect(address.apply(Glibc.bind, to: number) == 0)
            #expect(listen(number, backlog) == 0)
            try await body(path)
        }
    }

    /// A listener that answers the first call with `answer`, whatever it was.
    private func withAnswering(_ answer: String, _ body: (String) async throws -> Void) async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            let listener = try #require(SocketAddress.makeSocket())
            let address = try #require(SocketAddress(path: path))
            #expect(address.apply(Glibc.bind, to: listener) == 0)
            #expect(listen(listener, 1) == 0)
            #expect(fcntl(listener, F_SETFL, 0) == 0)
            let ended = Signal()
            DispatchQueue(label: "answering").async {
                let number = accept(listener, nil, nil)
                var byte: UInt8 = 1
                while byte != 0, read(number, &byte, 1) == 1 {}
                _ = Array(answer.utf8).withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
                while read(number, &byte, 1) == 1 {}
                close(number)
                close(listener)
                ended.give()
            }
            try await body(path)
            await ended.wait()
        }
    }
}
