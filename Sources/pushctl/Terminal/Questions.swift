internal import Glibc

/// How pushctl asks the person before it, and reads what is piped into it.
struct Questions: Sendable {
    /// Whether a person can be asked: standard input is a terminal.
    var canAsk: Bool
    /// From now on what is typed is not shown, except for the answers of open questions: a person may type before the
    /// question is there. Nothing that was typed is lost.
    ///
    /// - Returns: ends it. An answer that was typed and not asked for is thrown away then: it may be a password, and the
    ///   shell would show it.
    var hideTyping: @Sendable () -> @Sendable () -> Void = { {} }
    /// Prints the question to standard error and reads a line; nil at the end of the input.
    ///
    /// - Parameter isSecret: the answer is not shown as it is typed.
    var ask: @Sendable (_ question: String, _ isSecret: Bool) -> String?
    /// All of standard input; nil where it can't be read or is longer than `limit` bytes.
    var readAll: @Sendable (_ limit: Int) -> [UInt8]?

    static let standard = Questions(
        canAsk: isatty(STDIN_FILENO) == 1,
        hideTyping: { SilentTerminal.shared.begin() },
        ask: { question, isSecret in SilentTerminal.shared.ask(question, isSecret: isSecret) },
        readAll: { readToEnd(STDIN_FILENO, atMost: $0) })
}
