internal import Glibc

/// A login file that is going to be replaced, held by its directory.
///
/// The daemon may be root and the file a user's, in a directory of that user's. Nothing that the user can change on the
/// way decides what is read and where it is written: links are followed only where root and the daemon's own user alone
/// can make them, and what was read is written back under the owner and mode that it had.
struct LoginFile: ~Copyable {
    /// Why the file can't be used, in words.
    struct Problem: Error {
        let reason: String
        var advice: String?
        /// Whether it is only that a directory is not there.
        var isAbsence = false
    }

    private let directory: Int32
    private let name: String
    /// Owner and mode of what was read; nil where there is no file.
    private var old: stat?

    deinit { close(directory) }

    private init(directory: consuming Folder, name: String) {
        self.directory = directory.release()
        self.name = name
        old = nil
    }

    /// - Parameter makesDirectory: whether the file's directory is made where it is missing, for its owner alone. None is
    ///   made in another user's directory.
    static func open(_ path: String, makingDirectory makesDirectory: Bool) throws(Problem) -> LoginFile {
        var rest = path.split(separator: "/").map(String.init)
        var folder = try Folder.open(path.hasPrefix("/") ? "/" : ".")
        var links = 0
        while let part = rest.first {
            rest.removeFirst()
            if part == "." { continue }
            if let target = try folder.link(part) {
                links += 1
                guard links <= 20 else { throw Problem(reason: "too many links follow each other") }
                if target.hasPrefix("/") { folder = try Folder.open("/") }
                rest = target.split(separator: "/").map(String.init) + rest
                continue
            }
            if rest.isEmpty { return LoginFile(directory: folder, name: part) }
            folder = try folder.enter(part, making: makesDirectory && rest.count == 1)
        }
        throw Problem(reason: "it is a directory")
    }

    /// The bytes of the file; nil where there is none yet.
    mutating func read() throws(CredentialFileProblem) -> [UInt8]? {
        let file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)
        guard file >= 0 else {
            let number = errno
            if number == ENOENT { return nil }
            throw CredentialFileProblem(reason: String(cString: strerror(number)))
        }
        defer { close(file) }
        let bytes = try readSmallFile(file)
        var status = stat()
        guard fstat(file, &status) == 0 else { throw CredentialFileProblem(reason: String(cString: strerror(errno))) }
        old = status
        return bytes
    }

    /// Replaces the file as a whole: a reader sees the old one or the new one. A new one is its owner's alone.
    borrowing func write(_ bytes: [UInt8]) throws(Problem) {
        var place = stat()
        guard fstat(directory, &place) == 0 else { throw Self.problem(errno) }
        let new = "\(name).\(String(UInt64.random(in: 0 ... .max), radix: 36)).new"
        let file = openat(directory, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.problem(errno) }
        do throws(Problem) {
            defer { close(file) }
            // One in another user's directory is that user's, who would otherwise be locked out of it.
            let (owner, group) = old.map { ($0.st_uid, $0.st_gid) } ?? (place.st_uid, place.st_gid)
            try Self.give(file, to: owner, group, isNew: old == nil)
            try Self.write(bytes, to: file)
            guard fchmod(file, (old?.st_mode ?? 0o600) & 0o7777) == 0, fsync(file) == 0 else {
                throw Self.problem(errno)
            }
        } catch {
            unlinkat(directory, new, 0)
            throw error
        }
        guard renameat(directory, new, directory, name) == 0 else {
            let number = errno
            unlinkat(directory, new, 0)
            throw Self.problem(number)
        }
    }

    private static func give(_ file: Int32, to owner: uid_t, _ group: gid_t, isNew: Bool) throws(Problem) {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw problem(errno) }
        // The group of a new file may be any: its mode gives the group no right.
        if status.st_uid == owner, isNew || status.st_gid == group { return }
        guard fchown(file, owner, group) == 0 else {
            throw Problem(
                reason: "it belongs to the user \(owner) and the group \(group), and pushd may not keep it so",
                advice: "let that user log in (docker login), or name a file of the daemon's own in the configuration: "
                    + "credentials: { files: [\"FILE\"] }")
        }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) throws(Problem) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw problem(count == 0 ? ENOSPC : errno)
            }
        }
    }

    fileprivate static func problem(_ number: Int32) -> Problem {
        Problem(reason: String(cString: strerror(number)), isAbsence: number == ENOENT || number == ENOTDIR)
    }
}

/// An open directory on the way.
private struct Folder: ~Copyable {
    private let descriptor: Int32

    deinit { close(descriptor) }

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// The descriptor, which is the caller's to close.
    consuming func release() -> Int32 {
        let descriptor = descriptor
        discard self
        return descriptor
    }

    /// Opened for its place alone: a directory may be one that can be searched and not be read.
    private static let flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | 0o10000000  // O_PATH

    static func open(_ path: String) throws(LoginFile.Problem) -> Folder {
        let descriptor = Glibc.open(path, flags)
        guard descriptor >= 0 else { throw LoginFile.problem(errno) }
        return Folder(descriptor)
    }

    consuming func enter(_ name: String, making isMade: Bool) throws(LoginFile.Problem) -> Folder {
        var status = stat()
        if isMade, fstat(descriptor, &status) == 0, Self.isOurs(status.st_uid) { mkdirat(descriptor, name, 0o700) }
        let inner = openat(descriptor, name, Self.flags)
        guard inner >= 0 else { throw LoginFile.problem(errno) }
        return Folder(inner)
    }

    /// Where a link leads; nil for what is none.
    ///
    /// - Throws: for one that another user could have made.
    func link(_ name: String) throws(LoginFile.Problem) -> String? {
        var status = stat()
        guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFLNK else {
            return nil
        }
        guard Self.isOurs(status.st_uid), isClosed else {
            throw LoginFile.Problem(
                reason: "\(name) is a link that another user can change",
                advice: "name the file that it leads to in the configuration: credentials: { files: [\"FILE\"] }")
        }
        var target = [CChar](repeating: 0, count: 4096)
        let count = readlinkat(descriptor, name, &target, target.count)
        guard count > 0, count < target.count else { throw LoginFile.problem(count < 0 ? errno : ENAMETOOLONG) }
        return String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether root and this user alone can change its entries, apart from those of others in a sticky directory. A user may
    /// have a group of one; root has none.
    private var isClosed: Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, Self.isOurs(status.st_uid) else { return false }
        return status.st_mode & (geteuid() == 0 ? 0o022 : 0o002) == 0 || status.st_mode & S_ISVTX != 0
    }

    private static func isOurs(_ user: uid_t) -> Bool { user == 0 || user == geteuid() }
}
