/// A configuration that is refused: nothing of it takes effect.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The file; filled in by the caller that read it.
    var file: String?
    /// The keys from the top to the fault: `registries."localhost:5000".caFile`. Empty for the whole file.
    let path: String
    /// What is wrong and what is allowed.
    let reason: String
    /// What to do about it; the reason says what is allowed.
    var advice: String?
    /// The other faults of the same file, in the order of reading.
    var others: [ConfigurationError] = []

    var description: String {
        guard others.isEmpty else {
            let faults = [self] + others
            let lines = faults.map { "\n  \($0.path.isEmpty ? "" : $0.path + ": ")\($0.reason)" }
            return (file.map { $0 + ": " } ?? "") + "\(faults.count) faults" + lines.joined()
        }
        let place = [file, path.isEmpty ? nil : path].compactMap { $0 }.joined(separator: ": ")
        return place.isEmpty ? reason : "\(place): \(reason)"
    }
}

/// All that is wrong with a configuration: after a fault it is read on, so that one look shows every one.
final class ConfigurationFaults {
    /// More faults than that are not reported.
    static let most = 50
    private var list: [ConfigurationError] = []

    /// Of one place only the first fault is kept: the others may follow from it.
    func add(_ error: ConfigurationError) {
        if list.count < Self.most, !list.contains(where: { $0.path == error.path }) { list.append(error) }
    }

    /// - Throws: the first fault, with the others in it.
    func check() throws(ConfigurationError) {
        guard var first = list.first else { return }
        first.others = Array(list.dropFirst())
        throw first
    }
}
