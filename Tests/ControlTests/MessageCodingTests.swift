import FoundationEssentials
import Testing

@testable import Control

@Suite("Calls and replies on the wire")
struct MessageCodingTests {
    @Test("a call that was written is read back as it was", arguments: [(false, false), (true, false), (false, true)])
    func call(more: Bool, oneway: Bool) throws {
        let input = Push.Input(image: "a\"b\\/\u{0}é", destinations: ["x"], priority: -3, force: true, timeout: 1.5)
        let bytes = try CallMessage.bytes(Push.self, input, more: more, oneway: oneway)
        #expect(bytes.last == 0)
        #expect(!bytes.dropLast().contains(0))
        let message = try parse(Array(bytes.dropLast()))
        #expect(message.method == "org.pushd.Control.Push")
        #expect(message.more == more)
        #expect(message.oneway == oneway)
        #expect(Set(message.parameterNames) == ["image", "destinations", "priority", "force", "timeout"])
        #expect(try WireCoding.decode(Push.Input.self, from: message.parameters) == input)
    }

    @Test(
        "what may be absent may be null, and keys that nobody knows are skipped",
        arguments: [
            #"{"method":"a.B"}"#, #"{"method":"a.B","parameters":null,"more":null,"oneway":false,"upgrade":null}"#,
            #"{"later":[{}],"method":"a.B","parameters":{}}"#,
        ])
    func lenient(text: String) throws {
        let message = try parse(Array(text.utf8))
        #expect(message.method == "a.B")
        #expect(message.parameterNames.isEmpty)
        #expect(!message.more && !message.oneway && !message.upgrade)
    }

    @Test(
        "a call that is none is refused with what is wrong",
        arguments: [
            ("{}", .missing(key: "method")), (#"{"method":1}"#, .wrongType(key: "method")),
            (#"{"method":"a.B","parameters":[]}"#, .wrongType(key: "parameters")),
            (#"{"method":"a.B","more":1}"#, .wrongType(key: "more")),
            (#"{"method":"a.B","more":true,"oneway":true}"#, .contradiction),
            (#"{"method":"a.B","method":"a.B"}"#, .duplicate(key: "method")),
            (#"{"method":"a.B","parameters":{"x":1,"x":2}}"#, .duplicate(key: "x")),
        ] as [(String, MessageFault)])
    func refused(text: String, fault: MessageFault) {
        #expect(throws: fault) { try parse(Array(text.utf8)) }
    }

    @Test("every error is read back as it was sent", arguments: samples)
    func errors(error: ControlError) throws {
        let bytes = ReplyMessage.bytes(error)
        let reply = try bytes.dropLast().withUnsafeBytes { try ReplyMessage(parsing: $0) }
        let name = try #require(reply.error)
        let read = ControlError(name: name, parameters: reply.parameters)
        #expect(read.kind == error.kind)
        #expect(read == error)
    }

    @Test("a standard error without a text, as other services send it, is put into words")
    func bareStandardError() {
        for error in Self.samples where error.wireName.hasPrefix(ControlError.standardPrefix) {
            let read = ControlError(name: error.wireName, parameters: Data(#"{"method":"a.B","parameter":"x"}"#.utf8))
            #expect(!read.message.isEmpty)
            #expect(read.code == error.code)
        }
    }

    @Test("an error with fields of other types still tells its name and what can be read")
    func lenientError() {
        let parameters = Data(#"{"message":7,"advice":"restart","code":null}"#.utf8)
        let error = ControlError(name: "org.pushd.Control.RegistryFailed", parameters: parameters)
        #expect(error.kind == .registryFailed)
        #expect(error.code == "registry-failed")
        #expect(error.advice == "restart")
        let unknown = ControlError(name: "org.example.New", parameters: Data("{}".utf8))
        #expect(unknown.kind == .unknown("org.example.New"))
        #expect(unknown.message.contains("org.example.New"))
    }

    @Test(
        "exit statuses follow from the kind of error",
        arguments: [
            (.imageNotFound, 4), (.jobNotFound, 4), (.remoteNotFound, 4), (.timedOut, 5), (.referenceInvalid, 2),
            (.destinationMissing, 2), (.invalidParameter("x"), 2), (.parameterInvalid("x"), 2), (.permissionDenied, 3),
            (.stopping, 3),
            (.registryFailed, 1), (.failed, 1),
        ] as [(ControlError.Kind, Int32)])
    func exitStatus(kind: ControlError.Kind, status: Int32) {
        #expect(ControlError(kind, "").exitStatus == status)
    }

    static let samples: [ControlError] = [
        ControlError(.imageNotFound, "m", advice: "a"), ControlError(.imageInvalid, "m"),
        ControlError(.destinationMissing, "m\n\"\u{0}"), ControlError(.referenceInvalid, "m"),
        ControlError(.jobNotFound, "m"), ControlError(.remoteNotFound, "m"),
        ControlError(.registryFailed, "m", advice: "a", code: "denied"), ControlError(.refused, "m"),
        ControlError(.notAllowed, "m", advice: "a", code: "operators-only"),
        ControlError(.timedOut, "m"), ControlError(.queueUnavailable, "m", advice: "a"), ControlError(.stopping, "m"),
        ControlError(.failed, "m"), ControlError(.messageRejected, "m", advice: "a"),
        ControlError(.tooManyConnections, "m", advice: "a"), ControlError(.permissionDenied, ""),
        ControlError(.interfaceNotFound("a.b"), ""), ControlError(.methodNotFound("a.B"), ""),
        ControlError(.methodNotImplemented("a.B"), ""), ControlError(.invalidParameter("x"), ""),
        ControlError(.parameterInvalid("x"), "m", advice: "a"),
        ControlError(.expectedMore, ""),
    ]

    private func parse(_ bytes: [UInt8]) throws -> CallMessage {
        try bytes.withUnsafeBytes { try CallMessage(parsing: $0) }
    }
}
