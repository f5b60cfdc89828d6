import Glibc
public import System

extension ReadableFile {
    /// Opens a file of a test.
    ///
    /// - Throws: ``TestSupportError``.
    public convenience init(opening path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TestSupportError("open \(path): \(String(cString: strerror(errno)))") }
        self.init(owning: descriptor, path: path)
    }
}
