import HTTP
import ImageStore
import OCI
import Publisher
import PushQueue
import Registry

/// The daemon's settings, from the file and from the command line, checked as a whole.
struct Configuration {
    /// Directories of OCI image layouts.
    var stores: [String] = []
    var publisher = PublisherSettings()
    /// Files with credentials, looked into before those of Docker and Podman.
    var credentialFiles: [String] = []
    var acrossFileSystems = PinPolicy.inPlace
    /// How often watched stores are read again without any sign of change.
    var rescan: Duration = .seconds(5)
    /// Who may use the control socket, and for what.
    var control = ControlSettings()
    var logLevel = LogLevel.info

    /// The largest configuration that is read, in bytes.
    static let maximumSize = 1_048_576

    /// - Parameters:
    ///   - file: the path, for error messages.
    ///   - isKnown: whether this machine has such a user or group. It may block.
    /// - Throws: ``ConfigurationError`` with the keys at fault and what is allowed there.
    init(
        parsing bytes: [UInt8], file: String, isKnown: (ControlSettings.Principal) -> Bool = { _ in true }
    ) throws(ConfigurationError) {
        do {
            try self.init(parsing: bytes, isKnown)
        } catch {
            var error = error
            error.file = file
            error.advice = "correct it, and check it with: pushd --check-config"
            throw error
        }
    }

    init() {}

    /// The keys that differ from those of the daemon's start and cannot change while it runs: content is pinned by the
    /// spool's policy.
    func needingStart(since started: Configuration) -> [String] {
        var keys: [String] = []
        if acrossFileSystems != started.acrossFileSystems { keys.append("spool.acrossFileSystems") }
        return keys
    }

    /// - Throws: ``ConfigurationError`` with all faults that there are.
    private init(
        parsing bytes: [UInt8], _ isKnown: (ControlSettings.Principal) -> Bool
    ) throws(ConfigurationError) {
        let document: ConfigurationValue
        do { document = try JSON5Parser.parse(bytes) } catch {
            throw ConfigurationError(path: "", reason: "\(error)")
        }
        let faults = ConfigurationFaults()
        var reader = ConfigurationReader(document, path: "", faults: faults)
        for item in reader.items("stores") {
            do { stores.append(try Self.store(item.text, ConfigurationError(path: item.path, reason: ""))) } catch {
                faults.add(error)
            }
        }
        readDefaults(reader.object("defaults"))
        readAliases(reader.object("aliases"))
        readRules(&reader)
        readPublishing(&reader)
        readRegistries(reader.object("registries"))
        readControl(reader.object("control"), isKnown)
        readRest(&reader)
        reader.finish()
        try faults.check()
    }

    /// The directory of `oci:DIR`.
    static func store(_ text: String, _ error: ConfigurationError) throws(ConfigurationError) -> String {
        guard text.hasPrefix("oci:/"), text.utf8.count > 5 else {
            throw ConfigurationError(
                path: error.path,
                reason: "a store is written oci:DIR with an absolute directory, not \"\(text.prefix(100))\"")
        }
        var directory = String(text.dropFirst(4))
        while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
        return directory
    }

    private mutating func readDefaults(_ section: ConfigurationReader) {
        var section = section
        if let tag = section.text("tag") {
            if !ImageReference.isValidTag(tag) {
                section.refuse("tag", "a tag has 1 to 128 letters, digits, _, . and -, and begins with neither . nor -")
            }
            publisher.defaultTag = tag
        }
        if let registry = section.text("registry") {
            if !Self.isRegistry(registry) { section.refuse("registry", Self.registryForm) }
            publisher.defaultRegistry = registry
        }
        if section.isEmptyText("namespace") {
            publisher.defaultNamespace = ""
        } else if let namespace = section.text("namespace") {
            if (try? ImageReference(parsing: "localhost/\(namespace)/x")) == nil {
                section.refuse(
                    "namespace",
                    "a part of a repository's name is wanted, such as \"team\" or \"org/team\", in lower case; or \"\" for none"
                )
            }
            publisher.defaultNamespace = namespace
        }
        if let level = section.choice("verify", of: VerifyLevel.self) { publisher.verify = level }
        section.finish()
    }

