internal import Glibc

/// All that is left to read of `file`, a descriptor.
///
/// - Returns: nil where it can't be read, with `errno` set, or is longer than `limit` bytes, with `EFBIG`.
func readToEnd(_ file: Int32, atMost limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = read(file, &buffer, buffer.count)
        if count == 0 { return bytes }
        if count < 0 {
            if errno == EINTR { continue }
            return nil
        }
        guard bytes.count + count <= limit else {
            errno = EFBIG
            return nil
        }
        bytes += buffer[..<count]
    }
}

/// The whole of the file at `path`, which may be a pipe, as shells make them of `<(COMMAND)`.
///
/// - Throws: ``FileFault``.
func readFile(_ path: String, atMost limit: Int) throws(FileFault) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw FileFault(code: errno) }
    defer { close(file) }
    guard let bytes = readToEnd(file, atMost: limit) else { throw FileFault(code: errno) }
    return bytes
}

/// Why a file can't be used, by the system's error number.
struct FileFault: Error {
    let code: Int32

    var reason: String { String(cString: strerror(code)) }
}
