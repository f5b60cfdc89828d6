/// `org.pushd.Control.Status`: the daemon itself.
public enum Status: Method {
    public static let name = "org.pushd.Control.Status"

    public struct Input: Parameters {
        public enum CodingKeys: CodingKey, CaseIterable {}

        public init() {}
    }

    public struct Output: Codable, Sendable, Equatable {
        public var version: String
        public var pid: Int
        public var startedAt: Timestamp
        /// How many jobs there are in each state.
        public var counts: [String: Int]
        public var registries: [RegistryInfo]
        public var stateDirectory: String
        /// Such as `oci:/srv/images`.
        public var stores: [String]
        /// What is wrong with the daemon's own machine at the moment, such as a full disk.
        public var warnings: [String]?

        public init(
            version: String, pid: Int, startedAt: Timestamp, counts: [String: Int], registries: [RegistryInfo],
            stateDirectory: String, stores: [String], warnings: [String]? = nil
        ) {
            self.version = version
            self.pid = pid
            self.startedAt = startedAt
            self.counts = counts
            self.registries = registries
            self.stateDirectory = stateDirectory
            self.stores = stores
            self.warnings = warnings
        }
    }
}
