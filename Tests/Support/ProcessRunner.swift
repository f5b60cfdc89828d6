internal import Dispatch
internal import Glibc
internal import Synchronization

/// A program that runs beside the test: its output is kept, its end can be awaited, and it does not outlive the test.
///
/// ```swift
/// let result = try await ProcessRunner.run("skopeo", ["--version"])
///
/// try await ProcessRunner.with(builtProduct("pushd"), ["--config", path]) { daemon in
///     try await daemon.waitForOutput("ready")
///     …
/// }
/// ```
/// `with` kills what is left at its end. An object made with `init` kills in `deinit`, which may come right after the
/// object's last use: keep using it, or use `with`.
public final class ProcessRunner: Sendable {
    public struct Result: Sendable {
        /// The exit status; nil if a signal ended the program.
        public let status: Int32?
        public let signal: Int32?
        public let output: String
        public let errors: String
    }

    private struct State {
        var ended: (status: Int32?, signal: Int32?)?
        /// What came from standard output and from standard error.
        var streams: [[UInt8]] = [[], []]
        var openStreams = 2
    }

    /// What the threads hold: they must not keep the runner alive.
    private final class Record: Sendable {
        let state = Mutex(State())
        let signal = TestSignal()
        let outputLimit: Int

        init(outputLimit: Int) { self.outputLimit = outputLimit }

        func change(_ body: (inout State) -> Void) {
            state.withLock { body(&$0) }
            signal.raise()
        }

        func text(_ stream: Int) -> String { String(decoding: state.withLock { $0.streams[stream] }, as: UTF8.self) }
        var hasEnded: Bool { state.withLock { $0.ended != nil } }
        var isComplete: Bool { state.withLock { $0.ended != nil && $0.openStreams == 0 } }
        func contains(_ text: String, times: Int) -> Bool {
            self.text(0).ranges(of: text).count >= times || self.text(1).ranges(of: text).count >= times
        }
    }

    public let program: String
    public let pid: Int32
    private let record: Record

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - program: a path, or a name looked up in `PATH`.
    ///   - environment: nil: this process's own.
    ///   - directory: where it runs; nil: here.
    ///   - input: what it reads; a file's path. Nil: nothing.
    ///   - outputLimit: bytes kept of each stream; what comes later is read and thrown away.
    /// - Throws: ``TestSupportError`` if it cannot be started.
    public init(
        _ program: String, _ arguments: [String] = [], environment: [String: String]? = nil, directory: String? = nil,
        input: String? = nil, outputLimit: Int = 4 << 20
    ) throws {
        // `env -C` changes the directory and becomes the program: the number of the process stays.
        let words = (directory.map { ["env", "-C", $0, program] } ?? [program]) + arguments
        let output = try Self.streamPair()
        defer { close(output.child) }
        let errors = try Self.streamPair()
        defer { close(errors.child) }
        self.program = program
        do {
            pid = try Self.spawn(words, environment, input: input ?? "/dev/null", output.child, errors.child)
        } catch {
            close(output.parent)
            close(errors.parent)
            throw error
        }
        record = Record(outputLimit: outputLimit)
        Self.collect(output.parent, 0, record)
        Self.collect(errors.parent, 1, record)
        Self.watch(pid, record)
    }

    deinit { send(SIGKILL) }

    /// Runs `body` beside the program, which is killed afterwards if it still runs.
    public static func with<Value>(
        _ program: String, _ arguments: [String] = [], environment: [String: String]? = nil, directory: String? = nil,
        _ body: (ProcessRunner) async throws -> Value
    ) async throws -> Value {
        let process = try ProcessRunner(program, arguments, environment: environment, directory: directory)
        do {
            let value = try await body(process)
            await process.end()
            return value
        } catch {
            await process.end()
            throw error
        }
    }

    /// Runs a program to its end.
    public static func run(
        _ program: String, _ arguments: [String] = [], environment: [String: String]? = nil, directory: String? = nil,
        input: String? = nil, timeout: Duration = .seconds(60)
    ) async throws -> Result {
        let process = try ProcessRunner(
            program, arguments, environment: environment, directory: directory, input: input)
        do {
            return try await process.wait(timeout: timeout)
        } catch {
            await process.end()
            throw error
        }
    }

