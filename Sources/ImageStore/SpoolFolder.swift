internal import Glibc
internal import System

/// A directory of the spool, held open.
final class SpoolFolder: Sendable {
    let path: String
    private let descriptor: Int32

    /// Opens the directory, and makes it if need be, for its owner only.
    init(making path: String) throws(ImageStoreError) {
        self.path = path
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw .system("make", path, errno) }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", path, errno) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func status(of name: String) -> FileStatus? { FileStatus(of: name, in: descriptor) }

    /// - Returns: bytes freed on the disk: none where another name keeps the file.
    @discardableResult
    func remove(_ name: String) -> Int64 {
        let status = status(of: name)
        guard unlinkat(descriptor, name, 0) == 0, let status, status.links == 1 else { return 0 }
        return status.size
    }

    /// A new file of a name of its own, for its owner only.
    func create(_ name: String) throws(ImageStoreError) -> OpenFile {
        try OpenFile.create(name, in: descriptor, path: path)
    }

    /// Puts a file of this directory into `other` under `newName`, over what is there.
    func move(_ name: String, to other: SpoolFolder, as newName: String) throws(ImageStoreError) {
        guard renameat(descriptor, name, other.descriptor, newName) == 0 else {
            throw .system("rename", path + "/" + name, errno)
        }
    }

    /// Gives the open file one more name here.
    ///
    /// Over `/proc`, so that it is the file that was checked and not what its path leads to by now.
    /// - Returns: 0, or why not.
    func link(_ file: borrowing OpenFile, as name: String) -> Int32 {
        linkat(AT_FDCWD, "/proc/self/fd/\(file.descriptor)", descriptor, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno
    }

    /// Returns when the disk has the directory's entries.
    func sync() throws(ImageStoreError) {
        guard fsync(descriptor) == 0 else { throw .system("sync", path, errno) }
    }

    /// All names but `.` and `..`, in no order.
    func names() throws(ImageStoreError) -> [String] {
        // Another descriptor: reading moves its place and closes it.
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw .system("list", path, errno) }
        defer { closedir(stream) }
        return Array(DirectoryNames(stream))
    }
}
