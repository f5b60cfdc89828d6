internal import CSQLite

/// A second hand in a database that somebody else has open, or has left.
public enum SQLiteFile {
    /// Runs statements; returns the first column of the first row, if there is one.
    ///
    /// - Throws: ``TestSupportError`` with SQLite's message.
    @discardableResult
    public static func execute(_ sql: String, at path: String) throws -> String? {
        var handle: OpaquePointer?
        defer { sqlite3_close_v2(handle) }
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK else {
            throw TestSupportError("cannot open \(path)")
        }
        sqlite3_busy_timeout(handle, 5000)
        var first: String?
        let code = withUnsafeMutablePointer(to: &first) { first in
            sqlite3_exec(
                handle, sql,
                { context, count, values, _ in
                    let first = context?.assumingMemoryBound(to: String?.self)
                    if first?.pointee == nil, count > 0, let text = values?[0] {
                        first?.pointee = String(cString: text)
                    }
                    return 0
                }, first, nil)
        }
        guard code == SQLITE_OK else { throw TestSupportError("\(sql): \(String(cString: sqlite3_errmsg(handle)))") }
        return first
    }
}
