/// The schema's second version: jobs whose image is not pushed as it is in its store.
extension Migration {
    static let formats = """
        -- The image that the name stood for, where another one is pushed: of some platforms, or in another format.
        ALTER TABLE job ADD COLUMN named_root TEXT;          -- digest
        ALTER TABLE job ADD COLUMN named_type TEXT;          -- media type
        ALTER TABLE job ADD COLUMN named_size INTEGER;
        ALTER TABLE job ADD COLUMN format     TEXT CHECK (format IN ('oci', 'docker'));  -- that was asked for
        ALTER TABLE job ADD COLUMN left_out   TEXT;          -- what the format has no place for, in words
        CREATE INDEX job_named ON job (named_root, id) WHERE named_root IS NOT NULL;
        """
}
