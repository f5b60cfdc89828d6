import Glibc

/// The system's database of users. It may ask servers: every function may block.
enum UserDatabase {
    /// - Returns: nil where the system knows none of that number.
    static func name(of uid: UInt32) -> String? {
        entry(byNumber: uid) { $0.pw_name.map { String(cString: $0) } }
    }

    /// The home directory; nil where the system knows none.
    static func home(of uid: UInt32) -> String? {
        let path = entry(byNumber: uid) { $0.pw_dir.map { String(cString: $0) } }
        return path.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    /// - Parameter text: a name, or a number, which need not be known to the system.
    static func id(of text: String) -> UInt32? {
        if let uid = entry({ getpwnam_r(text, $0, $1, $2, $3) }, { $0.pw_uid }) { return uid }
        // -1 stands for "no user" in system calls.
        return UInt32(text).flatMap { $0 == .max ? nil : $0 }
    }

    private static func entry<Value>(byNumber uid: UInt32, _ read: (passwd) -> Value?) -> Value? {
        entry({ getpwuid_r(uid, $0, $1, $2, $3) }, read)
    }

    private typealias Search = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    /// - Parameter read: takes what it needs while the entry's texts are there.
    private static func entry<Value>(_ search: Search, _ read: (passwd) -> Value?) -> Value? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 65_536)
        return buffer.withUnsafeMutableBufferPointer { buffer in
            // Not empty, so it has an address.
            guard search(&entry, buffer.baseAddress!, buffer.count, &found) == 0, found != nil else { return nil }
            return read(entry)
        }
    }
}
