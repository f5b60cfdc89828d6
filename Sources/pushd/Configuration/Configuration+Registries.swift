import HTTP
import OCI
import Publisher
import Registry

/// What is special about single registries.
extension Configuration {
    mutating func readRegistries(_ section: ConfigurationReader) {
        var section = section
        for name in section.keys {
            guard let value = section.value(name) else { continue }
            guard Self.isRegistry(name) else {
                section.refuse(name, Self.registryForm)
                continue
            }
            var entry = ConfigurationReader(value, path: section.place(of: name), faults: section.faults)
            var settings = publisher.registry
            Self.readConnection(&entry, into: &settings)
            Self.readProxy(&entry, of: name, into: &settings)
            Self.readPatience(&entry, into: &settings)
            settings.createRepository = Self.readCreation(&entry, registry: name)
            settings.format = entry.choice("format", of: ImageFormat.self)
            readLimits(of: name, &entry, into: &settings)
            settings.leadsTo = Self.readServers(&entry)
            entry.finish()
            publisher.registries[name] = settings
        }
        callByOneName(&section)
    }

    /// Keeps all that is set under the one name of each registry.
    private mutating func callByOneName(_ section: inout ConfigurationReader) {
        let names = publisher.names
        var spelled: [String: String] = [:]
        for name in publisher.registries.keys.sorted() {
            if let other = spelled.updateValue(name, forKey: names.name(of: name)) {
                section.refuse(name, "it is the same registry as \"\(other)\": put what is set for both into one")
            }
        }
        func renamed<Value>(_ values: [String: Value]) -> [String: Value] {
            Dictionary(values.map { (names.name(of: $0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        publisher.registries = renamed(publisher.registries)
        publisher.jobsByRegistry = renamed(publisher.jobsByRegistry)
        publisher.uploadsByRegistry = renamed(publisher.uploadsByRegistry)
        publisher.bandwidths = renamed(publisher.bandwidths)
        publisher.aliases.names = names
    }

    /// The servers that a registry may lead to wherever they are.
    private static func readServers(_ entry: inout ConfigurationReader) -> Set<String> {
        var servers: Set<String> = []
        for item in entry.items("leadsTo") {
            guard let url = try? HTTPURL(parsing: "https://\(item.text)/"), url.target == "/" else {
                entry.faults.add(
                    ConfigurationError(path: item.path, reason: "a server is named HOST or HOST:PORT, without a path"))
                continue
            }
            let hasPort = item.text.contains(":") && !item.text.hasSuffix("]")
            servers.insert(hasPort ? "\(url.host):\(url.port)" : url.host)
        }
        return servers
    }

    private static func readConnection(
        _ entry: inout ConfigurationReader, into settings: inout RegistrySettings
    ) {
        settings.plainHTTP = entry.bool("plainHttp")
        settings.tls.authorityFiles = entry.absolutePath("caFile").map { [$0] } ?? []
        settings.tls.clientCertificate = entry.absolutePath("clientCertificate")
        settings.tls.clientKey = entry.absolutePath("clientKey")
        if (settings.tls.clientCertificate == nil) != (settings.tls.clientKey == nil) {
            entry.refuse("clientKey", "clientCertificate and clientKey belong together")
        }
        settings.tls.verify = !(entry.bool("insecure") ?? false)
    }

    private static func readProxy(
        _ entry: inout ConfigurationReader, of registry: String, into settings: inout RegistrySettings
    ) {
        guard let text = entry.text("proxy") else { return }
        guard text != "none" else { return settings.proxy = .none }
        if (try? RegistryEndpoint(domain: registry, settings: settings))?.root.isLoopback == true {
            return entry.refuse("proxy", "a registry of this machine is never asked through a proxy")
        }
        do {
            settings.proxy = .through(try Proxy(parsing: text, source: .configuration(entry.place(of: "proxy"))))
        } catch {
            entry.refuse("proxy", "\(error.reason); or \"none\", for no proxy at all")
        }
    }

    private static func readPatience(
        _ entry: inout ConfigurationReader, into settings: inout RegistrySettings
    ) {
        settings.limits.connect =
            entry.duration("connectTimeout", atLeast: .milliseconds(1)) ?? settings.limits.connect
        settings.limits.response =
            entry.duration("responseTimeout", atLeast: .milliseconds(1)) ?? settings.limits.response
        settings.limits.answer =
            entry.duration("answerTimeout", atLeast: .milliseconds(1)) ?? settings.limits.answer
        settings.limits.stall =
            entry.duration("stallTimeout", atLeast: .milliseconds(1)) ?? settings.limits.stall
        settings.commitPatience = entry.duration("commitPatience") ?? settings.commitPatience
        settings.manifestGrace = entry.duration("manifestGrace") ?? settings.manifestGrace
    }
}