    /// Whether image names can begin with it.
    static func isRegistry(_ name: String) -> Bool {
        guard let reference = try? ImageReference(parsing: name + "/x/y"), reference.domain == name else {
            return false
        }
        guard !name.hasSuffix("]"), let colon = name.lastIndex(of: ":") else { return true }
        return UInt16(name[name.index(after: colon)...]).map { $0 > 0 } ?? false
    }

    static let registryForm =
        "a registry is named HOST or HOST:PORT, as in image names; a HOST without a dot or a port is only localhost"

    private mutating func readRules(_ reader: inout ConfigurationReader) {
        for (place, value) in (reader.list("rules") ?? []).enumerated() {
            var rule = ConfigurationReader(value, path: "rules[\(place)]", faults: reader.faults)
            let image = rule.text("image").flatMap { Glob($0) }
            if image == nil { rule.refuse("image", "a pattern such as \"team/*\" is wanted") }
            var destinations: [DestinationTemplate] = []
            for target in rule.items("to") {
                do { destinations.append(try DestinationTemplate(target.text, aliases: publisher.aliases)) } catch {
                    rule.faults.add(ConfigurationError(path: target.path, reason: error.description))
                }
            }
            if rule.hasNoEntries("to") {
                rule.refuse("to", "a destination such as \"registry.example/{name}:{tag}\" is wanted")
            }
            rule.finish()
            if let image { publisher.rules.append(PublishRule(image: image, destinations: destinations)) }
        }
        publisher.publishesExisting = reader.bool("publishExisting") ?? false
    }

    private mutating func readPublishing(_ reader: inout ConfigurationReader) {
        readLimits(reader.object("limits"))

        var retry = reader.object("retry")
        let base = retry.duration("base", atLeast: .milliseconds(1))
        let cap = retry.duration("cap", atLeast: .milliseconds(1))
        if let base, let cap, base > cap { retry.refuse("cap", "the cap is not shorter than base") }
        // One that stands alone takes the other's default along.
        publisher.retry.base = base ?? min(publisher.retry.base, cap ?? publisher.retry.base)
        publisher.retry.cap = cap ?? max(publisher.retry.cap, publisher.retry.base)
        publisher.retry.maximumRetryAfter =
            retry.duration("maximumRetryAfter", atLeast: .seconds(1)) ?? publisher.retry.maximumRetryAfter
        publisher.retry.maximumFailures = retry.integer("maximumFailures", in: 1...1_000_000)
        if retry.isNever("giveUpAfter") {
            publisher.retry.giveUpAfter = nil
        } else if let limit = retry.duration("giveUpAfter", atLeast: .seconds(1), mayBeNever: true) {
            publisher.retry.giveUpAfter = limit
        }
        retry.finish()

        var ledger = reader.object("ledger")
        publisher.ledgerAge = ledger.duration("age") ?? publisher.ledgerAge
        publisher.learnedAge = ledger.duration("learnedAge") ?? publisher.learnedAge
        ledger.finish()

        var history = reader.object("history")
        publisher.historyAge = history.duration("age") ?? publisher.historyAge
        publisher.historyCount = history.integer("count", in: 0...10_000_000) ?? publisher.historyCount
        history.finish()
    }

    private mutating func readRest(_ reader: inout ConfigurationReader) {
        var credentials = reader.object("credentials")
        for file in credentials.items("files") {
            if !file.text.hasPrefix("/") {
                let reason = "an absolute path is wanted, not \"\(file.text.prefix(60))\""
                credentials.faults.add(ConfigurationError(path: file.path, reason: reason))
            }
            credentialFiles.append(file.text)
        }
        credentials.finish()

        var spool = reader.object("spool")
        acrossFileSystems = spool.choice("acrossFileSystems", of: PinPolicy.self) ?? acrossFileSystems
        spool.finish()

        var watch = reader.object("watch")
        rescan = watch.duration("rescan", atLeast: .seconds(1)) ?? rescan
        watch.finish()

        var log = reader.object("log")
        logLevel = log.choice("level", of: LogLevel.self) ?? logLevel
        log.finish()
    }
}

/// How much is logged.
enum LogLevel: String, CaseIterable, Comparable {
    case error, warning, info, debug

    /// The journal's priority, as in syslog.
    var priority: Int {
        switch self {
        case .error: 3
        case .warning: 4
        case .info: 6
        case .debug: 7
        }
    }

    static func < (left: LogLevel, right: LogLevel) -> Bool { left.priority < right.priority }
}
