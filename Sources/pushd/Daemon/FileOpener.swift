import CLinux
import Glibc
import ImageStore
import Synchronization
import System

/// The process that opens members' files as these members: the same program under another option.
///
/// As root the daemon starts it, at the first such file. The unit's daemon has no right to become other users: there the
/// service manager starts it, as `pushd-files.service`.
enum FileOpener {
    private static let socket = "/run/pushd-files.sock"

    /// - Returns: how files are opened as other users.
    static func make() -> UserFiles {
        guard geteuid() == 0 else { return UserFiles { () throws(UserFiles.Failure) in try connect() } }
        let started = StartedOpener()
        return UserFiles { () throws(UserFiles.Failure) in try started.connect() }
    }

    private static func connect() throws(UserFiles.Failure) -> Int32 {
        guard let connection = Packets.connect(at: socket) else {
            throw UserFiles.Failure(
                reason: "\(socket): \(String(cString: strerror(errno)))",
                advice: "start what opens it: systemctl enable --now pushd-files.socket; "
                    + "a user's own daemon opens files as that user alone")
        }
        return connection
    }

    // MARK: The other process

    /// Where the listening socket is: the first descriptor after the standard ones, as systemd hands it over.
    private static let listener: Int32 = 3

    /// - Returns: its exit status.
    static func serve() -> Int32 {
        guard let client = CommandLine.arguments.dropFirst(2).first.flatMap(UserDatabase.id) else {
            complain("\(FileServer.option): the user that it works for is no user of this machine")
            return 2
        }
        let isActivated = getenv("LISTEN_PID").map { String(cString: $0) == String(getpid()) } ?? false
        var status = stat()
        guard fstat(listener, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            complain("\(FileServer.option) is for pushd and systemd: there is no socket to listen at")
            return 2
        }
        // As the unit is called: in the place of "exe", where it was started by /proc/self/exe.
        linux_name_thread("pushd-files")
        FileServer.serve(listener, for: client, lifeline: isActivated ? nil : STDIN_FILENO)
        return 0
    }

    private static func complain(_ text: String) {
        let line = "pushd: \(text)\n"
        _ = write(STDERR_FILENO, line, line.utf8.count)
    }

    /// A server that this process has started, and starts again where it has ended.
    private final class StartedOpener: Sendable {
        private struct Running {
            let name: PacketName
            let pid: pid_t
            let lifeline: Int32
        }

        private let running = Mutex<Running?>(nil)

        deinit { running.withLock { if let server = $0 { close(server.lifeline) } } }

        func connect() throws(UserFiles.Failure) -> Int32 {
            try running.withLock { running throws(UserFiles.Failure) in
                if let server = running {
                    if let connection = server.name.connect() { return connection }
                    close(server.lifeline)
                    waitpid(server.pid, nil, WNOHANG)
                }
                let server = try Self.start()
                running = server
                guard let connection = server.name.connect() else { throw Self.failure("connect to it") }
                return connection
            }
        }

        private static func start() throws(UserFiles.Failure) -> Running {
            guard let (listener, name) = PacketName.listen() else { throw failure("listen") }
            defer { close(listener) }
            var ends: [Int32] = [-1, -1]
            guard linux_pipe(&ends) == 0 else { throw failure("make a pipe") }
            defer { close(ends[0]) }
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
            posix_spawn_file_actions_init(&actions)
            posix_spawnattr_init(&attributes)
            defer {
                posix_spawn_file_actions_destroy(&actions)
                posix_spawnattr_destroy(&attributes)
            }
            // The daemon's threads block the signals that one of them waits for.
            var none = sigset_t()
            sigemptyset(&none)
            posix_spawnattr_setsigmask(&attributes, &none)
            posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
            posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
            posix_spawn_file_actions_adddup2(&actions, listener, FileOpener.listener)
            let line: [String] = ["pushd", FileServer.option, "0"]
            var words = line.map { strdup($0) } + [nil]
            defer { words.forEach { free($0) } }
            var variables: [UnsafeMutablePointer<CChar>?] = [nil]
            var pid: pid_t = 0
            let code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, &words, &variables)
            guard code == 0 else {
                close(ends[1])
                throw failure("start it", code)
            }
            return Running(name: name, pid: pid, lifeline: ends[1])
        }

        private static func failure(_ call: String, _ code: Int32 = errno) -> UserFiles.Failure {
            UserFiles.Failure(
                reason: "the process that opens files can't be used: \(call): \(String(cString: strerror(code)))",
                advice: "try again; if it stays so, start pushd again")
        }
    }
}
