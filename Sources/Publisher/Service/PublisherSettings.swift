internal import ImageStore
public import OCI
public import PushQueue
public import Registry

/// Everything about publishing that the configuration can set. What is here is checked already.
public struct PublisherSettings: Sendable {
    /// Jobs under way at once, over all registries and at one.
    public var jobs = 32
    public var jobsPerRegistry = 16
    /// Blob bodies under way at once, over all registries and to one.
    public var uploads = 8
    public var uploadsPerRegistry = 4
    public var retry = RetryPolicy()
    var filePatience = FilePatience()
    /// How long it is believed without asking that a registry has a blob that it had.
    public var ledgerAge: Duration = .seconds(24 * 3600)
    /// How long what a registry can and cannot do is remembered.
    public var learnedAge: Duration = .seconds(30 * 86_400)
    /// The size of the pieces where a registry needs pieces, in bytes.
    public var chunkSize: Int64 = 32 * 1_048_576
    public var verify = VerifyLevel.manifest
    /// How long ended jobs are kept, and how many at most.
    public var historyAge: Duration = .seconds(30 * 86_400)
    public var historyCount = 10_000

    public var defaultTag = "latest"
    /// Where an unqualified image goes; nil: nowhere.
    public var defaultRegistry: String?
    /// Before the name of such an image; empty: nothing; nil: the user that is logged in there, if a name has none.
    public var defaultNamespace: String?

    public var aliases = Aliases()
    public var rules: [PublishRule] = []
    /// Whether images that were there when a store is first seen are published too.
    public var publishesExisting = false

    public var registry = RegistrySettings()
    /// What is set for a single registry, by its one name: ``names``.
    public var registries: [String: RegistrySettings] = [:]
    /// Where it differs from what holds for each registry, by its one name.
    public var jobsByRegistry: [String: Int] = [:]
    public var uploadsByRegistry: [String: Int] = [:]
    /// Of all uploads together.
    public var bandwidth = BandwidthPlan()
    /// Of the uploads to single registries, in bytes a second.
    public var bandwidths: [String: Int64] = [:]

    public init() {}

    /// Lets all registries have the certificates that lie where docker and the containers tools look for them.
    ///
    /// - Parameter home: the home directory, if there is one.
    public mutating func look(forCertificatesIn home: String?) {
        let directories = RegistrySettings.certificateDirectories(home: home)
        registry.certificateDirectories = directories
        registries = registries.mapValues { settings in
            var settings = settings
            settings.certificateDirectories = directories
            return settings
        }
    }

    /// Gives the programs that make repositories an environment: the daemon's own.
    public mutating func runPrograms(in environment: [String: String]) {
        registries = registries.mapValues { settings in
            var settings = settings
            settings.programEnvironment = environment
            return settings
        }
    }

    /// - Parameter limited: registries that have a limit of bandwidth of their own.
    func uploadSlots(limited: Set<String>) -> Slots<String>.Limits {
        // What goes to a registry that is limited for itself takes little of what all have.
        .init(
            total: uploads, each: uploadsPerRegistry, kinds: uploadsByRegistry, reserve: uploads / 4,
            apart: limited)
    }

    var jobLimits: Schedule.Limits {
        .init(jobs: jobs, jobsPerRegistry: jobsPerRegistry, jobsByRegistry: jobsByRegistry)
    }

    /// The format of manifests that images are pushed in there; nil: as they are.
    func format(at destination: ImageReference) -> ImageFormat? { settings(for: destination.domain).format }

    /// What is set for a registry, in any spelling of its name.
    func settings(for registry: String) -> RegistrySettings {
        var settings = registries[names.name(of: registry)] ?? self.registry
        settings.tlsOfOthers = registries.mapValues(\.tls)
        return settings
    }

    /// How registries are called wherever something is kept for them: each has one name, however a user spells it.
    public var names: RegistryNames {
        RegistryNames(plainHTTP: registries.compactMapValues(\.plainHTTP), usual: registry.plainHTTP)
    }
}
