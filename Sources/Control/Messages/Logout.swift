/// `org.pushd.Control.Logout`: forgets a login where `Login` keeps it.
///
/// Errors: `ReferenceInvalid` (no such registry's name), `Failed` (it can't be removed).
public enum Logout: Method {
    public static let name = "org.pushd.Control.Logout"

    public struct Input: Parameters {
        /// Host and port, or an address such as `https://index.docker.io/v1/`; absent: the configured default registry, or else Docker Hub.
        public var registry: String?

        public enum CodingKeys: CodingKey, CaseIterable { case registry }

        public init(registry: String? = nil) { self.registry = registry }
    }

    public struct Output: Codable, Sendable, Equatable {
        public var registry: String
        /// Where the login was, for people; absent: there was none.
        public var place: String?
        /// Where pushd finds a login for the registry all the same; absent: nowhere.
        public var remaining: String?

        public init(registry: String, place: String? = nil, remaining: String? = nil) {
            self.registry = registry
            self.place = place
            self.remaining = remaining
        }
    }
}
