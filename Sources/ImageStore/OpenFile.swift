internal import Glibc
internal import OCI
internal import System

/// One open file or directory, closed at the end of its owner's scope.
struct OpenFile: ~Copyable {
    let descriptor: Int32
    /// For errors, and for those who open it again.
    let path: String
    /// Whether a link led here: it may be any file of the machine, and is believed only by its digest.
    let isLinked: Bool
    /// What is opened below it is opened with these too.
    private let rights: StoreRights

    private init(descriptor: Int32, path: String, isLinked: Bool = false, rights: StoreRights = .daemon) {
        self.descriptor = descriptor
        self.path = path
        self.isLinked = isLinked
        self.rights = rights
    }

    deinit { close(descriptor) }

    /// The same open file for several users, who may outlive this one.
    ///
    /// - Throws: ``ImageStoreError``: `system`.
    func shared() throws(ImageStoreError) -> ReadableFile {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .system("open", path, errno) }
        return ReadableFile(owning: copy, path: path)
    }

    /// Of a file that others hold open.
    init(sharing file: ReadableFile) throws(ImageStoreError) {
        let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .system("open", file.path, errno) }
        self.init(descriptor: copy, path: file.path)
    }

    /// Opens what is called `path`, for reading.
    ///
    /// - Parameter rights: for this, and for what is opened below it.
    /// - Returns: nil if there is nothing under that name.
    /// - Throws: ``ImageStoreError``: `unsafePath` for a link where those are refused; `notOpenedAsCaller`, `system`.
    static func open(
        _ path: String, isDirectory: Bool, refusingLink: Bool = false, as rights: StoreRights = .daemon
    ) throws(ImageStoreError) -> OpenFile? {
        let step = OpenStep(path: path, isDirectory: isDirectory, followsLink: false, refusesLink: refusingLink)
        return try made(by: rights.take(step, in: nil), at: path, rights, below: false)
    }

    /// Opens what is called `name` in this directory, and is no link.
    ///
    /// - Returns: nil if there is nothing under that name.
    /// - Throws: as ``open(_:isDirectory:refusingLink:as:)``.
    func open(_ name: String, isDirectory: Bool) throws(ImageStoreError) -> OpenFile? {
        let step = OpenStep(path: name, isDirectory: isDirectory, followsLink: false, refusesLink: true)
        return try Self.made(by: rights.take(step, in: descriptor), at: path + "/" + name, rights, below: isLinked)
    }

    /// Opens what is called `name` in this directory, or what a link of that name leads to.
    ///
    /// Behind a link only a regular file or a directory is opened.
    /// - Parameter isDirectory: which of the two is wanted.
    /// - Returns: nil if there is nothing under that name.
    /// - Throws: ``ImageStoreError``: `linkUnproven` for a link to anything else, or to nothing; `unsafePath`,
    ///   `notOpenedAsCaller`, `system`.
    func openFollowing(_ name: String, isDirectory: Bool) throws(ImageStoreError) -> OpenFile? {
        let step = OpenStep(path: name, isDirectory: isDirectory, followsLink: true, refusesLink: false)
        return try Self.made(by: rights.take(step, in: descriptor), at: path + "/" + name, rights, below: isLinked)
    }

    /// - Parameter isBelowLink: whether a link led to the directory.
    private static func made(
        by outcome: OpenStep.Outcome, at path: String, _ rights: StoreRights, below isBelowLink: Bool
    ) throws(ImageStoreError) -> OpenFile? {
        switch outcome {
        case .opened(let descriptor, let isLinked):
            return OpenFile(descriptor: descriptor, path: path, isLinked: isLinked || isBelowLink, rights: rights)
        case .absent: return nil
        case .unproven: throw ImageStoreError(.linkUnproven(path: path), subject: path)
        case .failed(ELOOP), .failed(ENOTDIR): throw ImageStoreError(.unsafePath(path: path), subject: path)
        case .failed(EACCES) where rights.isOfUser: throw ImageStoreError(.closedToCaller(path: path), subject: path)
        case .failed(let code): throw .system("open", path, code)
        }
    }

    /// Makes a new file in an open directory, for its owner only.
    ///
    /// - Parameter path: the directory's.
    static func create(_ name: String, in directory: Int32, path: String) throws(ImageStoreError) -> OpenFile {
        let descriptor = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system("create", path + "/" + name, errno) }
        return OpenFile(descriptor: descriptor, path: path + "/" + name)
    }

    func status() throws(ImageStoreError) -> FileStatus {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("look at", path, errno) }
        return FileStatus(status)
    }

    /// The whole file, read from its start.
    ///
    /// - Parameter limit: bytes; of a longer file only `limit + 1` are read, so that the caller sees it is too long.
    func readAll(limit: Int) throws(ImageStoreError) -> [UInt8] {
        let expected = min(Int(try status().size), limit) + 1  // one more: it may have grown
        var bytes: [UInt8] = []
        bytes.reserveCapacity(expected)
        while bytes.count <= limit {
            let wanted = max(min(limit + 1 - bytes.count, expected - bytes.count), 4096)
            let start = bytes.count
            var got = 0
            bytes += [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
                got = retrying { pread(descriptor, buffer.baseAddress, wanted, start) }
                filled = max(got, 0)
            }
            guard got >= 0 else { throw .system("read", path, errno) }
            if got == 0 { break }
        }
        return bytes
    }

    /// Hands the file's bytes to `body` in order, a megabyte at a time, and returns their number.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Int64 {
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var offset = 0
        while true {
            let got = retrying { pread(descriptor, buffer.baseAddress, buffer.count, offset) }
            guard got >= 0 else { throw ImageStoreError.system("read", path, errno) }
            if got == 0 { return Int64(offset) }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            offset += got
        }
    }

    /// The digest of the whole file, however long it is.
    func digest(_ algorithm: Digest.Algorithm, _ flag: CancelFlag) throws -> Digest {
        var hasher = DigestHasher(algorithm)
        _ = try forEachPiece {
            try flag.check()
            hasher.update($0)
        }
        return hasher.finish()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ImageStoreError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = retrying { Glibc.write(descriptor, rest.baseAddress, rest.count) }
            guard count > 0 else { throw .system("write", path, count == 0 ? EIO : errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Returns when the disk has everything.
    func sync() throws(ImageStoreError) {
        guard fdatasync(descriptor) == 0 else { throw .system("sync", path, errno) }
    }
}

/// What the file system says of a file.
struct FileStatus: Sendable, Equatable {
    let device: UInt
    let inode: UInt
    let size: Int64
    let isRegular: Bool
    let links: UInt
    /// Of content and of inode, nanoseconds since 1970.
    let modified: Int64
    let changed: Int64

    init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int64(status.st_size)
        isRegular = status.st_mode & S_IFMT == S_IFREG
        links = UInt(status.st_nlink)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    }

    /// Of the file `name` in the directory, links not followed; nil if it cannot be looked at.
    init?(of name: String, in directory: Int32 = AT_FDCWD) {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        self.init(status)
    }
}

/// A call again and again while signals interrupt it.
func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

extension ImageStoreError {
    /// A failed system call; a full disk has a cause of its own.
    static func system(_ operation: String, _ path: String, _ number: Int32) -> ImageStoreError {
        number == ENOSPC || number == EDQUOT
            ? ImageStoreError(.noSpace(path: path), subject: path)
            : ImageStoreError(.system(operation: operation, path: path, errno: number), subject: path)
    }
}
