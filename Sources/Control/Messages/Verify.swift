/// `org.pushd.Control.Verify`: checks an image in a registry.
///
/// A difference is a report with `verified` false, not an error.
///
/// Errors: `ReferenceInvalid`, `RemoteNotFound`, `ImageNotFound`, `ImageInvalid`, `RegistryFailed`, `Stopping`.
public enum Verify: Method {
    public static let name = "org.pushd.Control.Verify"
    public static let overlaps = true

    public struct Input: Parameters {
        /// The fully qualified reference.
        public var reference: String
        /// The local image that it should be.
        public var against: String?
        /// `manifest`, `blobs` or `deep`; absent: `blobs`.
        public var level: String?
        /// In place of the daemon's own, for this call alone.
        public var login: JobLogin?
        /// As ``login``: the caller's own login files, of which the one for the registry is taken.
        public var loginFiles: [LoginFile]?

        public enum CodingKeys: CodingKey, CaseIterable { case reference, against, level, login, loginFiles }

        public init(
            reference: String, against: String? = nil, level: String? = nil, login: JobLogin? = nil,
            loginFiles: [LoginFile]? = nil
        ) {
            self.reference = reference
            self.against = against
            self.level = level
            self.login = login
            self.loginFiles = loginFiles
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        public var report: VerifyReport

        public init(report: VerifyReport) { self.report = report }
    }
}

/// What a verification found.
public struct VerifyReport: Codable, Sendable, Equatable {
    public var reference: String
    /// The root manifest's.
    public var digest: String
    public var verified: Bool
    public var problems: [VerifyProblem]
    /// How many distinct blobs were looked at.
    public var blobs: Int
    /// Their sizes together.
    public var bytes: Int64
    /// `manifest`, `blobs` or `deep`.
    public var level: String

    public init(
        reference: String, digest: String, verified: Bool, problems: [VerifyProblem], blobs: Int, bytes: Int64,
        level: String
    ) {
        self.reference = reference
        self.digest = digest
        self.verified = verified
        self.problems = problems
        self.blobs = blobs
        self.bytes = bytes
        self.level = level
    }
}

/// One difference between what should be in the registry and what is.
public struct VerifyProblem: Codable, Sendable, Equatable {
    /// A short word for programs, such as `blob-missing`.
    public var kind: String
    /// Of the content that it is about.
    public var digest: String
    public var message: String

    public init(kind: String, digest: String, message: String) {
        self.kind = kind
        self.digest = digest
        self.message = message
    }
}
