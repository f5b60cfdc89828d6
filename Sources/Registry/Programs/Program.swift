internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// A program of the user's choice, run without a shell. Its time and its output are bounded, and nothing of it outlives
/// the call: it has a process group of its own, which is killed at the end.
struct Program: Sendable {
    struct Outcome: Sendable {
        /// The exit status; nil where a signal ended it.
        let status: Int32?
        let output: [UInt8]
        let errors: [UInt8]
    }

    /// Absolute.
    let path: String
    let arguments: [String]
    let environment: [String: String]
    var limit: Duration = .seconds(30)
    /// For each of its two streams, in bytes.
    var outputLimit = 64 << 10
    /// Whether of a longer output the end is kept; else it is a failure.
    var keepsEndOfOutput = false

    /// The file that `name` means.
    ///
    /// - Parameter name: without a slash.
    /// - Returns: nil where no directory of `PATH` has it.
    static func find(_ name: String, in environment: [String: String]) -> String? {
        let directories = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        return directories.lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// An environment for other programs, without the service manager's variables for this process.
    static func passedOn(_ environment: [String: String]) -> [String: String] {
        environment.filter { variable, _ in
            !["NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_"].contains { variable.hasPrefix($0) }
        }
    }

    /// Runs it to its end.
    ///
    /// - Throws: ``ProgramFailure``; `CancellationError`, after it was killed.
    func run(input: [UInt8]) async throws -> Outcome {
        let child = Child()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // It may take its whole time: a thread of its own.
                DispatchQueue(label: "pushd.program").async {
                    continuation.resume(returning: Result { try exchange(with: child, input: input) })
                }
            }
        } onCancel: {
            child.kill()
        }
        try Task.checkCancellation()
        return try result.get()
    }

    private func exchange(with child: Child, input: [UInt8]) throws -> Outcome {
        let deadline = ContinuousClock.now + limit
        // A file in memory instead of a pipe: a program that ends without reading can't break it.
        let stdin = try Descriptor(linux_memory_file())
        try stdin.fill(with: input)
        let (output, outputEnd) = try Descriptor.pipe()
        let (errors, errorsEnd) = try Descriptor.pipe()
        try child.start(path, [path] + arguments, environment, [stdin.number, outputEnd.number, errorsEnd.number])
        outputEnd.close()
        errorsEnd.close()
        defer { child.end() }

        var streams: [(descriptor: Descriptor, bytes: [UInt8])] = [(output, []), (errors, [])]
        while streams.contains(where: { $0.descriptor.isOpen }) {
            guard ContinuousClock.now < deadline else { throw ProgramFailure.tookTooLong(limit) }
            guard !child.isKilled else { throw CancellationError() }
            var polled = streams.map { pollfd(fd: $0.descriptor.number, events: Int16(POLLIN), revents: 0) }
            // In slices, so that one who holds a stream open after all was killed does not hold up the end.
            poll(&polled, nfds_t(polled.count), 200)
            for (index, entry) in polled.enumerated() where entry.revents != 0 {
                guard streams[index].descriptor.read(into: &streams[index].bytes) else { continue }
                let excess = streams[index].bytes.count - outputLimit
                guard excess <= 0 || keepsEndOfOutput else { throw ProgramFailure.saidTooMuch(outputLimit) }
                if excess > 0 { streams[index].bytes.removeFirst(excess) }
            }
        }
        guard let status = child.wait(until: deadline) else { throw ProgramFailure.tookTooLong(limit) }
        return Outcome(status: status.exit, output: streams[0].bytes, errors: streams[1].bytes)
    }
}

/// Why a program did not run to its end.
enum ProgramFailure: Error, Sendable, CustomStringConvertible {
    case notStarted(errno: Int32)
    case tookTooLong(Duration)
    case saidTooMuch(Int)

    var description: String {
        switch self {
        case .notStarted(let errno): "it can't be started: \(String(cString: strerror(errno)))"
        case .tookTooLong(let limit): "it took longer than \(limit.components.seconds) s"
        case .saidTooMuch(let limit): "it wrote more than \(limit) bytes"
        }
    }
}

