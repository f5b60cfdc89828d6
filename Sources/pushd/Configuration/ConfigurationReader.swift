import Control

/// Reads one object of the configuration key by key, and in the end refuses the keys that were not asked for.
///
/// What is not as it has to be is noted among the faults and read as absent.
struct ConfigurationReader {
    let path: String
    let faults: ConfigurationFaults
    private let values: [String: ConfigurationValue]
    /// Whether there is an object; where not, its parts are not missed.
    private let isObject: Bool
    private var known: Set<String> = []

    /// Notes a fault unless `value` is an object.
    init(_ value: ConfigurationValue, path: String, faults: ConfigurationFaults) {
        self.path = path
        self.faults = faults
        if case .object(let values) = value {
            (self.values, isObject) = (values, true)
        } else {
            (self.values, isObject) = ([:], false)
            faults.add(ConfigurationError(path: path, reason: "an object is wanted, not \(value.kind)"))
        }
    }

    /// The object's keys, for objects whose keys are names of the user's own.
    var keys: [String] { values.keys.sorted() }

    func place(of key: String) -> String {
        let isPlain = key.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        }
        let name = isPlain && !key.isEmpty ? String(key.prefix(100)) : "\"\(key.prefix(100))\""
        return path.isEmpty ? name : path + "." + name
    }

    /// The value at `key`; nil where it is absent or null.
    mutating func value(_ key: String) -> ConfigurationValue? {
        known.insert(key)
        guard let value = values[key], value != .null else { return nil }
        return value
    }

    /// Notes a fault.
    func refuse(_ key: String, _ reason: String) {
        if isObject { faults.add(ConfigurationError(path: place(of: key), reason: reason)) }
    }

    /// Notes a fault; nil is what is read in its place.
    private func refused<Value>(_ key: String, _ reason: String) -> Value? {
        refuse(key, reason)
        return nil
    }

    mutating func text(_ key: String) -> String? {
        guard let value = value(key) else { return nil }
        guard case .text(let text) = value, !text.isEmpty else {
            return refused(key, "a text is wanted, not \(value.kind)")
        }
        return text
    }

    /// Whether `""` stands at `key`, which means "none" there.
    mutating func isEmptyText(_ key: String) -> Bool { value(key) == .text("") }

    /// A path that does not depend on where the daemon was started.
    mutating func absolutePath(_ key: String) -> String? {
        guard let text = text(key) else { return nil }
        guard text.hasPrefix("/") else { return refused(key, "an absolute path is wanted, not \"\(text.prefix(60))\"") }
        return text
    }

    mutating func bool(_ key: String) -> Bool? {
        guard let value = value(key) else { return nil }
        guard case .bool(let bool) = value else { return refused(key, "true or false is wanted, not \(value.kind)") }
        return bool
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = value(key) else { return nil }
        let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound) is wanted"
        guard case .number(let number) = value else { return refused(key, "\(allowed), not \(value.kind)") }
        guard let integer = Int(exactly: number), range.contains(integer) else {
            return refused(key, "\(allowed), not \(value.kind)")
        }
        return integer
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, of type: Choice.Type
    ) -> Choice? where Choice.RawValue == String {
        guard let value = value(key) else { return nil }
        let allowed = type.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        guard case .text(let text) = value, let choice = Choice(rawValue: text) else {
            return refused(key, "one of \(allowed) is wanted, not \(value.kind)")
        }
        return choice
    }

    /// A span of time: a number of seconds, or a text such as `"1.5s"`, `"5m"`, `"2h"`, `"7d"`.
    ///
    /// - Parameter mayBeNever: for the error: whether the caller looks for ``isNever(_:)`` first.
    mutating func duration(
        _ key: String, atLeast least: Duration = .zero, mayBeNever: Bool = false
    ) -> Duration? {
        guard let value = value(key) else { return nil }
        let duration: Duration? =
            switch value {
            case .number(let seconds) where (0...1e10).contains(seconds): .milliseconds(Int64(seconds * 1000))
            case .text(let text): Quantity.duration(text)
            default: nil
            }
        let orNever = mayBeNever ? ", or \"never\"," : ""
        guard let duration else {
            return refused(
                key, "a time such as 30, \"30s\", \"5m\", \"2h\" or \"7d\"\(orNever) is wanted, not \(value.kind)")
        }
        guard duration >= least else { return refused(key, "at least \(Quantity.text(least))\(orNever) is wanted") }
        return duration
    }

    /// Whether `"never"` stands at `key`. A word of its own: `null` means the default, and 0 could be read as both ends.
    mutating func isNever(_ key: String) -> Bool { value(key) == .text("never") }

    /// A number of bytes, or a text such as `"64KiB"`, `"32MiB"`, `"10GB"`.
    mutating func bytes(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = value(key) else { return nil }
        let bytes: Int64? =
            switch value {
            case .number(let number): Int64(exactly: number)
            case .text(let text): Quantity.bytes(text)
            default: nil
            }
        guard let bytes else {
            return refused(key, "a size such as 1048576, \"32MiB\" or \"10GB\" is wanted, not \(value.kind)")
        }
        guard range.contains(bytes) else {
            return refused(
                key, "a size from \(range.lowerBound) to \(range.upperBound) bytes is wanted, not \(value.kind)")
        }
        return bytes
    }

    /// A list of texts; a single text counts as a list of one.
    mutating func texts(_ key: String) -> [String]? {
        guard let value = value(key) else { return nil }
        switch value {
        case .text(let text): return [text]
        case .list(let list):
            var texts: [String] = []
            for (index, item) in list.enumerated() {
                if case .text(let text) = item {
                    texts.append(text)
                } else {
                    let path = place(of: key, entry: index, of: list.count)
                    faults.add(ConfigurationError(path: path, reason: "a text is wanted, not \(item.kind)"))
                }
            }
            return texts.count == list.count ? texts : nil
        default: return refused(key, "a text or a list of texts is wanted, not \(value.kind)")
        }
    }

    /// Whether nothing stands at `key`, or an empty list.
    mutating func hasNoEntries(_ key: String) -> Bool { value(key).map { $0 == .list([]) } ?? true }

    /// What ``texts(_:)`` reads, and where each text stands; empty where there is none.
    mutating func items(_ key: String) -> [(text: String, path: String)] {
        let texts = texts(key) ?? []
        return texts.enumerated().map { ($1, place(of: key, entry: $0, of: texts.count)) }
    }

    /// The place of one of several entries, from 0; a single one is named by the key alone.
    private func place(of key: String, entry: Int, of count: Int) -> String {
        place(of: key) + (count > 1 ? "[\(entry)]" : "")
    }

    mutating func list(_ key: String) -> [ConfigurationValue]? {
        guard let value = value(key) else { return nil }
        guard case .list(let list) = value else { return refused(key, "a list is wanted, not \(value.kind)") }
        return list
    }

    /// The object at `key`, or an empty one.
    mutating func object(_ key: String) -> ConfigurationReader {
        ConfigurationReader(value(key) ?? .object([:]), path: place(of: key), faults: faults)
    }

    /// Notes the keys that were not asked for, with what may have been meant and what is allowed.
    func finish() {
        for unknown in values.keys.filter({ !known.contains($0) }).sorted() {
            let meant = nearest(to: unknown, among: known.sorted()).map { "did you mean \($0)? " } ?? ""
            refuse(unknown, "there is no such setting; \(meant)allowed here: \(known.sorted().joined(separator: ", "))")
        }
    }
}

extension Quantity {
    /// At most some 300 years.
    static func duration(_ text: String) -> Duration? {
        guard let seconds = seconds(text), seconds <= 1e10 else { return nil }
        return .milliseconds(Int64((seconds * 1000).rounded()))
    }

    /// A time of whole milliseconds, as ``duration(_:)`` reads it.
    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }
}
