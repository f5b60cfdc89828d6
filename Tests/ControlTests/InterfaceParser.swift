/// A reader of Varlink's interface language, just large enough for the tests.
///
/// Source: varlink.org, "Interface Definition". It takes no more than the grammar allows.
struct InterfaceParser {
    indirect enum Kind: Equatable {
        case bool, int, float, string, object
        case named(String)
        case array(Kind), map(Kind), nullable(Kind)
        case fields([String: Kind])
    }

    struct Interface {
        var name = ""
        var types: [String: [String: Kind]] = [:]
        var methods: [String: (input: [String: Kind], output: [String: Kind])] = [:]
        var errors: [String: [String: Kind]] = [:]
    }

    struct Fault: Error { let near: String }

    private var tokens: ArraySlice<String>

    static func parse(_ text: String) throws -> Interface {
        var parser = InterfaceParser(tokens: try tokens(of: text)[...])
        return try parser.interface()
    }

    private static func tokens(of text: String) throws -> [String] {
        var tokens: [String] = []
        var word = ""
        func flush() {
            if !word.isEmpty { tokens.append(word) }
            word = ""
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            for character in line.prefix(while: { $0 != "#" }) {
                switch character {
                case " ", "\t": flush()
                case "(", ")", ",", ":", "?", "[", "]":
                    flush()
                    tokens.append(String(character))
                case _
                where character.isASCII && (character.isLetter || character.isNumber) || "._->".contains(character):
                    word.append(character)
                default: throw Fault(near: String(line))
                }
            }
            flush()
        }
        return tokens
    }

    private mutating func interface() throws -> Interface {
        var result = Interface()
        try expect("interface")
        result.name = try word { $0.contains(".") }
        while let keyword = tokens.popFirst() {
            let name = try word { $0.first?.isUppercase == true && $0.allSatisfy { $0.isLetter || $0.isNumber } }
            switch keyword {
            case "type":
                guard result.types.updateValue(try fields(), forKey: name) == nil else { throw Fault(near: name) }
            case "error":
                guard result.errors.updateValue(try fields(), forKey: name) == nil else { throw Fault(near: name) }
            case "method":
                let input = try fields()
                try expect("->")
                guard result.methods.updateValue((input, try fields()), forKey: name) == nil else {
                    throw Fault(near: name)
                }
            default: throw Fault(near: keyword)
            }
        }
        return result
    }

    private mutating func fields() throws -> [String: Kind] {
        try expect("(")
        var fields: [String: Kind] = [:]
        if tokens.first == ")" {
            tokens.removeFirst()
            return fields
        }
        repeat {
            let name = try word { $0.first?.isLetter == true && !$0.contains("__") && !$0.hasSuffix("_") }
            try expect(":")
            guard fields.updateValue(try kind(), forKey: name) == nil else { throw Fault(near: name) }
        } while take(",")
        try expect(")")
        return fields
    }

    private mutating func kind() throws -> Kind {
        if take("?") {
            let inner = try kind()
            if case .nullable = inner { throw Fault(near: "??") }
            return .nullable(inner)
        }
        if take("[") {
            if take("]") { return .array(try kind()) }
            try expect("string")
            try expect("]")
            return .map(try kind())
        }
        if tokens.first == "(" { return .fields(try fields()) }
        switch try word({ !$0.contains(".") }) {
        case "bool": return .bool
        case "int": return .int
        case "float": return .float
        case "string": return .string
        case "object": return .object
        case let name: return .named(name)
        }
    }

    private mutating func take(_ token: String) -> Bool {
        guard tokens.first == token else { return false }
        tokens.removeFirst()
        return true
    }

    private mutating func expect(_ token: String) throws {
        guard take(token) else { throw Fault(near: tokens.prefix(5).joined(separator: " ")) }
    }

    private mutating func word(_ isValid: (String) -> Bool) throws -> String {
        guard let word = tokens.popFirst(), isValid(word) else {
            throw Fault(near: tokens.prefix(5).joined(separator: " "))
        }
        return word
    }
}
