import Publisher

/// Names that stand for destinations.
extension Configuration {
    mutating func readAliases(_ section: ConfigurationReader) {
        var section = section
        for name in section.keys {
            let alias: Aliases.Name
            if Aliases.isWord(name) {
                alias = .word(name)
            } else if Self.isRegistry(name) {
                alias = .registry(name)
            } else {
                _ = section.value(name)
                section.refuse(
                    name,
                    "an alias is a word in lower case, such as \"release\", or a registry, HOST or HOST:PORT, as in "
                        + "image names")
                continue
            }
            var templates: [DestinationTemplate] = []
            for target in section.items(name) {
                do { templates.append(try DestinationTemplate(target.text)) } catch {
                    section.faults.add(ConfigurationError(path: target.path, reason: error.description))
                }
            }
            if section.hasNoEntries(name) {
                section.refuse(name, "a destination such as \"registry.example/{name}:{tag}\" is wanted")
            }
            guard !templates.isEmpty else { continue }
            publisher.aliases.add(alias, templates)
        }
    }
}
