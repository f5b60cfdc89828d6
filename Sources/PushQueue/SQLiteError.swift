internal import CSQLite
internal import Glibc

/// What SQLite answered instead of OK. Values that were bound never stand in it.
struct SQLiteError: Error, Hashable {
    /// The extended result code. Source: sqlite.org/rescode.html.
    let code: Int32
    let message: String
    /// The errno of the operating system, or 0.
    var systemError: Int32 = 0

    /// What it means for the queue.
    var cause: QueueError.Cause {
        let reason = systemError == 0 ? message : "\(message) (\(String(cString: strerror(systemError))))"
        switch code & 0xFF {
        case SQLITE_FULL: return .diskFull
        case SQLITE_IOERR:
            return systemError == ENOSPC || systemError == EDQUOT ? .diskFull : .inputOutput(reason: reason)
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_AUTH: return .notWritable(reason: reason)
        case SQLITE_CORRUPT, SQLITE_NOTADB: return .corrupt(reason: message)
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: return .locked
        default: return .sqlite(code: code, message: message)
        }
    }

    /// A value in the database that pushd can't have written.
    static func unreadable(_ what: String) -> SQLiteError {
        SQLiteError(code: SQLITE_CORRUPT, message: "\(what) is not one that pushd writes")
    }
}
