internal import Glibc
internal import Synchronization

/// The terminal at standard input while a password is to be typed there: it does not show what is typed, and is as
/// before afterwards, also where a signal ends or stops the program.
///
/// The echo is switched off before a question is printed, and switching never discards what was typed already.
final class SilentTerminal: Sendable {
    static let shared = SilentTerminal()

    private struct State {
        /// As the terminal was; nil while nothing is hidden.
        var before: termios?
        /// Whether the answer to an open question is shown.
        var isEchoOn = false
        var signals: Signals?
        /// Whether a secret was read: what is typed after it is meant for the shell.
        var hasAnswer = false
    }

    private let state = Mutex(State())

    /// - Returns: ends it.
    func begin() -> @Sendable () -> Void {
        guard start() else { return {} }
        return { self.end() }
    }

    /// Prints a question and reads a line; nil at the end of the input.
    func ask(_ question: String, isSecret: Bool) -> String? {
        let isOwn = isSecret && start()
        defer { if isOwn { end() } }
        setEcho(!isSecret)
        defer { setEcho(false) }
        _ = question.withCString { write(STDERR_FILENO, $0, strlen($0)) }
        let answer = readLine(strippingNewline: true)
        if isSecret {
            _ = write(STDERR_FILENO, "\n", 1)
            state.withLock { $0.hasAnswer = answer != nil }
        }
        return answer
    }

    /// - Returns: false where it is hidden already, or no terminal.
    private func start() -> Bool {
        let isNew = state.withLock { state in
            var before = termios()
            guard state.before == nil, tcgetattr(STDIN_FILENO, &before) == 0 else { return false }
            state.before = before
            state.hasAnswer = false
            return true
        }
        guard isNew else { return false }
        let signals = Signals([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]) { number in
            self.restore(discarding: true)
            guard number != SIGTSTP else {
                raise(SIGSTOP)  // the shell has the terminal until it says SIGCONT
                return self.hideAgain()
            }
            _ = write(STDERR_FILENO, "\n", 1)
            _exit(Session.status(ofSignal: number))
        }
        state.withLock { $0.signals = signals }
        setEcho(false)
        return true
    }

    private func end() {
        restore(discarding: !state.withLock { $0.hasAnswer })
        state.withLock { state in
            state.signals?.stop()
            (state.signals, state.before) = (nil, nil)
        }
    }

    /// Does nothing while nothing is hidden: the terminal is not ours to change.
    private func setEcho(_ isOn: Bool) {
        state.withLock { state in
            guard var mode = state.before else { return }
            state.isEchoOn = isOn
            if !isOn { mode.c_lflag &= ~tcflag_t(ECHO) }
            Self.apply(TCSADRAIN, &mode)
        }
    }

    /// As it was before the program was stopped.
    private func hideAgain() { setEcho(state.withLock { $0.isEchoOn }) }

    /// In the background it stops the program until it has the terminal again.
    private static func apply(_ when: Int32, _ mode: inout termios) {
        while tcsetattr(STDIN_FILENO, when, &mode) != 0, errno == EINTR {}
    }

    private func restore(discarding isDiscarding: Bool) {
        state.withLock { state in
            guard var before = state.before else { return }
            Self.apply(isDiscarding ? TCSAFLUSH : TCSADRAIN, &before)
        }
    }
}
