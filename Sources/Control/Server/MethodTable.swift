internal import FoundationEssentials
internal import System

/// How one method's calls are answered.
struct MethodHandler: Sendable {
    let name: String
    let overlaps: Bool
    let isStream: Bool
    /// Answers a call through its port, always to the end, and returns then.
    let run: @Sendable (CallMessage, Caller, ReplyPort) async -> Void
}

/// All methods that a server answers, by their full names.
struct MethodTable: Sendable {
    private let handlers: [String: MethodHandler]
    private let interfaces: Set<String>

    init(service: any ControlService, info: ServiceInfo) {
        let interfaces = ["org.varlink.service", "org.pushd.Control"]
        let all: [MethodHandler] = [
            Self.single(GetInfo.self) { _, _ in
                GetInfo.Output(
                    vendor: info.vendor, product: info.product, version: info.version, url: info.url,
                    interfaces: interfaces)
            },
            Self.single(GetInterfaceDescription.self) { input, _ in
                switch input.interface {
                case "org.varlink.service": GetInterfaceDescription.Output(description: standardInterfaceDescription)
                case "org.pushd.Control": GetInterfaceDescription.Output(description: controlInterfaceDescription)
                default: throw Self.unknownInterface(input.interface)
                }
            },
            Self.single(Push.self, service.push),
            Self.stream(Follow.self, service.follow),
            Self.single(List.self, service.list),
            Self.single(Show.self, service.show),
            Self.single(Wait.self, service.wait),
            Self.single(Cancel.self, service.cancel),
            Self.single(Retry.self, service.retry),
            Self.single(Verify.self, service.verify),
            Self.single(Inspect.self, service.inspect),
            Self.stream(Tags.self, service.tags),
            Self.stream(Repositories.self, service.repositories),
            Self.single(Login.self, service.login),
            Self.single(Logout.self, service.logout),
            Self.single(Images.self, service.images),
            Self.stream(Events.self, service.events),
            Self.single(Status.self, service.status),
            Self.single(Pause.self, service.pause),
            Self.single(Resume.self, service.resume),
            Self.single(Limit.self, service.limit),
            Self.single(Registries.self, service.registries),
            Self.stream(Doctor.self, service.doctor),
        ]
        handlers = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        self.interfaces = Set(interfaces)
    }

    /// The method's handler.
    ///
    /// - Throws: ``ControlError`` where the call can't be answered with any parameters.
    func handler(for call: CallMessage) throws(ControlError) -> MethodHandler {
        guard let handler = handlers[call.method] else { throw unknown(call.method) }
        guard !call.upgrade else {
            throw .unusable("upgrade", "no method can be upgraded", advice: "leave \"upgrade\" out")
        }
        guard call.more || !handler.isStream else {
            throw ControlError(
                .expectedMore, "\(call.method) answers with several replies",
                advice: "call it with \"more\": true (varlinkctl call --more)")
        }
        return handler
    }

    private func unknown(_ method: String) -> ControlError {
        let name = shortened(method)
        guard let dot = method.lastIndex(of: ".") else {
            return .unusable(
                "method", "\"\(name)\" is not a method: it is called by interface and name",
                advice: "write org.pushd.Control.\(name)")
        }
        guard interfaces.contains(String(method[..<dot])) else { return Self.unknownInterface(String(method[..<dot])) }
        return ControlError(
            .methodNotFound(name), "there is no method \(name)",
            advice: "org.varlink.service.GetInterfaceDescription tells which there are")
    }

    private static func unknownInterface(_ name: String) -> ControlError {
        ControlError(
            .interfaceNotFound(shortened(name)), "there is no interface \(shortened(name))",
            advice: "org.varlink.service.GetInfo tells which there are")
    }