/// The process and its group. A number is killed only while it is certainly still this process's.
private final class Child: Sendable {
    private enum State {
        case notStarted
        case running(pid_t)
        case ended
    }

    private let state = Mutex((state: State.notStarted, isKilled: false))

    var isKilled: Bool { state.withLock { $0.isKilled } }

    /// - Parameter streams: its standard input, output and error output.
    func start(_ path: String, _ words: [String], _ environment: [String: String], _ streams: [Int32]) throws {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in streams.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
        }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        try withCStrings(words) { words in
            try withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                try state.withLock { state in
                    guard !state.isKilled else { throw CancellationError() }
                    var pid: pid_t = 0
                    var failure = posix_spawn(&pid, path, &actions, &attributes, words, environment)
                    // It is being installed anew, or another thread's child holds it open for a moment.
                    for _ in 0..<10 where failure == ETXTBSY {
                        poll(nil, 0, 20)
                        failure = posix_spawn(&pid, path, &actions, &attributes, words, environment)
                    }
                    guard failure == 0 else { throw ProgramFailure.notStarted(errno: failure) }
                    state.state = .running(pid)
                }
            }
        }
    }

    /// Kills the group; before the start it prevents that.
    func kill() {
        state.withLock { state in
            state.isKilled = true
            if case .running(let pid) = state.state { Glibc.kill(-pid, SIGKILL) }
        }
    }

    /// - Returns: how it ended; nil if it has not.
    func wait(until deadline: ContinuousClock.Instant) -> (exit: Int32?, signal: Int32?)? {
        guard case .running(let pid) = state.withLock({ $0.state }) else { return nil }
        var pause: Int32 = 1
        while true {
            var info = siginfo_t()
            // Left where it is, so that its number stays its own until end().
            if waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT | WNOHANG) == 0, info.si_signo == SIGCHLD {
                let value = info._sifields._sigchld.si_status
                return info.si_code == CLD_EXITED ? (value, nil) : (nil, value)
            }
            guard ContinuousClock.now < deadline else { return nil }
            poll(nil, 0, pause)
            pause = min(pause * 2, 50)
        }
    }

    /// Kills what is left of the group and takes the process off the kernel's list.
    func end() {
        state.withLock { state in
            guard case .running(let pid) = state.state else { return }
            Glibc.kill(-pid, SIGKILL)
            while waitpid(pid, nil, 0) == -1, errno == EINTR {}
            state.state = .ended
        }
    }
}

/// A file descriptor that closes itself.
private final class Descriptor {
    /// -1 once it is closed: poll(2) passes over that.
    private(set) var number: Int32
    var isOpen: Bool { number >= 0 }

    init(_ number: Int32) throws {
        guard number >= 0 else { throw ProgramFailure.notStarted(errno: errno) }
        self.number = number
    }

    deinit { close() }

    func close() {
        if isOpen { Glibc.close(number) }
        number = -1
    }

    static func pipe() throws -> (reading: Descriptor, writing: Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard linux_pipe(&ends) == 0 else { throw ProgramFailure.notStarted(errno: errno) }
        return (try Descriptor(ends[0]), try Descriptor(ends[1]))
    }

    func fill(with bytes: [UInt8]) throws {
        guard write(number, bytes, bytes.count) == bytes.count, lseek(number, 0, SEEK_SET) == 0 else {
            throw ProgramFailure.notStarted(errno: errno)
        }
    }

    /// Takes what is there; closes itself at the end.
    ///
    /// - Returns: whether something came.
    func read(into bytes: inout [UInt8]) -> Bool {
        let piece = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, Glibc.read(number, buffer.baseAddress, buffer.count))
        }
        if piece.isEmpty { close() }
        bytes += piece
        return !piece.isEmpty
    }
}

/// Texts as C wants them: an array that ends with nil.
private func withCStrings<Value>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Value
) rethrows -> Value {
    let pointers = texts.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return try body(pointers + [nil])
}
