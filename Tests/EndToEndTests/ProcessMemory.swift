import Glibc
import TestSupport

/// What the kernel says of a process's memory. Source: proc(5), `/proc/PID/status`.
struct ProcessMemory {
    /// Bytes in RAM now.
    let resident: Int
    /// The most there ever was.
    let peak: Int

    init(of process: ProcessRunner) throws {
        let status = try readKernelFile("/proc/\(process.pid)/status")
        func bytes(_ name: String) throws -> Int {
            guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") }),
                let kilobytes = line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap({ Int($0) }
                )
            else { throw TestSupportError("no \(name) in \(status)") }
            return kilobytes * 1024
        }
        resident = try bytes("VmRSS")
        peak = try bytes("VmHWM")
    }
}

/// All of a file that the kernel makes up as it is read: its size says nothing, and a read may return a part.
func readKernelFile(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TestSupportError("cannot open \(path): errno \(errno)") }
    defer { close(descriptor) }
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw TestSupportError("cannot read \(path): errno \(errno)") }
        if count == 0 { return String(decoding: all, as: UTF8.self) }
        all += buffer[..<count]
    }
}
