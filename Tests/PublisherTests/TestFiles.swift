import FoundationEssentials
import Glibc
import TestSupport

enum TestFiles {
    static func remove(_ path: String) throws {
        guard unlink(path) == 0 else { throw TestSupportError("cannot remove \(path)") }
    }

    static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    /// Changes one byte in place: the inode, and whatever is linked to it, stays.
    static func flipByte(at offset: Int, of path: String) throws {
        let descriptor = open(path, O_RDWR)
        guard descriptor >= 0 else { throw TestSupportError("cannot open \(path)") }
        defer { close(descriptor) }
        var byte: UInt8 = 0
        guard pread(descriptor, &byte, 1, off_t(offset)) == 1 else { throw TestSupportError("cannot read \(path)") }
        byte ^= 0xFF
        guard pwrite(descriptor, &byte, 1, off_t(offset)) == 1 else { throw TestSupportError("cannot write \(path)") }
    }
}
