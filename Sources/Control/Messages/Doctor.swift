/// `org.pushd.Control.Doctor`: the way of a push to a registry, step by step, up to an upload that is opened and given
/// up. Without a registry: this installation, and then every registry that is known. To be called with `more`.
///
/// Errors: `ReferenceInvalid`, `RegistryFailed`, `Stopping`.
public enum Doctor: StreamMethod {
    public static let name = "org.pushd.Control.Doctor"

    public struct Input: Parameters {
        /// `HOST[:PORT]`, or with the repository to which pushing is tried: `HOST[:PORT]/REPOSITORY`. Absent: this
        /// installation and every registry that is known.
        public var registry: String?
        /// In place of the daemon's own, for this call alone.
        public var login: JobLogin?
        /// As ``login``: the caller's own login files, of which the one for the registry is taken.
        public var loginFiles: [LoginFile]?

        public enum CodingKeys: CodingKey, CaseIterable { case registry, login, loginFiles }

        public init(registry: String? = nil, login: JobLogin? = nil, loginFiles: [LoginFile]? = nil) {
            self.registry = registry
            self.login = login
            self.loginFiles = loginFiles
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        /// The registry, as it was understood; empty for the steps of the installation.
        public var registry: String
        /// Absent in the last reply.
        public var step: DoctorStep?

        public init(registry: String, step: DoctorStep? = nil) {
            self.registry = registry
            self.step = step
        }
    }

    public static func ending(for input: Input) -> StreamEnding<Output> {
        StreamEnding(isLast: { $0.step == nil }, closing: Output(registry: input.registry ?? ""))
    }
}

/// One step of the way.
public struct DoctorStep: Codable, Sendable, Equatable {
    /// `resolve`, `connect`, `tls`, `api`, `login`, `token` or `push`; of the installation `state`, `socket`, `logins`,
    /// `clock`, `limits` or `store`.
    public var kind: String
    /// `good`, `doubtful` or `bad`; after a bad one there are no more of its registry.
    public var outcome: String
    public var text: String
    public var advice: String?
    /// Seconds.
    public var time: Double?

    public init(kind: String, outcome: String, text: String, advice: String? = nil, time: Double? = nil) {
        self.kind = kind
        self.outcome = outcome
        self.text = text
        self.advice = advice
        self.time = time
    }
}
