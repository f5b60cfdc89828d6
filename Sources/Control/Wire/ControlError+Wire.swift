internal import FoundationEssentials

extension ControlError {
    /// The fields of all errors together; each error has those that its declaration names.
    struct WireParameters: Codable, Equatable {
        var message: String?
        var advice: String?
        var code: String?
        var parameter: String?
        var interface: String?
        var method: String?
    }

    static let ownPrefix = "org.pushd.Control."
    static let standardPrefix = "org.varlink.service."

    var wireName: String {
        switch kind {
        case .imageNotFound: Self.ownPrefix + "ImageNotFound"
        case .imageInvalid: Self.ownPrefix + "ImageInvalid"
        case .destinationMissing: Self.ownPrefix + "DestinationMissing"
        case .referenceInvalid: Self.ownPrefix + "ReferenceInvalid"
        case .jobNotFound: Self.ownPrefix + "JobNotFound"
        case .remoteNotFound: Self.ownPrefix + "RemoteNotFound"
        case .registryFailed: Self.ownPrefix + "RegistryFailed"
        case .refused: Self.ownPrefix + "Refused"
        case .notAllowed: Self.ownPrefix + "NotAllowed"
        case .timedOut: Self.ownPrefix + "TimedOut"
        case .queueUnavailable: Self.ownPrefix + "QueueUnavailable"
        case .stopping: Self.ownPrefix + "Stopping"
        case .failed: Self.ownPrefix + "Failed"
        case .messageRejected: Self.ownPrefix + "MessageRejected"
        case .tooManyConnections: Self.ownPrefix + "TooManyConnections"
        case .parameterInvalid: Self.ownPrefix + "ParameterInvalid"
        case .permissionDenied: Self.standardPrefix + "PermissionDenied"
        case .interfaceNotFound: Self.standardPrefix + "InterfaceNotFound"
        case .methodNotFound: Self.standardPrefix + "MethodNotFound"
        case .methodNotImplemented: Self.standardPrefix + "MethodNotImplemented"
        case .invalidParameter: Self.standardPrefix + "InvalidParameter"
        case .expectedMore: Self.standardPrefix + "ExpectedMore"
        case .unknown(let name): name
        }
    }

    var wireParameters: WireParameters {
        var parameters = WireParameters(message: message, advice: advice, code: code)
        switch kind {
        case .interfaceNotFound(let interface): parameters.interface = interface
        case .methodNotFound(let method), .methodNotImplemented(let method): parameters.method = method
        case .parameterInvalid(let parameter), .invalidParameter(let parameter): parameters.parameter = parameter
        case .imageNotFound, .imageInvalid, .destinationMissing, .referenceInvalid, .jobNotFound, .remoteNotFound,
            .registryFailed, .refused, .notAllowed, .timedOut, .queueUnavailable, .stopping, .failed, .messageRejected,
            .tooManyConnections, .permissionDenied, .expectedMore, .unknown:
            break
        }
        return parameters
    }

    /// Reads an error reply. Fields that are missing or of another type are done without.
    init(name: String, parameters: Data) {
        let fields = LenientFields(parameters)
        let kind = Self.kind(name, fields)
        let message = fields["message"]
        self.init(
            kind, message ?? Self.message(kind),
            advice: fields["advice"] ?? (message == nil ? Self.advice(kind) : nil), code: fields["code"])
    }

    private static func kind(_ name: String, _ fields: LenientFields) -> Kind {
        switch name {
        case ownPrefix + "ImageNotFound": .imageNotFound
        case ownPrefix + "ImageInvalid": .imageInvalid
        case ownPrefix + "DestinationMissing": .destinationMissing
        case ownPrefix + "ReferenceInvalid": .referenceInvalid
        case ownPrefix + "JobNotFound": .jobNotFound
        case ownPrefix + "RemoteNotFound": .remoteNotFound
        case ownPrefix + "RegistryFailed": .registryFailed
        case ownPrefix + "Refused": .refused
        case ownPrefix + "NotAllowed": .notAllowed
        case ownPrefix + "TimedOut": .timedOut
        case ownPrefix + "QueueUnavailable": .queueUnavailable
        case ownPrefix + "Stopping": .stopping
        case ownPrefix + "Failed": .failed
        case ownPrefix + "MessageRejected": .messageRejected
        case ownPrefix + "TooManyConnections": .tooManyConnections
        case ownPrefix + "ParameterInvalid": .parameterInvalid(fields["parameter"] ?? "")
        case standardPrefix + "PermissionDenied": .permissionDenied
        case standardPrefix + "InterfaceNotFound": .interfaceNotFound(fields["interface"] ?? "")
        case standardPrefix + "MethodNotFound": .methodNotFound(fields["method"] ?? "")
        case standardPrefix + "MethodNotImplemented": .methodNotImplemented(fields["method"] ?? "")
        case standardPrefix + "InvalidParameter": .invalidParameter(fields["parameter"] ?? "")
        case standardPrefix + "ExpectedMore": .expectedMore
        default: .unknown(name)
        }
    }

    /// What the standard errors mean: another service, or an earlier pushd, sends them without a text.
    private static func message(_ kind: Kind) -> String {
        switch kind {
        case .permissionDenied: notAdmitted.message
        case .interfaceNotFound(let name): "the daemon does not offer the interface \(shortened(name))"
        case .methodNotFound(let name): "the daemon does not know the method \(shortened(name))"
        case .methodNotImplemented(let name): "the daemon does not implement the method \(shortened(name))"
        case .parameterInvalid(let name), .invalidParameter(let name):
            "the daemon does not accept the parameter '\(shortened(name))' or its value"
        case .expectedMore: "the method must be called with 'more'"
        case .unknown(let name): "the daemon answered with the error \(shortened(name))"
        default: "the daemon gave no reason"
        }
    }

    private static func advice(_ kind: Kind) -> String? {
        switch kind {
        case .permissionDenied: notAdmitted.advice
        case .interfaceNotFound, .methodNotFound, .methodNotImplemented:
            "check that pushd and pushctl are of the same version, and restart pushd after an upgrade"
        default: nil
        }
    }
}

/// The text fields of a JSON object; fields of other types are left out.
private struct LenientFields: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private var fields: [String: String] = [:]

    init(_ object: Data) {
        self = (try? WireCoding.decode(LenientFields.self, from: object)) ?? LenientFields()
    }

    private init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            fields[key.stringValue] = try? container.decode(String.self, forKey: key)
        }
    }

    subscript(_ name: String) -> String? { fields[name] }
}
