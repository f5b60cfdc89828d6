import Synchronization
import Testing

@testable import Control

@Suite("Calls to the control server", .timeLimit(.minutes(2)))
struct ControlServerCallTests {
    @Test("reach the service, and its answer comes back whole")
    func roundTrip() async throws {
        let service = FakeService(onPush: { input in
            var job = JobInfo.sample()
            job.image = input.image
            return Push.Output(jobs: [job])
        })
        try await withServer(service) { fixture in
            let output = try await fixture.client.call(Push.self, Push.Input(image: "team/app:ä/\u{1F680}\u{0}"))
            var expected = JobInfo.sample()
            expected.image = "team/app:ä/\u{1F680}\u{0}"
            #expect(output == Push.Output(jobs: [expected]))
        }
    }

    @Test("the service describes itself")
    func introspection() async throws {
        try await withServer(FakeService()) { fixture in
            let client = try await fixture.client
            let info = try await client.call(GetInfo.self, GetInfo.Input())
            #expect(info.version == "1.2.3")
            #expect(info.interfaces == ["org.varlink.service", "org.pushd.Control"])
            for interface in info.interfaces {
                let output = try await client.call(
                    GetInterfaceDescription.self, GetInterfaceDescription.Input(interface: interface))
                #expect(output.description.contains("interface \(interface)\n"))
            }
            let error = await #expect(throws: ControlError.self) {
                try await client.call(GetInterfaceDescription.self, GetInterfaceDescription.Input(interface: "a.b"))
            }
            #expect(error?.kind == .interfaceNotFound("a.b"))
        }
    }

    @Test(
        "that nobody can answer get the standard errors, and the connection goes on",
        arguments: [
            (#"{"method":"org.pushd.Control.Nope"}"#, "MethodNotFound", #""method":"org.pushd.Control.Nope""#),
            (#"{"method":"org.example.Push"}"#, "InterfaceNotFound", #""interface":"org.example""#),
            (#"{"method":"Push"}"#, "InvalidParameter", #""parameter":"method""#),
            (
                #"{"method":"org.pushd.Control.Follow","parameters":{"jobs":[1]}}"#, "ExpectedMore",
                #""code":"more-expected""#
            ),
            (#"{"method":"org.pushd.Control.Status","upgrade":true}"#, "InvalidParameter", #""parameter":"upgrade""#),
            (#"{"method":"org.pushd.Control.Show"}"#, "InvalidParameter", #""parameter":"job""#),
            (
                #"{"method":"org.pushd.Control.Show","parameters":{"job":"1"}}"#, "InvalidParameter",
                #""parameter":"job""#
            ),
            (
                #"{"method":"org.pushd.Control.Show","parameters":{"job":1e99}}"#, "InvalidParameter",
                #""parameter":"job""#
            ),
            (
                #"{"method":"org.pushd.Control.Show","parameters":{"job":null}}"#, "InvalidParameter",
                #""parameter":"job""#
            ),
            (
                #"{"method":"org.pushd.Control.Show","parameters":{"job":1,"x":1}}"#, "InvalidParameter",
                #""parameter":"x""#
            ),
            (
                #"{"method":"org.pushd.Control.Wait","parameters":{"jobs":[1,[]]}}"#, "InvalidParameter",
                #""parameter":"jobs""#
            ),
            (
                #"{"method":"org.pushd.Control.Events","more":true,"parameters":{"since":"now"}}"#, "InvalidParameter",
                #""parameter":"since""#
            ),
        ])
    func standardErrors(call: String, error: String, parameters: String) async throws {
        try await withServer(FakeService(onStatus: { _ in .sample })) { fixture in
            let client = try fixture.raw
            try await client.send(call + #"␀{"method":"org.pushd.Control.Status"}␀"#)
            let replies = try await client.receive(2)
            #expect(replies.count == 2)
            #expect(replies.first?.contains("\"error\":\"org.varlink.service.\(error)\"") == true)
            #expect(replies.first?.contains(parameters) == true)
            #expect(replies.last?.contains("\"stateDirectory\"") == true)
        }
    }

    @Test("errors of the service keep their type; others become 'Failed' without control characters")
    func serviceErrors() async throws {
        struct Odd: Error, CustomStringConvertible { let description = "odd\u{1B}[2J\nthing" }
        let typed = ControlError(.registryFailed, "no", advice: "ask", code: "denied")
        let service = FakeService(onShow: { _ in throw typed }, onCancel: { _ in throw Odd() })
        try await withServer(service) { fixture in
            let client = try await fixture.client
            await #expect(throws: typed) { try await client.call(Show.self, Show.Input(job: 1)) }
            let error = await #expect(throws: ControlError.self) {
                try await client.call(Cancel.self, Cancel.Input(jobs: [1]))
            }
            #expect(error?.kind == .failed)
            #expect(error?.message == "odd\u{FFFD}[2J\u{FFFD}thing")
        }
    }

    @Test("with 'oneway' run and get no reply, also where the client leaves at once", arguments: [false, true])
    func oneway(leaves: Bool) async throws {
        let hasRun = Signal()
        let service = FakeService(
            onPause: { _ in
                hasRun.give()
                return Pause.Output(registries: [])
            }, onStatus: { _ in .sample })
        try await withServer(service) { fixture in
            let client = try fixture.raw
            try await client.send(
                #"{"method":"org.pushd.Control.Pause","oneway":true}␀{"method":"org.pushd.Control.Nope","oneway":true}␀"#
            )
            if leaves {
                client.hangUp()
            } else {
                try await client.send(#"{"method":"org.pushd.Control.Status"}␀"#)
                #expect(try await client.receive(1).first?.contains("stateDirectory") == true)
            }
            await hasRun.wait()
        }
    }

    @Test("a client that has said all it wants still gets its answers, and then the end")
    func halfClosed() async throws {
        try await withServer(FakeService(onStatus: { _ in .sample })) { fixture in
            let client = try fixture.raw
            try await client.send(String(repeating: #"{"method":"org.pushd.Control.Status"}␀"#, count: 3) + "{")
            client.endInput()
            #expect(try await client.receive().count == 3)
        }
    }

    @Test(
        "that are no calls are refused with the reason, after the answers before them, and the connection ends",
        arguments: [
            ("{]", "not JSON at byte 1"), ("", "not JSON"), ("[]", "not a JSON object"), ("{}", "no 'method'"),
            (#"{"method":"a.B","more":true,"oneway":true}"#, "'oneway' and 'more'"),
            (#"{"method":"a.B","parameters":"# + String(repeating: "[", count: 500), "deeper than 32"),
            (#"{"method":""# + String(repeating: "x", count: 2000) + #""}"#, "longer than 1000 bytes"),
            (String(repeating: "x", count: 400_000), "longer than 1000 bytes"),
        ])
    func malformed(message: String, reason: String) async throws {
        var limits = ControlLimits()
        limits.messageBytes = 1000
        try await withServer(FakeService(onStatus: { _ in .sample }), limits: limits) { fixture in
            let client = try fixture.raw
            try await client.send(#"{"method":"org.pushd.Control.Status"}␀"# + message + "␀")
            // The server may have hung up by now, which is as good: this call must not be answered.
            try? await client.send(#"{"method":"org.pushd.Control.Status"}␀"#)
            client.endInput()
            let replies = try await client.receive()
            #expect(replies.count == 2)
            #expect(replies.first?.contains("stateDirectory") == true)
            #expect(replies.last?.contains("org.pushd.Control.MessageRejected") == true)
            #expect(replies.last?.contains(reason) == true)
        }
    }

    @Test("an answer beyond the bound becomes an error")
    func tooLongAnswer() async throws {
        var limits = ControlLimits()
        limits.replyBytes = 1000
        let service = FakeService(onList: { _ in
            List.Output(jobs: Array(repeating: .sample(), count: 10), counts: [:])
        })
        try await withServer(service, limits: limits) { fixture in
            let error = await #expect(throws: ControlError.self) {
                try await fixture.client.call(List.self, List.Input())
            }
            #expect(error?.kind == .failed)
            #expect(error?.message.contains("1000 bytes") == true)
        }
    }
}

extension Status.Output {
    static let sample = Status.Output(
        version: "1.2.3", pid: 1, startedAt: Timestamp(milliseconds: 0), counts: [:], registries: [],
        stateDirectory: "/var/lib/pushd", stores: [])
}
