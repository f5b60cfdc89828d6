/// The schema's fifth version: which registries are in trouble is known after a restart, too.
extension Migration {
    static let trouble = """
        CREATE INDEX event_trouble ON event (registry, id) WHERE kind IN ('registry-trouble', 'registry-recovered');
        """
}
