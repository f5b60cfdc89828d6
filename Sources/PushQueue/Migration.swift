/// One step of the schema. A step that was released is never edited: mistakes get a new one.
struct Migration: Sendable {
    let version: Int64
    let sql: String

    static let all = [
        Migration(version: 1, sql: jobs + triggers + registries),
        Migration(version: 2, sql: formats),
        Migration(version: 3, sql: events),
        Migration(version: 4, sql: tryTime),
        Migration(version: 5, sql: trouble),
        Migration(version: 6, sql: callers),
        Migration(version: 7, sql: bringers),
    ]

    /// Marks the file as pushd's: "pusd" in ASCII. Source: sqlite.org/fileformat.html, "Application ID".
    static let applicationID: Int64 = 0x7075_7364
}

extension Database {
    /// Brings the schema to the newest version, each step in its own transaction.
    ///
    /// - Throws: the cause: ``QueueError/Cause/tooNew(found:known:)`` if a newer pushd wrote the file and
    ///   ``QueueError/Cause/foreign`` if another program did, in both cases before anything is touched; or SQLite's error.
    func migrate(_ steps: [Migration] = Migration.all) throws(QueueError.Cause) {
        do {
            let found = try row("PRAGMA user_version") { $0.int64(0) } ?? 0
            let owner = try row("PRAGMA application_id") { $0.int64(0) } ?? 0
            let isEmpty = try row("SELECT count(*) FROM sqlite_schema") { $0.int64(0) } == 0
            guard owner == Migration.applicationID || (owner == 0 && found == 0 && isEmpty) else {
                throw QueueError.Cause.foreign
            }
            let known = steps.last?.version ?? 0
            guard found <= known else { throw QueueError.Cause.tooNew(found: found, known: known) }
            try configure()
            for step in steps where step.version > found {
                try transaction { () throws(SQLiteError) in
                    try execute(step.sql)
                    // Our own integers; a PRAGMA binds nothing.
                    try execute("PRAGMA application_id = \(Migration.applicationID)")
                    try execute("PRAGMA user_version = \(step.version)")
                }
            }
        } catch let error as SQLiteError {
            throw error.cause
        } catch let cause as QueueError.Cause {
            throw cause
        } catch {
            throw .sqlite(code: 0, message: "\(error)")
        }
    }
}
