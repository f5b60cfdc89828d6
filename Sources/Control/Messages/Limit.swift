/// `org.pushd.Control.Limit`: how fast bodies may be sent; without a change it only tells.
///
/// What is set holds until it is taken back, or the daemon ends.
public enum Limit: Method {
    public static let name = "org.pushd.Control.Limit"

    public struct Input: Parameters {
        /// Host and port; absent: all registries together.
        public var registry: String?
        /// `set` to ``bytesPerSecond``, `lift`, or `default`: as configured; absent: nothing is changed.
        public var change: String?
        public var bytesPerSecond: Int?

        public enum CodingKeys: CodingKey, CaseIterable { case registry, change, bytesPerSecond }

        public init(registry: String? = nil, change: String? = nil, bytesPerSecond: Int? = nil) {
            self.registry = registry
            self.change = change
            self.bytesPerSecond = bytesPerSecond
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// All registries together first, then those that have a limit of their own.
        public var limits: [LimitInfo]

        public init(limits: [LimitInfo]) { self.limits = limits }
    }
}

/// A limit as it stands now.
public struct LimitInfo: Codable, Sendable, Equatable {
    /// Absent: of all registries together.
    public var registry: String?
    /// Absent: no limit.
    public var bytesPerSecond: Int?
    /// What would hold now if nothing were set by hand; absent: no limit.
    public var configured: Int?
    /// Whether it was set by hand.
    public var byHand: Bool

    public init(registry: String? = nil, bytesPerSecond: Int? = nil, configured: Int? = nil, byHand: Bool) {
        self.registry = registry
        self.bytesPerSecond = bytesPerSecond
        self.configured = configured
        self.byHand = byHand
    }
}
