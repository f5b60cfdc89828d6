import HTTP
import OCI
import Publisher
import Registry

/// What is special about single registries.
extension Configuration {
    mutating func readRegistries(_ section: ConfigurationReader) throws(ConfigurationError) {
        var section = section
        for name in section.keys {
            guard let value = section.value(name) else { continue }
            guard Self.isRegistry(name) else { throw section.refuse(name, Self.registryForm) }
            var entry = try ConfigurationReader(value, path: section.place(of: name))
            var settings = publisher.registry
            try Self.readConnection(&entry, into: &settings)
            try Self.readProxy(&entry, of: name, into: &settings)
            try Self.readPatience(&entry, into: &settings)
            settings.createRepository = try Self.readCreation(&entry, registry: name)
            settings.format = try entry.choice("format", of: ImageFormat.self)
            try readLimits(of: name, &entry, into: &settings)
            try entry.finish()
            publisher.registries[name] = settings
        }
    }

    private static func readConnection(
        _ entry: inout ConfigurationReader, into settings: inout RegistrySettings
    ) throws(ConfigurationError) {
        settings.plainHTTP = try entry.bool("plainHttp")
        settings.tls.authorityFiles = try entry.absolutePath("caFile").map { [$0] } ?? []
        settings.tls.clientCertificate = try entry.absolutePath("clientCertificate")
        settings.tls.clientKey = try entry.absolutePath("clientKey")
        if (settings.tls.clientCertificate == nil) != (settings.tls.clientKey == nil) {
            throw entry.refuse("clientKey", "clientCertificate and clientKey belong together")
        }
        settings.tls.verify = !(try entry.bool("insecure") ?? false)
    }

    private static func readProxy(
        _ entry: inout ConfigurationReader, of registry: String, into settings: inout RegistrySettings
    ) throws(ConfigurationError) {
        guard let text = try entry.text("proxy") else { return }
        guard text != "none" else { return settings.proxy = .none }
        if (try? RegistryEndpoint(domain: registry, settings: settings))?.root.isLoopback == true {
            throw entry.refuse("proxy", "a registry of this machine is never asked through a proxy")
        }
        do {
            settings.proxy = .through(try Proxy(parsing: text, source: .configuration(entry.place(of: "proxy"))))
        } catch {
            throw entry.refuse("proxy", "\(error.reason); or \"none\", for no proxy at all")
        }
    }

    private static func readPatience(
        _ entry: inout ConfigurationReader, into settings: inout RegistrySettings
    ) throws(ConfigurationError) {
        settings.limits.connect =
            try entry.duration("connectTimeout", atLeast: .milliseconds(1)) ?? settings.limits.connect
        settings.limits.response =
            try entry.duration("responseTimeout", atLeast: .milliseconds(1)) ?? settings.limits.response
        settings.limits.answer =
            try entry.duration("answerTimeout", atLeast: .milliseconds(1)) ?? settings.limits.answer
        settings.limits.stall =
            try entry.duration("stallTimeout", atLeast: .milliseconds(1)) ?? settings.limits.stall
        settings.commitPatience = try entry.duration("commitPatience") ?? settings.commitPatience
        settings.manifestGrace = try entry.duration("manifestGrace") ?? settings.manifestGrace
    }
}
