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
            entry.finish()
            publisher.registries[name] = settings
        }
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
