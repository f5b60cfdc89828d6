/// `org.pushd.Control.Inspect`: an image's manifest as the registry has it.
///
/// Errors: `ReferenceInvalid`, `RemoteNotFound`, `RegistryFailed`.
public enum Inspect: Method {
    public static let name = "org.pushd.Control.Inspect"

    public struct Input: Parameters {
        /// The fully qualified reference.
        public var reference: String
        /// Only the manifest is wanted: platforms may be left empty and nothing but the root is fetched.
        public var raw: Bool?
        /// In place of the daemon's own, for this call alone.
        public var login: JobLogin?
        /// As ``login``: the caller's own login files, of which the one for the registry is taken.
        public var loginFiles: [LoginFile]?

        public enum CodingKeys: CodingKey, CaseIterable { case reference, raw, login, loginFiles }

        public init(
            reference: String, raw: Bool? = nil, login: JobLogin? = nil, loginFiles: [LoginFile]? = nil
        ) {
            self.reference = reference
            self.raw = raw
            self.login = login
            self.loginFiles = loginFiles
        }
    }

    public struct Output: Codable, Sendable, Equatable {
        public var reference: String
        public var digest: String
        public var mediaType: String
        /// Of the manifest, in bytes.
        public var size: Int64
        public var platforms: [PlatformInfo]
        /// The manifest's exact bytes in Base64.
        public var manifest: String

        public init(
            reference: String, digest: String, mediaType: String, size: Int64, platforms: [PlatformInfo],
            manifest: String
        ) {
            self.reference = reference
            self.digest = digest
            self.mediaType = mediaType
            self.size = size
            self.platforms = platforms
            self.manifest = manifest
        }
    }
}

/// One platform of an image.
public struct PlatformInfo: Codable, Sendable, Equatable {
    /// `OS/ARCH[/VARIANT]`.
    public var platform: String
    /// Its manifest's.
    public var digest: String
    /// Its manifest's, in bytes.
    public var size: Int64

    public init(platform: String, digest: String, size: Int64) {
        self.platform = platform
        self.digest = digest
        self.size = size
    }
}
