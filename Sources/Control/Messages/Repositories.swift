/// `org.pushd.Control.Repositories`: the repositories of a registry, in the registry's order, as they come. To be called with `more`.
///
/// Errors: `ReferenceInvalid` (no such registry's name), `RegistryFailed`, `Stopping`.
public enum Repositories: StreamMethod {
    public static let name = "org.pushd.Control.Repositories"

    public struct Input: Parameters {
        /// Host and port.
        public var registry: String
        /// How many are wanted; absent: all.
        public var limit: Int?

        public enum CodingKeys: CodingKey, CaseIterable { case registry, limit }

        public init(registry: String, limit: Int? = nil) {
            self.registry = registry
            self.limit = limit
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// Some of them; empty only in the last reply, which says that there are no more.
        public var repositories: [String]

        public init(repositories: [String]) { self.repositories = repositories }
    }

    public static func ending(for input: Input) -> StreamEnding<Output> {
        StreamEnding(isLast: { $0.repositories.isEmpty }, closing: Output(repositories: []))
    }
}
