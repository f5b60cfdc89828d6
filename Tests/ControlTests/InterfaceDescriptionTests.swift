import FoundationEssentials
import Testing

@testable import Control

@Suite("The interface's description")
struct InterfaceDescriptionTests {
    private typealias Kind = InterfaceParser.Kind

    /// One method with all its fields set, and with all set that must be.
    struct Sample: Sendable, CustomTestStringConvertible {
        let method: String
        let parameters: [String]
        let input: [Data]
        let output: [Data]

        var testDescription: String { method }

        init<M: Method>(_ method: M.Type, _ input: [M.Input], _ output: [M.Output]) {
            self.method = M.name
            parameters = M.Input.CodingKeys.allCases.map(\.stringValue)
            // Text, numbers and flags always encode.
            self.input = input.compactMap { try? WireCoding.encode($0) }
            self.output = output.compactMap { try? WireCoding.encode($0) }
        }
    }

    @Test("names exactly the methods and errors that there are")
    func names() throws {
        let own = try InterfaceParser.parse(controlInterfaceDescription)
        let standard = try InterfaceParser.parse(standardInterfaceDescription)
        #expect(own.name == "org.pushd.Control")
        #expect(standard.name == "org.varlink.service")
        let methods =
            own.methods.keys.map { "\(own.name).\($0)" } + standard.methods.keys.map { "\(standard.name).\($0)" }
        #expect(Set(methods) == Set(Self.samples.map(\.method)))
        let errors = own.errors.keys.map { "\(own.name).\($0)" } + standard.errors.keys.map { "\(standard.name).\($0)" }
        #expect(Set(errors) == Set(MessageCodingTests.samples.map(\.wireName)))
    }

    @Test("agrees with every message: fields, types and what may be absent", arguments: samples)
    func messages(sample: Sample) throws {
        let text = sample.method.hasPrefix("org.pushd.") ? controlInterfaceDescription : standardInterfaceDescription
        let interface = try InterfaceParser.parse(text)
        let name = try #require(sample.method.split(separator: ".").last.map(String.init))
        let method = try #require(interface.methods[name])
        #expect(Set(sample.parameters) == Set(method.input.keys))
        #expect(sample.input.count == 2 && sample.output.count == 2)
        for (data, kind) in [(sample.input, method.input), (sample.output, method.output)] {
            try check(try decode(data[0]), .fields(kind), isFull: true, interface, at: name)
            try check(try decode(data[1]), .fields(kind), isFull: false, interface, at: name)
        }
    }

    @Test("agrees with every error's fields", arguments: MessageCodingTests.samples)
    func errors(error: ControlError) throws {
        let isOwn = error.wireName.hasPrefix("org.pushd.")
        let interface = try InterfaceParser.parse(isOwn ? controlInterfaceDescription : standardInterfaceDescription)
        let name = try #require(error.wireName.split(separator: ".").last.map(String.init))
        let fields = try #require(interface.errors[name])
        let full = ControlError(error.kind, "m", advice: "a")
        try check(
            try decode(WireCoding.encode(full.wireParameters)), .fields(fields), isFull: true, interface, at: name)
        let bare = ControlError(error.kind, "m")
        try check(
            try decode(WireCoding.encode(bare.wireParameters)), .fields(fields), isFull: false, interface, at: name)
    }

    /// A value that no type is known of.
    private enum Value: Decodable {
        case null, bool, int, float, string
        case array([Value]), object([String: Value])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if (try? container.decode(Bool.self)) != nil {
                self = .bool
            } else if (try? container.decode(Int.self)) != nil {
                self = .int
            } else if (try? container.decode(Double.self)) != nil {
                self = .float
            } else if (try? container.decode(String.self)) != nil {
                self = .string
            } else if let array = try? container.decode([Value].self) {
                self = .array(array)
            } else {
                self = .object(try container.decode([String: Value].self))
            }
        }
    }

    private func decode(_ data: Data) throws -> Value { try JSONDecoder().decode(Value.self, from: data) }

    /// Holds `value` against `kind`. With `isFull` every field must be there, without it only those that must.
    private func check(
        _ value: Value, _ kind: Kind, isFull: Bool, _ interface: InterfaceParser.Interface, at place: String
    ) throws {
        switch (value, kind) {
        case (_, .nullable(let inner)): try check(value, inner, isFull: isFull, interface, at: place)
        case (_, .named(let name)):
            let fields = try #require(interface.types[name], "\(place): no type \(name)")
            try check(value, .fields(fields), isFull: isFull, interface, at: place)
        case (.object(let object), .fields(let fields)):
            let wanted = fields.filter { if case .nullable = $0.value { isFull } else { true } }
            #expect(Set(object.keys) == Set(wanted.keys), "\(place)")
            for (name, kind) in wanted {
                if let value = object[name] {
                    try check(value, kind, isFull: isFull, interface, at: "\(place).\(name)")
                }
            }
        case (.object(let object), .map(let kind)):
            #expect(!object.isEmpty || !isFull, "\(place)")
            for value in object.values { try check(value, kind, isFull: isFull, interface, at: place) }
        case (.array(let array), .array(let kind)):
            #expect(!array.isEmpty || !isFull, "\(place)")
            for value in array { try check(value, kind, isFull: isFull, interface, at: place) }
        case (.bool, .bool), (.int, .int), (.float, .float), (.string, .string): break
        default: Issue.record("\(place): \(value) is not \(kind)")
        }
    }
}
