internal import Glibc

/// Where the daemon takes control connections.
public enum ControlSocket: Sendable {
    /// A path in the file system.
    case path(String, SocketAudience)
    /// A descriptor that listens already, from a service manager. It is closed at the end, and its path left alone.
    case inherited(Int32)

    /// The first socket that the service manager passed to this process, if any.
    ///
    /// Source: sd_listen_fds(3): `LISTEN_PID` names the process, `LISTEN_FDS` counts descriptors from 3 on.
    public static func activated(environment: [String: String], pid: Int32) -> ControlSocket? {
        guard environment["LISTEN_PID"] == String(pid), let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }),
            count > 0
        else { return nil }
        return .inherited(3)
    }
}

/// Who may open a socket by its permissions; whom the server then admits is for ``ControlAccess`` to say.
public enum SocketAudience: Sendable, Equatable {
    case owner
    /// The owner and the members of a group, by its id.
    case group(UInt32)
    case everybody

    var mode: UInt32 {
        switch self {
        case .owner: 0o600
        case .group: 0o660
        case .everybody: 0o666
        }
    }

    var group: UInt32? {
        if case .group(let id) = self { id } else { nil }
    }
}

/// A listening Unix socket and, where it was made here, its name in the file system.
///
/// The calls below look up and change single local names at start and stop; none waits for another process.
final class ListeningSocket: Sendable {
    let number: Int32
    private let descriptor: Descriptor
    private let name: OwnedName?
    private let label: String

    private init(_ descriptor: consuming Descriptor, label: String, name: OwnedName?) {
        number = descriptor.number
        self.descriptor = descriptor
        self.label = label
        self.name = name
    }

    static func open(_ socket: ControlSocket) throws(ListenError) -> ListeningSocket {
        switch socket {
        case .path(let path, let audience): try bind(path, audience)
        case .inherited(let number): try adopt(number)
        }
    }

    func error(_ cause: ListenError.Cause) -> ListenError { ListenError(socket: label, cause: cause) }

    /// Changes the permissions of a socket that was made here.
    func open(to audience: SocketAudience) throws(ListenError) {
        guard name != nil else { return }
        try Self.permit(label, audience)
    }

    private static func permit(_ path: String, _ audience: SocketAudience) throws(ListenError) {
        func failure(_ call: String) -> ListenError {
            ListenError(socket: path, cause: .system(call: call, code: errno))
        }
        if let group = audience.group {
            guard lchown(path, uid_t.max, group) == 0 else { throw failure("chown to group \(group)") }
        }
        guard chmod(path, audience.mode) == 0 else { throw failure("chmod") }
    }

    /// Removes the name, so that new clients fail at once.
    func retire() { name?.remove() }

    private static func adopt(_ number: Int32) throws(ListenError) -> ListeningSocket {
        let label = "descriptor \(number)"
        func option(_ name: Int32) -> Int32? {
            var (value, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
            return getsockopt(number, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
        }
        guard option(SO_DOMAIN) == AF_UNIX, option(SO_TYPE) == Int32(SOCK_STREAM.rawValue), option(SO_ACCEPTCONN) == 1
        else { throw ListenError(socket: label, cause: .notAListener) }
        let descriptor = Descriptor(owning: number)
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0, fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0
        else { throw ListenError(socket: label, cause: .system(call: "fcntl", code: errno)) }
        return ListeningSocket(descriptor, label: label, name: nil)
    }

    private static func bind(_ path: String, _ audience: SocketAudience) throws(ListenError) -> ListeningSocket {
        func failure(_ call: String) -> ListenError {
            ListenError(socket: path, cause: .system(call: call, code: errno))
        }
        guard let address = SocketAddress(path: path) else {
            throw ListenError(socket: path, cause: .pathInvalid(limit: SocketAddress.longestPath))
        }
        let name = try OwnedName.claim(path, address, group: audience.group)
        guard let number = SocketAddress.makeSocket() else { throw failure("socket") }
        let descriptor = Descriptor(owning: number)
        // The file never has a wider mode than it ends with, and no client can connect before `listen`.
        guard fchmod(number, 0o600) == 0 else { throw failure("fchmod") }
        guard address.apply(Glibc.bind, to: number) == 0 else {
            throw errno == EADDRINUSE ? ListenError(socket: path, cause: .inUse) : failure("bind")
        }
        name.noteBound()
        try permit(path, audience)
        guard listen(number, 128) == 0 else { throw failure("listen") }
        return ListeningSocket(descriptor, label: path, name: name)
    }
}