    private static func single<M: Method>(
        _ method: M.Type, _ answer: @escaping @Sendable (M.Input, Caller) async throws -> M.Output
    ) -> MethodHandler {
        let known = parameterNames(method)
        return MethodHandler(name: M.name, overlaps: M.overlaps, isStream: false) { call, caller, port in
            do {
                let output = try await answer(input(of: call, method, known), caller)
                port.finish(port.wantsReply ? try ReplyMessage.bytes(parameters: WireCoding.encode(output)) : [])
            } catch {
                port.finish(ReplyMessage.bytes(controlError(for: error)))
            }
        }
    }

    private static func stream<M: StreamMethod>(
        _ method: M.Type,
        _ answer: @escaping @Sendable (M.Input, Caller) -> AsyncThrowingStream<M.Output, any Error>
    ) -> MethodHandler {
        let known = parameterNames(method)
        return MethodHandler(name: M.name, overlaps: false, isStream: true) { call, caller, port in
            do {
                let input = try input(of: call, method, known)
                let ending = M.ending(for: input)
                for try await output in answer(input, caller) {
                    let isLast = ending.isLast(output)
                    let reply = try ReplyMessage.bytes(parameters: WireCoding.encode(output), continues: !isLast)
                    if isLast { return port.finish(reply) }
                    guard await port.send(reply) else { return port.finish([]) }
                }
                guard !Task.isCancelled, let closing = ending.closing else { throw ControlError.stopping }
                port.finish(try ReplyMessage.bytes(parameters: WireCoding.encode(closing)))
            } catch {
                port.finish(ReplyMessage.bytes(controlError(for: error)))
            }
        }
    }

    private static func parameterNames<M: Method>(_ method: M.Type) -> Set<String> {
        Set(M.Input.CodingKeys.allCases.map(\.stringValue))
    }

    private static func input<M: Method>(
        of call: CallMessage, _ method: M.Type, _ known: Set<String>
    ) throws(ControlError) -> M.Input {
        if let unknown = call.parameterNames.first(where: { !known.contains($0) }) {
            throw .unusable(
                shortened(unknown), "\(M.name) has no parameter '\(shortened(unknown))'",
                advice: known.isEmpty ? "it takes none" : "it takes \(known.sorted().joined(separator: ", "))")
        }
        let input: M.Input
        do {
            input = try WireCoding.decode(M.Input.self, from: call.parameters)
        } catch {
            // For a number that is too large, the decoder does not name its key.
            let only = call.parameterNames.count == 1 ? call.parameterNames[0] : "parameters"
            let key = (error as? DecodingError)?.outermostKey ?? only
            throw .unusable(
                key, "the parameter '\(shortened(key))' of \(M.name) is missing or of another type",
                advice: "org.varlink.service.GetInterfaceDescription tells the types")
        }
        try input.check()
        return input
    }

    /// What a service threw, as the error that the client gets.
    private static func controlError(for error: any Error) -> ControlError {
        switch error {
        case let error as ControlError: error
        case is CancellationError: .stopping
        default: ControlError(.failed, shortened(String(describing: error)))
        }
    }
}

extension ControlError {
    /// A parameter that is unknown, missing or of another type, which Varlink has an error of its own for.
    fileprivate static func unusable(_ parameter: String, _ message: String, advice: String) -> ControlError {
        ControlError(.invalidParameter(parameter), message, advice: advice)
    }

    /// The daemon ends the call because it stops.
    static var stopping: ControlError {
        ControlError(.stopping, "the daemon is stopping", advice: "accepted jobs go on when it runs again")
    }

    /// The caller is neither the daemon's user nor root, nor in the group.
    static var notAdmitted: ControlError {
        ControlError(
            .permissionDenied, "this user may not control the daemon",
            advice: "run as the daemon's user or as root, or let an administrator add this user to its group")
    }

    /// Bytes that are no call.
    init(_ fault: MessageFault) {
        self.init(
            .messageRejected, "the message is no Varlink call: \(fault)",
            advice: "send JSON objects, each followed by one zero byte")
    }
}
