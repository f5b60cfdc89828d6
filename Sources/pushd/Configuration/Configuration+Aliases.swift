import Publisher

/// Names that stand for destinations.
extension Configuration {
    mutating func readAliases(_ section: ConfigurationReader) throws(ConfigurationError) {
        var section = section
        for name in section.keys {
            let alias: Aliases.Name
            if Aliases.isWord(name) {
                alias = .word(name)
            } else if Self.isRegistry(name) {
                alias = .registry(name)
            } else {
                throw section.refuse(
                    name,
                    "an alias is a word in lower case, such as \"release\", or a registry, HOST or HOST:PORT, as in "
                        + "image names")
            }
            var templates: [DestinationTemplate] = []
            for text in try section.texts(name) ?? [] {
                do { templates.append(try DestinationTemplate(text)) } catch {
                    throw section.refuse(name, error.description)
                }
            }
            guard !templates.isEmpty else {
                throw section.refuse(name, "a destination such as \"registry.example/{name}:{tag}\" is wanted")
            }
            publisher.aliases.add(alias, templates)
        }
    }
}
