internal import CSQLite

/// A prepared statement, kept and used again and again by its database.
final class Statement {
    private let handle: OpaquePointer
    private let database: OpaquePointer

    /// - Parameter database: the connection, which the caller keeps open or closes with `sqlite3_close_v2`.
    init(_ sql: String, in database: OpaquePointer) throws(SQLiteError) {
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v3(database, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle else { throw SQLiteError.last(of: database, code: code) }
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    /// Binds the values, hands each row to `read`, and steps to the end: a change is only made by the last step.
    func run(_ values: [any Bindable], _ read: (Row) throws(SQLiteError) -> Void) throws(SQLiteError) {
        defer {
            sqlite3_reset(handle)
            sqlite3_clear_bindings(handle)
        }
        for (place, value) in zip(Int32(1)..., values) {
            let code = value.bind(to: handle, at: place)
            guard code == SQLITE_OK else { throw SQLiteError.last(of: database, code: code) }
        }
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW: try read(Row(handle: handle))
            case SQLITE_DONE: return
            case let code: throw SQLiteError.last(of: database, code: code)
            }
        }
    }

    var sql: String { sqlite3_sql(handle).map { String(cString: $0) } ?? "" }
}

/// The current row of a statement, good until the closure that was given it returns. Columns count from 0.
struct Row {
    fileprivate let handle: OpaquePointer

    func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func int(_ column: Int32) -> Int { Int(int64(column)) }

    func bool(_ column: Int32) -> Bool { int64(column) != 0 }

    func text(_ column: Int32) -> String { optionalText(column) ?? "" }

    func optionalInt64(_ column: Int32) -> Int64? { isNull(column) ? nil : int64(column) }

    func optionalText(_ column: Int32) -> String? {
        guard let bytes = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    private func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
}

/// A value that a statement takes.
protocol Bindable {
    /// - Returns: SQLite's result code.
    func bind(to statement: OpaquePointer, at place: Int32) -> Int32
}

extension Int64: Bindable {
    func bind(to statement: OpaquePointer, at place: Int32) -> Int32 { sqlite3_bind_int64(statement, place, self) }
}

extension Int: Bindable {
    func bind(to statement: OpaquePointer, at place: Int32) -> Int32 { Int64(self).bind(to: statement, at: place) }
}

extension Bool: Bindable {
    func bind(to statement: OpaquePointer, at place: Int32) -> Int32 { (self ? 1 : 0).bind(to: statement, at: place) }
}

extension String: Bindable {
    func bind(to statement: OpaquePointer, at place: Int32) -> Int32 {
        var text = self
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                // An empty buffer may have no address, and a null address would bind NULL.
                guard let start = characters.baseAddress, !characters.isEmpty else {
                    return sqlite3_bind_text(statement, place, "", 0, pushd_sqlite_transient())
                }
                return sqlite3_bind_text64(
                    statement, place, start, UInt64(characters.count), pushd_sqlite_transient(), UInt8(SQLITE_UTF8))
            }
        }
    }
}

extension Optional: Bindable where Wrapped: Bindable {
    func bind(to statement: OpaquePointer, at place: Int32) -> Int32 {
        switch self {
        case .some(let value): value.bind(to: statement, at: place)
        case .none: sqlite3_bind_null(statement, place)
        }
    }
}

extension SQLiteError {
    /// The connection's latest error, which `code` belongs to.
    static func last(of database: OpaquePointer, code: Int32) -> SQLiteError {
        SQLiteError(
            code: code, message: String(cString: sqlite3_errmsg(database)),
            systemError: sqlite3_system_errno(database))
    }
}

/// What SQLite counted for a statement. Source: sqlite.org/c3ref/c_stmtstatus_counter.html.
extension Statement {
    /// How often it was run.
    var runs: Int { Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_RUN, 0)) }
    /// Steps of the virtual machine since this was last asked: a cost that is the same on every run.
    var takenSteps: Int { Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_VM_STEP, 1)) }
    /// Rows walked over without an index since this was last asked.
    var takenScans: Int { Int(sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1)) }
}
