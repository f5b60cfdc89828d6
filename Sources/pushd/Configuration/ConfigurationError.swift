/// A configuration that is refused: nothing of it takes effect.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The file; filled in by whoever read it.
    var file: String?
    /// The keys from the top to the fault: `registries."localhost:5000".caFile`. Empty for the whole file.
    let path: String
    /// What is wrong and what is allowed.
    let reason: String
    /// What to do about it; the reason says what is allowed.
    var advice: String?

    var description: String {
        let place = [file, path.isEmpty ? nil : path].compactMap { $0 }.joined(separator: ": ")
        return place.isEmpty ? reason : "\(place): \(reason)"
    }
}
