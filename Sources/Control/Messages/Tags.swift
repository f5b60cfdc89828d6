/// `org.pushd.Control.Tags`: the tags of a repository, in the registry's order, as they come. To be called with `more`.
///
/// Errors: `ReferenceInvalid`, `RemoteNotFound`, `RegistryFailed`, `Stopping`.
public enum Tags: StreamMethod {
    public static let name = "org.pushd.Control.Tags"

    public struct Input: Parameters {
        /// Such as `registry.example/team/app`.
        public var repository: String
        /// How many are wanted; absent: all.
        public var limit: Int?
        /// In place of the daemon's own, for this call alone.
        public var login: JobLogin?
        /// As ``login``: the caller's own login files, of which the one for the registry is taken.
        public var loginFiles: [LoginFile]?

        public enum CodingKeys: CodingKey, CaseIterable { case repository, limit, login, loginFiles }

        public init(
            repository: String, limit: Int? = nil, login: JobLogin? = nil, loginFiles: [LoginFile]? = nil
        ) {
            self.repository = repository
            self.limit = limit
            self.login = login
            self.loginFiles = loginFiles
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// Some of them; empty only in the last reply, which says that there are no more.
        public var tags: [String]

        public init(tags: [String]) { self.tags = tags }
    }

    public static func ending(for input: Input) -> StreamEnding<Output> {
        StreamEnding(isLast: { $0.tags.isEmpty }, closing: Output(tags: []))
    }
}
