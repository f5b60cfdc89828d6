/// How one kind of registry differs from the specification and from its peers: switches that tests may combine.
///
/// What each is known for stands in the issue threads of the tools that met it; see `docs/registries.md`.
public struct RegistryProfile: Sendable {
    /// What a request with an old `Location` does, its sealed offset no longer being the stored size.
    public enum StaleOffset: Sendable {
        /// 416, except for the status request, which answers. As distribution 3.
        case refused
        /// 404 to any request with it, the status too: nobody learns the right offset any more. As distribution 2.
        case lost
        /// The location holds no offset.
        case notSealed
    }

    /// What remains of a PATCH or PUT whose body broke off.
    public enum BrokenBody: Sendable { case kept, dropped, losesSession }

    /// What `Range` says after a PATCH and in the status.
    public enum RangeReport: Sendable { case held, firstChunk, lastChunk, absent }

    public enum LocationStyle: Sendable {
        case absolute, relative
        /// Absolute with `https`, as behind a proxy that says nothing of itself.
        case otherScheme
        /// Absolute at this host and the registry's port; it must lead here, as `localhost` does instead of 127.0.0.1.
        /// There the registry wants no credentials, and getting them is a violation.
        case otherHost(String)
    }

    public enum Mount: Sendable {
        case works
        /// Always 202 and an ordinary session.
        case ignored
        /// 202 unless `from` is given; with it it works.
        case answers(Int)
    }

    /// An answer that comes now and then instead of service, as of a registry with limits or under load.
    public struct Flake: Sendable {
        let kind: RequestKind
        let every: Int
        let answer: Answer

        /// - Parameter every: the first such request meets it, and after it each of this number.
        public init(_ kind: RequestKind, every: Int, _ answer: Answer) {
            self.kind = kind
            self.every = every
            self.answer = answer
        }
    }

    public var staleOffset = StaleOffset.refused
    public var brokenBody = BrokenBody.kept
    /// Whether an upload stays when its bytes do not have the digest of the closing PUT.
    public var keepsRefusedUploads = false
    public var range = RangeReport.held
    public var location = LocationStyle.absolute
    public var mount = Mount.works
    public var patchStatus = 202
    /// Whether a PATCH's `Content-Range` is compared with what is stored; otherwise it is ignored and the body appended.
    public var checksContentRange = true
    /// A PATCH after the first needs a `Content-Range`.
    public var wantsContentRangeLater = false
    /// 416 is a BLOB_UPLOAD_INVALID whose message names the byte wanted.
    public var namesWantedByte = false
    /// Bytes of every chunk but the last; announced in `OCI-Chunk-Min-Length` if ``announcesMinimumChunk``.
    public var minimumChunk: Int64?
    public var announcesMinimumChunk = true
    /// Bytes of a PATCH's body at most; 413 and JSON above.
    public var maximumPatch: Int64?
    /// How many PATCHes with a body a session takes; 400 afterwards.
    public var maximumPatches = Int.max
    /// Bytes of any request's body at most; 413 and a proxy's HTML page above.
    public var maximumBody: Int64?
    /// Whether GET of an upload answers; 404 otherwise, and the session goes on.
    public var answersStatus = true
    /// Whether a PUT may bring the whole blob; 400 otherwise.
    public var takesWholePut = true
    /// Whether POST with `?digest=` and a body stores it; otherwise 202, and the body is thrown away.
    public var takesSinglePost = false
    /// 404 to POST in a repository that was not made before with ``TestRegistry/createRepository(_:)``.
    public var wantsRepositoryFirst = false
    /// The answer to a PUT of a tag that exists, also with the digest that it has; nil: tags can be moved.
    public var immutableTags: Answer?
    /// The answer to a manifest or index of OCI's types, as from registries that are older than they; nil: it is taken.
    public var ociRefusal: Answer?
    /// Whether an index is refused whose manifests are not all here.
    public var checksIndexes = true
    /// Whether manifests get a `Location` in the answer to their PUT.
    public var namesManifestLocation = true
    /// Whether a manifest's subject is processed, as registries do that list referrers by themselves.
    public var keepsReferrers = false
    /// Whether DELETE of an upload works; 405 otherwise.
    public var cancelsUploads = true
    /// Whether HEAD is answered for blobs and manifests; 405 otherwise.
    public var answersHead = true
    /// Whether `Docker-Content-Digest` is sent.
    public var sendsDigestHeader = true
    /// The status of what stored a blob or a manifest.
    public var storedStatus = 201
    /// Bodies are sent on, with 307, to this other name of this machine, where no credentials are wanted.
    public var bodiesGoTo: String?
    /// How many requests an upload answers before it is forgotten.
    public var requestsPerUpload = Int.max
    /// How many looks at a manifest find nothing after it was put.
    public var looksInVain = 0
    public var flakes: [Flake] = []

