internal import Glibc

/// How pushctl asks the person before it, and reads what is piped into it.
struct Questions: Sendable {
    /// Whether a person can be asked: standard input is a terminal.
    var canAsk: Bool
    /// Prints the question to standard error and reads a line; nil at the end of the input.
    ///
    /// - Parameter isSecret: the answer is not shown as it is typed.
    var ask: @Sendable (_ question: String, _ isSecret: Bool) -> String?
    /// All of standard input; nil where it can't be read or is longer than `limit` bytes.
    var readAll: @Sendable (_ limit: Int) -> [UInt8]?

    static let standard = Questions(
        canAsk: isatty(STDIN_FILENO) == 1,
        ask: { question, isSecret in
            _ = question.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            guard isSecret else { return readLine(strippingNewline: true) }
            return withoutEcho { readLine(strippingNewline: true) }
        },
        readAll: { readToEnd(STDIN_FILENO, atMost: $0) })

    /// Runs `body` with a terminal that does not show what is typed, and is as before afterwards: also where a signal
    /// ends the program.
    private static func withoutEcho(_ body: () -> String?) -> String? {
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { return body() }
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        let old = before
        let signals = Signals([SIGINT, SIGTERM, SIGHUP]) { number in
            var old = old
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &old)
            _ = write(STDERR_FILENO, "\n", 1)
            _exit(Session.status(ofSignal: number))
        }
        defer { signals.stop() }
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
            _ = write(STDERR_FILENO, "\n", 1)
        }
        return body()
    }
}
