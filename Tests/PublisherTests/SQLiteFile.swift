import CSQLite
import TestSupport

/// A second hand in a database that the publisher has open.
enum SQLiteFile {
    static func execute(_ sql: String, at path: String) throws {
        var handle: OpaquePointer?
        defer { sqlite3_close_v2(handle) }
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
            throw TestSupportError("cannot open \(path)")
        }
        sqlite3_busy_timeout(handle, 5000)
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            throw TestSupportError("\(sql): \(String(cString: sqlite3_errmsg(handle)))")
        }
    }
}
