import FoundationEssentials
import Glibc
import Testing

@testable import Control

@Suite("The listening socket", .timeLimit(.minutes(2)))
struct ListeningSocketTests {
    @Test(
        "is for its owner alone, for its group too, or for all, who are asked then; and that can change",
        arguments: [(.owner, 0o600), (.group(getegid()), 0o660), (.everybody, 0o666)] as [(SocketAudience, UInt32)])
    func mode(audience: SocketAudience, mode: UInt32) async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            let socket = try ListeningSocket.open(.path(path, audience))
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == mode)
            try socket.open(to: .everybody)
            #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o666)
            try socket.open(to: .owner)
            #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            socket.retire()
            #expect(lstat(path, &status) != 0)
        }
    }

    @Test("makes its directory, for nobody else")
    func directory() async throws {
        try await withSocketDirectory { directory in
            let socket = try ListeningSocket.open(.path(directory + "/made/s", .owner))
            var status = stat()
            #expect(stat(directory + "/made", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700)
            socket.retire()
        }
    }

    @Test("takes over the name of a dead daemon's socket")
    func stale() async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            try leaveDeadSocket(at: path)
            let socket = try ListeningSocket.open(.path(path, .owner))
            _ = try await ControlClient.connect(path: path)
            socket.retire()
        }
    }

    @Test("leaves a living daemon's socket alone, with or without a lock beside it", arguments: [false, true])
    func alive(hasLock: Bool) async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            let first = try ListeningSocket.open(.path(path, .owner))
            if !hasLock { try FileManager.default.removeItem(atPath: path + ".lock") }
            let error = #expect(throws: ListenError.self) { try ListeningSocket.open(.path(path, .owner)) }
            #expect(error?.cause == .inUse)
            #expect(error?.advice?.contains("--socket") == true)
            _ = try await ControlClient.connect(path: path)
            first.retire()
        }
    }

    @Test("does not take a name from a daemon that has just claimed it")
    func claimed() async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            try leaveDeadSocket(at: path)
            let address = try #require(SocketAddress(path: path))
            let name = try OwnedName.claim(path, address, group: nil)
            let error = #expect(throws: ListenError.self) { try ListeningSocket.open(.path(path, .owner)) }
            #expect(error?.cause == .inUse)
            name.remove()
        }
    }

    @Test("removes no name that another has by now")
    func replaced() async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            let socket = try ListeningSocket.open(.path(path, .owner))
            #expect(rename(path, path + ".old") == 0)
            try leaveDeadSocket(at: path)
            socket.retire()
            #expect(exists(path))
        }
    }

    @Test("removes nothing that is no socket")
    func file() async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            try Data("precious".utf8).write(to: URL(filePath: path))
            let error = #expect(throws: ListenError.self) { try ListeningSocket.open(.path(path, .owner)) }
            #expect(error?.cause == .notASocket)
            #expect(exists(path))
        }
    }

    @Test("wants a directory that others cannot change", arguments: [(0o777, false), (0o770, false), (0o1777, true)])
    func unsafe(mode: UInt32, isTaken: Bool) async throws {
        try await withSocketDirectory { directory in
            #expect(chmod(directory, mode) == 0)
            if isTaken {
                try ListeningSocket.open(.path(directory + "/s", .owner)).retire()
            } else {
                let error = #expect(throws: ListenError.self) {
                    try ListeningSocket.open(.path(directory + "/s", .owner))
                }
                #expect(
                    error?.cause
                        == .unsafeDirectory(
                            directory: directory, reason: "can be written by others", isForeign: false))
            }
        }
    }

    @Test("wants no directory above it that others can change, nor a link of another user's on the way")
    func ancestors() async throws {
        try await withSocketDirectory { directory in
            let home = directory + "/home"
            let inner = home + "/run/pushd"
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
            func refusal(_ path: String = inner) -> ListenError.Cause? {
                do {
                    try ListeningSocket.open(.path(path + "/s", .owner)).retire()
                    return nil
                } catch { return error.cause }
            }
            #expect(refusal() == nil)
            #expect(chmod(home, 0o777) == 0)
            #expect(
                refusal()
                    == .unsafeDirectory(directory: home, reason: "can be written by others", isForeign: false))
            #expect(chmod(home, 0o1777) == 0)
            #expect(refusal() == nil, "in a sticky directory nobody can rename what is another's")
            #expect(chmod(home, 0o755) == 0)
            // A relative path, and one with a link of the own user's, are followed.
            #expect(symlink("run/pushd", home + "/link") == 0)
            #expect(refusal(home + "/link") == nil)
            #expect(refusal(home + "/run/../link/.") == nil)
            guard geteuid() == 0 else { return }
            #expect(lchown(home + "/link", 12_345, 12_345) == 0)
            #expect(
                refusal(home + "/link")
                    == .unsafeDirectory(
                        directory: home + "/link", reason: "is another user's link", isForeign: true))
            #expect(chown(home, 12_345, 12_345) == 0)
            #expect(
                refusal() == .unsafeDirectory(directory: home, reason: "belongs to another user", isForeign: true))
        }
    }

    @Test("says what is wrong with a path", arguments: ["", String(repeating: "x", count: 108), "a\0b"])
    func path(path: String) {
        let error = #expect(throws: ListenError.self) { try ListeningSocket.open(.path(path, .owner)) }
        #expect(error?.cause == .pathInvalid(limit: 107))
    }

    @Test("can be inherited, and its name then stays")
    func inherited() async throws {
        try await withSocketDirectory { directory in
            let path = directory + "/s"
            let number = try #require(SocketAddress.makeSocket())
            let address = try #require(SocketAddress(path: path))
            #expect(address.apply(Glibc.bind, to: number) == 0)
            #expect(listen(number, 8) == 0)
            let server = try ControlServer(
                socket: .inherited(number), access: .ownUser, info: ServiceInfo(version: "1"),
                service: FakeService(onStatus: { _ in .sample }))
            _ = try await ControlClient.connect(path: path).call(Status.self, Status.Input())
            await server.stop()
            #expect(exists(path))
        }
    }

    @Test("is not any descriptor")
    func notAListener() throws {
        let number = try #require(SocketAddress.makeSocket())
        defer { close(number) }
        let error = #expect(throws: ListenError.self) { try ListeningSocket.open(.inherited(number)) }
        #expect(error?.cause == .notAListener)
    }

    @Test("comes from a service manager only if it is meant for this process")
    func activation() {
        func isActivated(_ environment: [String: String]) -> Bool {
            ControlSocket.activated(environment: environment, pid: 42) != nil
        }
        #expect(isActivated(["LISTEN_PID": "42", "LISTEN_FDS": "1"]))
        #expect(!isActivated(["LISTEN_PID": "43", "LISTEN_FDS": "1"]))
        #expect(!isActivated(["LISTEN_PID": "42", "LISTEN_FDS": "0"]))
        #expect(!isActivated([:]))
    }

    private func leaveDeadSocket(at path: String) throws {
        let number = try #require(SocketAddress.makeSocket())
        defer { close(number) }
        let address = try #require(SocketAddress(path: path))
        #expect(address.apply(Glibc.bind, to: number) == 0)
    }
}
