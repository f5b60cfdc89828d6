internal import Glibc

/// A system call that failed.
struct SystemError: Error, Equatable, CustomStringConvertible {
    let call: String
    /// Its `errno`.
    let code: Int32

    var description: String { "\(call): \(systemReason(code))" }
}

/// What the system says of an `errno`.
func systemReason(_ code: Int32) -> String {
    String(cString: strerror(code))
}