    /// Kills the program, if it still runs, and returns when it is gone.
    public func end() async {
        send(SIGKILL)
        try? await record.signal.wait(for: "the end of \(program)") { [record] in record.hasEnded }
    }

    public var isRunning: Bool { !record.hasEnded }
    /// What it has written so far.
    public var output: String { record.text(0) }
    public var errors: String { record.text(1) }

    /// Returns when the program has ended and its output is complete.
    ///
    /// - Throws: ``TestSupportError`` with the end of the error output after `timeout`; the program runs on then.
    public func wait(timeout: Duration = .seconds(60)) async throws -> Result {
        do {
            try await record.signal.wait(for: "the end of \(program)", timeout: timeout) { [record] in
                record.isComplete
            }
        } catch let error as TestSupportError {
            throw TestSupportError("\(error); it wrote: \(output.suffix(500))\(errors.suffix(2000))")
        }
        let ended = record.state.withLock { $0.ended }
        return Result(status: ended?.status, signal: ended?.signal, output: output, errors: errors)
    }

    /// Returns when `text` stands in either stream, so many times.
    ///
    /// - Throws: ``TestSupportError`` with what was written, if the program ends without it or `timeout` is over.
    public func waitForOutput(_ text: String, times: Int = 1, timeout: Duration = .seconds(20)) async throws {
        do {
            try await record.signal.wait(for: "\"\(text)\" from \(program)", timeout: timeout) { [record] in
                record.contains(text, times: times) || record.isComplete
            }
        } catch let error as TestSupportError {
            throw TestSupportError("\(error); it wrote: \(output.suffix(500))\(errors.suffix(2000))")
        }
        guard record.contains(text, times: times) else {
            throw TestSupportError("\(program) ended without \"\(text)\": \(output.suffix(500))\(errors.suffix(2000))")
        }
    }

    /// Sends a signal, if the program still runs.
    public func send(_ signal: Int32) {
        // Under the lock, in which the end is noted too: the number can't have gone to another process.
        record.state.withLock { state in
            if state.ended == nil { kill(pid, signal) }
        }
    }

    // A pair of sockets, unlike a pipe, can be kept from other children at the moment when it is made.
    private static func streamPair() throws -> (parent: Int32, child: Int32) {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw TestSupportError("cannot make a pair of sockets: errno \(errno)")
        }
        return (pair[0], pair[1])
    }

    private static func spawn(
        _ words: [String], _ environment: [String: String]?, input: String, _ output: Int32, _ errors: Int32
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        var variables: [UnsafeMutablePointer<CChar>?] = (environment ?? [:]).map { strdup("\($0)=\($1)") } + [nil]
        defer { for variable in variables { free(variable) } }
        var pid: pid_t = 0
        let code =
            environment == nil
            ? posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, environ)
            : posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw TestSupportError("cannot start \(words[0]): \(String(cString: strerror(code)))") }
        return pid
    }

    private static let threads = DispatchGroup()

    private static func collect(
        _ descriptor: Int32, _ stream: Int, _ record: Record
    ) {
        ServerThread.start(in: threads) {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                record.change { state in
                    let room = record.outputLimit - state.streams[stream].count
                    state.streams[stream] += buffer.prefix(min(count, max(room, 0)))
                }
            }
            close(descriptor)
            record.change { $0.openStreams -= 1 }
        }
    }

    private static func watch(_ pid: Int32, _ record: Record) {
        ServerThread.start(in: threads) {
            var information = siginfo_t()
            // Waits, but leaves the number taken until the end is noted.
            while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            record.change { state in
                var status: Int32 = 0
                waitpid(pid, &status, 0)
                let signal = status & 0x7F
                state.ended = signal == 0 ? ((status >> 8) & 0xFF, nil) : (nil, signal)
            }
        }
    }
}
