/// The schema's seventh version: who brought what is in repositories.
extension Migration {
    static let bringers = """
        -- A member's user id; -1: a rule, which counts for all; NULL: what has the daemon's rights, or an older pushd.
        ALTER TABLE holding ADD COLUMN brought_by INTEGER;
        """
}
