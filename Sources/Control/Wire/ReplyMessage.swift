internal import FoundationEssentials

/// One reply, as it stands on the wire.
///
/// Source: varlink.org, "Method Call".
struct ReplyMessage: Sendable {
    /// Replies nest little; a manifest travels as Base64.
    static let depthLimit = 64

    /// A JSON object, of valid grammar.
    let parameters: Data
    let continues: Bool
    /// The error's full name.
    let error: String?

    init(parsing bytes: UnsafeRawBufferPointer) throws(MessageFault) {
        var parameters = Data([UInt8(ascii: "{"), UInt8(ascii: "}")])
        var continues = false
        var error: String?
        for member in try JSONSkimmer.members(of: bytes, depthLimit: Self.depthLimit) {
            let value = member.value
            switch member.key {
            case "parameters":
                if isNull(bytes, value) { continue }
                guard bytes[value.lowerBound] == UInt8(ascii: "{") else { throw .wrongType(key: "parameters") }
                parameters = Data(bytes[value])
            case "continues": continues = try flag(bytes, member)
            case "error":
                if isNull(bytes, value) { continue }
                guard bytes[value.lowerBound] == UInt8(ascii: "\"") else { throw .wrongType(key: "error") }
                error = try JSONSkimmer.string(bytes, value)
            default: continue
            }
        }
        self.parameters = parameters
        self.continues = continues
        self.error = error
    }

    /// The bytes of a reply, with the zero at their end.
    static func bytes(parameters: Data, continues: Bool = false, error: String? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parameters.count + 64 + (error?.utf8.count ?? 0))
        bytes += "{".utf8
        if let error {
            bytes += #""error":""#.utf8
            bytes += error.utf8
            bytes += #"","#.utf8
        }
        bytes += #""parameters":"#.utf8
        bytes += parameters
        if continues { bytes += #","continues":true"#.utf8 }
        bytes += [UInt8(ascii: "}"), 0]
        return bytes
    }

    /// The bytes of an error reply.
    static func bytes(_ error: ControlError) -> [UInt8] {
        // Strings alone always encode; an empty object is no worse than what could not be said.
        let parameters = (try? WireCoding.encode(error.wireParameters)) ?? Data("{}".utf8)
        return bytes(parameters: parameters, error: error.wireName)
    }
}
