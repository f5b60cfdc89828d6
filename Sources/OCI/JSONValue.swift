internal import FoundationEssentials

/// Any JSON, so that members that pushd knows nothing of survive.
public enum JSONValue: Codable, Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init(parsing bytes: [UInt8]) throws { self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes)) }

    /// Reads a file that people and several tools edit: a byte order mark before it is passed over, and an empty file, which
    /// was just made, is an empty object.
    public init(edited bytes: [UInt8]) throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let json = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
        self = json.contains { $0 > 0x20 } ? try JSONValue(parsing: json) : .object([:])
    }

    /// One spelling for each value: keys sorted, no white space.
    ///
    /// - Parameter isForPeople: with white space, keys still sorted.
    public func bytes(forPeople isForPeople: Bool = false) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isForPeople { encoder.outputFormatting.insert(.prettyPrinted) }
        return Array(try encoder.encode(self))
    }

    /// A member of an object; nil elsewhere. Setting makes an object of what was none, and nil removes.
    public subscript(_ key: String) -> JSONValue? {
        get { if case .object(let members) = self { members[key] } else { nil } }
        set {
            guard case .object(var members) = self else {
                self = .object(newValue.map { [key: $0] } ?? [:])
                return
            }
            members[key] = newValue
            self = .object(members)
        }
    }

    /// The member of an object whose name is `name`, in upper or lower case: Go reads it so, and so do the tools whose
    /// files these are. The right spelling is preferred.
    public func member(_ name: String) -> JSONValue? { memberName(name).flatMap { self[$0] } }

    /// As the document spells it.
    public func memberName(_ name: String) -> String? {
        guard case .object(let members) = self else { return nil }
        if members[name] != nil { return name }
        return members.keys.filter { $0.lowercased() == name.lowercased() }.min()
    }

    public var items: [JSONValue]? {
        if case .array(let items) = self { items } else { nil }
    }

    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