    public init() {}

    private init(_ change: (inout RegistryProfile) -> Void) { change(&self) }

    /// This profile with something else.
    public func with(_ change: (inout RegistryProfile) -> Void) -> RegistryProfile {
        var copy = self
        change(&copy)
        return copy
    }

    /// distribution 3.x: an upload goes on at any byte.
    public static let distribution3 = RegistryProfile()

    /// distribution 2.8: any request with an old offset, the status request too, is refused, so that an upload whose
    /// body broke off is lost.
    public static let distribution2 = RegistryProfile {
        $0.staleOffset = .lost
        $0.keepsRefusedUploads = true
        $0.checksContentRange = false
    }

    /// Amazon ECR: `Range` stays at the first chunk, PATCH answers 201, 416 names the byte, chunks of 5 MiB.
    public static let ecr = RegistryProfile {
        $0.staleOffset = .notSealed
        $0.brokenBody = .dropped
        $0.range = .firstChunk
        $0.patchStatus = 201
        $0.namesWantedByte = true
        $0.minimumChunk = 5 << 20
        $0.mount = .ignored
        $0.namesManifestLocation = false
    }

    /// GitHub's registry: chunks up to 4 MiB, whole bodies without that limit, relative locations.
    public static let ghcr = RegistryProfile {
        $0.staleOffset = .notSealed
        $0.maximumPatch = 4 << 20
        $0.location = .relative
    }

    /// Google's: one PATCH, no second; nothing remains of a broken body.
    public static let google = RegistryProfile {
        $0.staleOffset = .notSealed
        $0.brokenBody = .losesSession
        $0.maximumPatches = 1
        $0.answersStatus = false
    }

    /// Gitea: later PATCHes want a `Content-Range`; relative locations; takes a blob with the POST.
    public static let gitea = RegistryProfile {
        $0.staleOffset = .notSealed
        $0.brokenBody = .dropped
        $0.wantsContentRangeLater = true
        $0.location = .relative
        $0.takesSinglePost = true
    }

    /// zot before its repair: `Range` tells the last chunk only.
    public static let zotOld = RegistryProfile {
        $0.staleOffset = .notSealed
        $0.range = .lastChunk
        $0.location = .relative
    }

    /// Quay: no mount without `from`.
    public static let quay = RegistryProfile { $0.staleOffset = .notSealed }

    /// Quay under load: a success that is none, and a gateway that fails, now and then.
    public static let quayBusy = quay.with {
        $0.flakes = [
            Flake(.uploadStart, every: 6, Answer(200, "Healthcheck requested")),
            Flake(.manifest, every: 8, .proxyPage(502, "Bad Gateway")),
        ]
    }

    /// Harbor: its lock on quotas and its core fail now and then under a burst.
    public static let harbor = RegistryProfile {
        $0.flakes = [
            Flake(.uploadStart, every: 7, .refusal(500, "UNKNOWN", "deadlock detected")),
            Flake(.manifest, every: 9, .refusal(500, "UNKNOWN", "internal server error")),
        ]
    }

    /// Docker Hub: limits pushes too.
    public static let dockerHub = RegistryProfile {
        $0.flakes = [
            Flake(.uploadStart, every: 8, .refusal(429, "TOOMANYREQUESTS", headers: [("Retry-After", "0")])),
            Flake(.manifest, every: 10, .refusal(429, "TOOMANYREQUESTS", headers: [("Retry-After", "0")])),
        ]
    }

    /// distribution behind a proxy with a limit on bodies.
    public static func proxyCapped(_ bytes: Int64) -> RegistryProfile { RegistryProfile { $0.maximumBody = bytes } }

    public static let noMount = RegistryProfile { $0.mount = .ignored }
}
