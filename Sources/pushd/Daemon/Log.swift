import Control
import Glibc

/// The daemon's log: lines on standard error, with the journal's priorities where systemd reads them.
struct Log: Sendable {
    let level: Current<LogLevel>
    /// Standard error goes to the journal, which stamps and sorts by itself.
    let isJournal: Bool

    /// Without control characters, those from U+0080 to U+009F among them: a terminal could obey them.
    static func clean(_ message: String) -> String {
        message.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : String($0) }.joined()
    }

    /// - Parameter limit: what is let through; nil: what the log's level lets through at the moment.
    func callAsFunction(_ level: LogLevel, limit: LogLevel? = nil, _ message: @autoclosure () -> String) {
        guard level <= limit ?? self.level.value else { return }
        // One line for one message, even if a registry's text has line breaks.
        let clean = Self.clean(message())
        let line =
            isJournal
            ? "<\(level.priority)>\(clean)\n"
            : "\(Timestamp(milliseconds: Clock.now)) \(level.rawValue): \(clean)\n"
        var bytes = Array(line.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

enum Clock {
    /// Milliseconds since 1970, UTC.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
