internal import Glibc

/// The system's words for an errno.
func systemMessage(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
    return buffer.withUnsafeBufferPointer { text in
        text.baseAddress.map { String(cString: $0) } ?? "error \(code)"
    }
}
