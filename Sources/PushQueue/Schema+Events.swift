/// The schema's third version: events, for readers that were not connected at the time.
extension Migration {
    static let events = """
        -- Numbers never come twice and have no gaps: rows are deleted at the front alone. Names are copied, because an
        -- event may outlive its job.
        CREATE TABLE event (
            id          INTEGER PRIMARY KEY AUTOINCREMENT,
            at          INTEGER NOT NULL,
            kind        TEXT    NOT NULL,
            job         INTEGER,
            state       TEXT,
            image       TEXT,                            -- as the user named it
            destination TEXT,
            registry    TEXT,
            code        TEXT,                            -- of the error, where the event is one
            message     TEXT
        ) STRICT;
        """
}
