internal import FoundationEssentials

/// One call, as it stands on the wire.
///
/// Source: varlink.org, "Method Call". Keys that this version doesn't know are skipped.
struct CallMessage: Sendable {
    /// Bounds the work that one message can make.
    static let depthLimit = 32

    let method: String
    /// A JSON object, of valid grammar.
    let parameters: Data
    let parameterNames: [String]
    /// No reply may be sent.
    let oneway: Bool
    /// Several replies may be sent.
    let more: Bool
    /// The caller wants to speak another protocol afterwards, which no method here offers.
    let upgrade: Bool

    init(parsing bytes: UnsafeRawBufferPointer) throws(MessageFault) {
        var method: String?
        var parameters = Data([UInt8(ascii: "{"), UInt8(ascii: "}")])
        var names: [String] = []
        var (oneway, more, upgrade) = (false, false, false)
        for member in try JSONSkimmer.members(of: bytes, depthLimit: Self.depthLimit) {
            let value = member.value
            switch member.key {
            case "method":
                guard bytes[value.lowerBound] == UInt8(ascii: "\"") else { throw .wrongType(key: "method") }
                method = try JSONSkimmer.string(bytes, value)
            case "parameters":
                if isNull(bytes, value) { continue }
                guard bytes[value.lowerBound] == UInt8(ascii: "{") else { throw .wrongType(key: "parameters") }
                let object = UnsafeRawBufferPointer(rebasing: bytes[value])
                names = try JSONSkimmer.members(of: object, depthLimit: Self.depthLimit).map(\.key)
                parameters = Data(object)
            case "oneway": oneway = try flag(bytes, member)
            case "more": more = try flag(bytes, member)
            case "upgrade": upgrade = try flag(bytes, member)
            default: continue
            }
        }
        guard let method else { throw .missing(key: "method") }
        guard !(oneway && more) else { throw .contradiction }
        self.method = method
        self.parameters = parameters
        parameterNames = names
        (self.oneway, self.more, self.upgrade) = (oneway, more, upgrade)
    }

    /// The bytes of a call, with the zero at their end.
    static func bytes<M: Method>(
        _ method: M.Type, _ input: M.Input, more: Bool = false, oneway: Bool = false
    ) throws -> [UInt8] {
        let parameters = try WireCoding.encode(input)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parameters.count + M.name.utf8.count + 64)
        bytes += #"{"method":""#.utf8
        bytes += M.name.utf8
        bytes += #"","parameters":"#.utf8
        bytes += parameters
        if more { bytes += #","more":true"#.utf8 }
        if oneway { bytes += #","oneway":true"#.utf8 }
        bytes += [UInt8(ascii: "}"), 0]
        return bytes
    }
}

/// A flag's value; null counts as absent.
func flag(_ bytes: UnsafeRawBufferPointer, _ member: JSONSkimmer.Member) throws(MessageFault) -> Bool {
    switch bytes[member.value.lowerBound] {
    case UInt8(ascii: "t"): true
    case UInt8(ascii: "f"), UInt8(ascii: "n"): false
    default: throw .wrongType(key: member.key)
    }
}

func isNull(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) -> Bool {
    bytes[value.lowerBound] == UInt8(ascii: "n")
}
