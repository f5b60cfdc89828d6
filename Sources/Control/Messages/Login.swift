/// `org.pushd.Control.Login`: checks a login against its registry, keeps it, and lets jobs go on that waited for it.
///
/// Errors: `ReferenceInvalid` (no such registry's name), `RegistryFailed`, `Failed` (it can't be kept).
public enum Login: Method {
    public static let name = "org.pushd.Control.Login"

    public struct Input: Parameters, CustomStringConvertible, CustomReflectable {
        /// Host and port, or an address such as `https://index.docker.io/v1/`; absent: the configured default registry,
        /// or else Docker Hub.
        public var registry: String?
        public var user: String
        /// A password or a token.
        public var password: String

        public enum CodingKeys: CodingKey, CaseIterable { case registry, user, password }

        public init(registry: String? = nil, user: String, password: String) {
            self.registry = registry
            self.user = user
            self.password = password
        }

        // The password shows in no log and no failure of a test.
        public var description: String { "Login.Input(\(registry ?? ""), \(user), …)" }
        public var customMirror: Mirror { Mirror(self, children: ["registry": registry ?? "", "user": user]) }
    }

    public struct Output: Codable, Sendable, Equatable {
        public var registry: String
        /// Where the login is kept, for people.
        public var place: String
        /// The jobs that go on.
        public var jobs: [Int]
        /// False where the registry asks for no login, and so user and password may be wrong; absent or true elsewhere.
        public var asked: Bool?

        public init(registry: String, place: String, jobs: [Int], asked: Bool? = nil) {
            self.asked = asked
            self.registry = registry
            self.place = place
            self.jobs = jobs
        }
    }
}
