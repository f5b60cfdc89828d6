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
        /// In place of the daemon's own, for this call alone.
        public var login: JobLogin?
        /// As ``login``: the caller's own login files, of which the one for the registry is taken.
        public var loginFiles: [LoginFile]?

        public enum CodingKeys: CodingKey, CaseIterable { case registry, limit, login, loginFiles }

        public init(
            registry: String, limit: Int? = nil, login: JobLogin? = nil, loginFiles: [LoginFile]? = nil
        ) {
            self.registry = registry
            self.limit = limit
            self.login = login
            self.loginFiles = loginFiles
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
