import CLinux
import Control
import Glibc
import OCI

/// What `pushctl doctor` looks at on this machine: whether pushd finds all that it works with.
///
/// Its calls may block.
struct Installation: Sendable {
    let stateDirectory: String
    /// Where the control socket is; nil: the service manager made it.
    let socket: String?
    /// Directories of image layouts.
    let stores: [String]
    /// Files of logins, whether or not they are there.
    let loginFiles: [String]
    /// Milliseconds since 1970.
    let now: Int64

    /// One for each step. The stores come last: one on a dead mount may never answer.
    var parts: [@Sendable () -> DoctorStep] {
        var parts: [@Sendable () -> DoctorStep] = [{ state }, { control }, { logins }, { clock }, { limits }]
        for directory in stores { parts.append { store(directory) } }
        return parts
    }

    // MARK: The state directory

    private var state: DoctorStep {
        let file = linux_unnamed_file(stateDirectory)
        let failure = errno
        if file >= 0 { close(file) }
        // File systems without such files are written to all the same.
        guard file >= 0 || failure == EOPNOTSUPP || failure == EISDIR else {
            return bad(
                "state", "\(stateDirectory) can't be written to: \(text(failure))",
                advice: "give it to the user that pushd runs as, and free space on its file system")
        }
        guard let space = DiskSpace(of: stateDirectory) else { return good("state", "\(stateDirectory) is writable") }
        let room = "\(space.free / 1_000_000) of \(space.total / 1_000_000) MB are free"
        if space.isLow {
            return bad(
                "state", "\(stateDirectory): \(room)", advice: "free some space: nothing is accepted on a full disk")
        }
        return good("state", "\(stateDirectory) is writable, \(room)")
    }

    // MARK: The control socket

    private var control: DoctorStep {
        guard let socket else { return good("socket", "the service manager's socket") }
        var status = stat()
        guard lstat(socket, &status) == 0 else {
            let why = errno == ENOENT ? "is gone" : "can't be reached: \(text(errno))"
            return bad("socket", "\(socket) \(why): no new client reaches the daemon", advice: "restart pushd")
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            return bad(
                "socket", "\(socket) is no socket any more: no new client reaches the daemon",
                advice: "remove what has taken its place, and restart pushd")
        }
        let group = SystemGroup.name(of: status.st_gid) ?? "\(status.st_gid)"
        return good("socket", "\(socket), mode \(String(status.st_mode & 0o777, radix: 8)), group \(group)")
    }

    // MARK: Stores

    private func store(_ directory: String) -> DoctorStep {
        var status = stat()
        guard stat(directory, &status) == 0 else {
            let isAbsent = errno == ENOENT
            return doubtful(
                "store", "oci:\(directory) \(isAbsent ? "does not exist yet" : "can't be read: \(text(errno))")",
                advice: isAbsent
                    ? "it is watched until a tool writes it; if the name is wrong, correct stores in the configuration"
                    : "let the user that pushd runs as read it")
        }
        guard linux_may_access(directory, R_OK | X_OK) == 0 else {
            return bad(
                "store", "oci:\(directory) can't be read: \(text(errno))",
                advice: "let the user that pushd runs as read it")
        }
        guard linux_may_access(directory + "/index.json", R_OK) == 0 else {
            return doubtful(
                "store", "oci:\(directory) has no index.json that can be read",
                advice:
                    "it becomes an image layout when a tool writes one there, such as skopeo copy SOURCE oci:DIR:TAG")
        }
        return good("store", "oci:\(directory) is readable")
    }

    // MARK: Logins

    private var logins: DoctorStep {
        var found: [String] = []
        for path in loginFiles {
            if linux_may_access(path, F_OK) != 0, errno == ENOENT || errno == ENOTDIR { continue }
            guard linux_may_access(path, R_OK) == 0 else {
                return bad(
                    "logins", "\(path) can't be read: \(text(errno))", advice: "let the user that pushd runs as read it"
                )
            }
            found.append(path)
        }
        guard !found.isEmpty else {
            return doubtful(
                "logins", "there is no file of logins: registries are asked without one",
                advice: "log in with: pushctl login REGISTRY")
        }
        return good("logins", found.joined(separator: ", "))
    }

    // MARK: The machine

    /// When this was written: no clock that is right shows less. 2026-11-01.
    private static let earliest: Int64 = 1_793_491_200_000

    private var clock: DoctorStep {
        guard now >= Self.earliest else {
            return bad(
                "clock", "it shows \(Timestamp(milliseconds: now)), which is long ago",
                advice: "set it: timedatectl set-ntp true")
        }
        let isSynchronized = linux_clock_is_synchronized()
        if isSynchronized == 0 {
            return doubtful(
                "clock", "it is not kept right by a time server", advice: "switch that on: timedatectl set-ntp true")
        }
        return good(
            "clock", "\(Timestamp(milliseconds: now))" + (isSynchronized < 0 ? "" : ", kept right by a time server"))
    }

    private var limits: DoctorStep {
        var files = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        let open = files.rlim_cur
        let watches = SmallFile.read("/proc/sys/fs/inotify/max_user_watches", atMost: 100)
        var words = "\(open) open files"
        if case .contents(let bytes) = watches, let count = Int(String(decoding: bytes.dropLast(), as: UTF8.self)) {
            words += ", \(count) watched directories"
            if count < 1000 {
                return doubtful(
                    "limits", words, advice: "raise it: sysctl fs.inotify.max_user_watches=65536")
            }
        }
        if open < 1024 { return doubtful("limits", words, advice: "raise it: LimitNOFILE= of the unit, or ulimit -n") }
        return good("limits", words)
    }

    // MARK: Words

    private func text(_ code: Int32) -> String { String(cString: strerror(code)) }

    private func good(_ kind: String, _ text: String) -> DoctorStep {
        DoctorStep(kind: kind, outcome: "good", text: text)
    }

    private func doubtful(_ kind: String, _ text: String, advice: String) -> DoctorStep {
        DoctorStep(kind: kind, outcome: "doubtful", text: text, advice: advice)
    }

    private func bad(_ kind: String, _ text: String, advice: String) -> DoctorStep {
        DoctorStep(kind: kind, outcome: "bad", text: text, advice: advice)
    }
}

/// Looks at the installation on a thread that may block: a store may lie on a dead mount.
actor InstallationDesk {
    private let executor = BlockingExecutor(label: "pushd.doctor")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func look(_ part: @Sendable () -> DoctorStep) -> DoctorStep { part() }
}
