internal import CSQLite

/// One open database file, closed at the end of its owner's scope.
struct Database: ~Copyable {
    private let handle: OpaquePointer
    private let statements = StatementCache()

    // _v2 waits for statements that are still alive, so the order of deinits does not matter.
    deinit { sqlite3_close_v2(handle) }

    /// Opens or creates the file at `path`, without touching what is in it.
    ///
    /// - Throws: ``SQLiteError`` with the extended result code and SQLite's message.
    static func open(_ path: String) throws(SQLiteError) -> Database {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard let handle else { throw SQLiteError(code: code, message: "out of memory") }
        let database = Database(handle: handle)  // also when opening failed: sqlite.org/c3ref/open.html
        guard code == SQLITE_OK else { throw SQLiteError.last(of: handle, code: code) }
        sqlite3_busy_timeout(handle, 2000)  // milliseconds: another program may read the file for a moment
        // A file of a newer pushd must stay as it is, its log of unmerged commits too.
        pushd_sqlite_switch(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        pushd_sqlite_switch(handle, SQLITE_DBCONFIG_DEFENSIVE, 1)
        pushd_sqlite_switch(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        return database
    }

    /// Makes commits durable: each returns only after the disk has it. Called once the file is known to be ours.
    func configure() throws(SQLiteError) {
        pushd_sqlite_switch(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        let mode = try row("PRAGMA journal_mode = WAL") { $0.text(0) }
        guard mode == "wal" else {
            throw SQLiteError(code: SQLITE_CANTOPEN, message: "the file system does not allow a write-ahead log")
        }
        try execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY")
        try execute("PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 67108864")  // KiB; bytes
    }

    /// Runs statements that bind nothing and answer nothing.
    func execute(_ sql: String) throws(SQLiteError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw SQLiteError.last(of: handle, code: code) }
    }

    /// Runs one statement and returns how many rows it changed itself, not counting triggers.
    ///
    /// The text is a literal, so values can only be bound.
    @discardableResult
    func run(_ sql: StaticString, _ values: any Bindable...) throws(SQLiteError) -> Int {
        try prepare(sql).run(values) { _ in }
        return Int(sqlite3_changes64(handle))
    }

    /// The first row, or nil where there is none.
    func row<R>(
        _ sql: StaticString, _ values: any Bindable..., read: (Row) throws(SQLiteError) -> R
    ) throws(SQLiteError) -> R? {
        var first: R?
        try prepare(sql).run(values) { row throws(SQLiteError) in
            if first == nil { first = try read(row) }
        }
        return first
    }

    func rows<R>(
        _ sql: StaticString, _ values: any Bindable..., read: (Row) throws(SQLiteError) -> R
    ) throws(SQLiteError) -> [R] {
        var all: [R] = []
        try prepare(sql).run(values) { row throws(SQLiteError) in all.append(try read(row)) }
        return all
    }

    /// The rowid of the row that was inserted last.
    var lastInsertedID: Int64 { sqlite3_last_insert_rowid(handle) }

    /// False again after an error that made SQLite roll back by itself.
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs `body` in a transaction. The first error wins.
    func transaction<R>(_ body: () throws(SQLiteError) -> R) throws(SQLiteError) -> R {
        try run("BEGIN IMMEDIATE")
        do {
            let result = try body()
            try run("COMMIT")
            return result
        } catch {
            if isInTransaction { try? execute("ROLLBACK") }
            throw error
        }
    }

    /// All statements prepared so far.
    var prepared: [Statement] { Array(statements.byAddress.values) }

    /// How SQLite would run `sql`, one line a step. Source: sqlite.org/eqp.html.
    func plan(of sql: String) throws(SQLiteError) -> [String] {
        var steps: [String] = []
        try Statement("EXPLAIN QUERY PLAN " + sql, in: handle).run([]) { steps.append($0.text(3)) }
        return steps
    }

    private func prepare(_ sql: StaticString) throws(SQLiteError) -> Statement {
        let address = UInt(bitPattern: sql.utf8Start)  // a literal stays where it is
        if let statement = statements.byAddress[address] { return statement }
        let statement = try Statement(sql.description, in: handle)
        statements.byAddress[address] = statement
        return statement
    }
}

/// The prepared statements of one connection, by the address of the literal that they were made of.
private final class StatementCache {
    var byAddress: [UInt: Statement] = [:]
}
