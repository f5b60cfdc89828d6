internal import Glibc

/// Where pushctl's output goes, and what it knows about its reader.
struct Console: Sendable {
    /// Writes to standard output, respectively standard error.
    var write: @Sendable ([UInt8]) throws(OutputError) -> Void
    var writeError: @Sendable ([UInt8]) throws(OutputError) -> Void
    /// Whether standard output is a terminal.
    var isTerminal: Bool
    /// Colours on standard output, respectively standard error.
    var color: Bool
    var errorColor: Bool
    var glyphs: Glyphs
    /// Columns and rows at present; asked for each frame.
    var size: @Sendable () -> (width: Int, height: Int)
    /// Whether the terminal is this process's to draw on: a job in the background leaves it alone.
    var isForeground: @Sendable () -> Bool
    /// Columns of the terminal at standard error; nil where it is none.
    var errorWidth: @Sendable () -> Int? = { nil }
    /// The person, or the pipe, at standard input.
    var questions: Questions
    /// Milliseconds since 1970, UTC.
    var now: @Sendable () -> Int64
    /// A moment in the local time zone, for people: `2026-03-04 05:06:07`.
    var localTime: @Sendable (Int64) -> String

    func print(_ lines: [Line]) throws(OutputError) {
        var text = ""
        for line in lines { text += line.rendered(color: color) + "\n" }
        if !text.isEmpty { try write(Array(text.utf8)) }
    }

    func print(_ line: Line) throws(OutputError) { try print([line]) }

    /// `pushctl: what failed: why`, and on a second line what to do about it. A closed standard error is ignored.
    func complain(_ message: String, advice: String?) {
        var lines = [Line("pushctl: ", .bad).appending(message)]
        if let advice { lines.append(Line(advice)) }
        // A terminal would break words.
        if let width = errorWidth() { lines = lines.flatMap { $0.wrapped(width: width) } }
        try? writeError(Array(lines.map { $0.rendered(color: errorColor) + "\n" }.joined().utf8))
    }
}

/// Standard output takes no more.
struct OutputError: Error, Equatable {
    /// The error number; `EPIPE` when the reader has gone away.
    let number: Int32
}

extension Console {
    /// The process's own standard output and standard error.
    static func standard(_ environment: [String: String]) -> Console {
        let isTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb"
        let wantsColor = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        return Console(
            write: { bytes throws(OutputError) in try writeAll(bytes, to: STDOUT_FILENO) },
            writeError: { bytes throws(OutputError) in try writeAll(bytes, to: STDERR_FILENO) },
            isTerminal: isTerminal, color: isTerminal && wantsColor,
            errorColor: isatty(STDERR_FILENO) == 1 && wantsColor, glyphs: .fitting(environment),
            size: { terminalSize(STDOUT_FILENO) ?? (80, 24) },
            isForeground: {
                let group = tcgetpgrp(STDOUT_FILENO)
                return group < 0 || group == getpgrp()
            },
            errorWidth: { isatty(STDERR_FILENO) == 1 ? terminalSize(STDERR_FILENO)?.width : nil },
            questions: .standard,
            now: {
                var time = timespec()
                clock_gettime(CLOCK_REALTIME, &time)
                return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
            },
            localTime: formatLocalTime)
    }

    private static func terminalSize(_ file: Int32) -> (width: Int, height: Int)? {
        var size = winsize()
        guard ioctl(file, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return (Int(size.ws_col), size.ws_row > 0 ? Int(size.ws_row) : 24)
    }

    private static func formatLocalTime(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) throws(OutputError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)  // made non-blocking elsewhere
                _ = poll(&waiting, 1, -1)
            } else if errno != EINTR {
                throw OutputError(number: errno)
            }
        }
    }
}
