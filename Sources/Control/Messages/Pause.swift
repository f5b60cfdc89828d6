/// `org.pushd.Control.Pause`: begins no more jobs; those that run go on.
///
/// Errors: `ReferenceInvalid` (no such registry's name), `QueueUnavailable`.
public enum Pause: Method {
    public static let name = "org.pushd.Control.Pause"

    public struct Input: Parameters {
        /// Host and port; absent: all registries.
        public var registry: String?

        public enum CodingKeys: CodingKey, CaseIterable { case registry }

        public init(registry: String? = nil) { self.registry = registry }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// As they are now.
        public var registries: [RegistryInfo]

        public init(registries: [RegistryInfo]) { self.registries = registries }
    }
}
