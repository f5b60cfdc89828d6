/// JSON whose members stand in the order in which they were given, without white space: as Go's tools write manifests,
/// so that the same image gets the same digest from them and from here.
indirect enum OrderedJSON {
    case integer(Int64)
    case text(String)
    case list([OrderedJSON])
    /// Members that are nil are left out.
    case object([(String, OrderedJSON?)])

    func bytes() throws -> [UInt8] {
        var bytes: [UInt8] = []
        try write(to: &bytes)
        return bytes
    }

    private func write(to bytes: inout [UInt8]) throws {
        switch self {
        case .integer(let number): bytes += Array(String(number).utf8)
        case .text(let text): bytes += try JSONValue.string(text).bytes()
        case .list(let items):
            bytes.append(UInt8(ascii: "["))
            for (place, item) in items.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                try item.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for case (let name, let value?) in members {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                try OrderedJSON.text(name).write(to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                try value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}
