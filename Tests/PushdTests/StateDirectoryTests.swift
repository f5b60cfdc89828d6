import Glibc
import TestSupport
import Testing

@testable import pushd

@Suite("The state directory")
struct StateDirectoryTests {
    @Test("is made with all that is above it, for its owner only") func made() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("a/b/state")
            let state = try StateDirectory.open(path)
            defer { state.release() }
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o7777 == 0o700)
            #expect(stat(path + "/lock", &status) == 0 && status.st_mode & 0o7777 == 0o600)
            #expect(state.database == path + "/queue.db")
            #expect(state.spool == path + "/spool")
        }
    }

    @Test("is one daemon's at a time, and the second learns whose") func locked() async throws {
        try await TemporaryDirectory.with { directory in
            let first = try StateDirectory.open(directory.path)
            let error = #expect(throws: StartError.self) { try StateDirectory.open(directory.path) }
            #expect(error?.description == "another pushd (process \(getpid())) already works on \(directory.path)")
            #expect(error?.advice == "stop it first, or give this one a directory of its own with --state-dir")
            first.release()
            try StateDirectory.open(directory.path).release()
        }
    }

    @Test("a lock without a readable holder is refused all the same", arguments: ["", "x", "99999999999999999999"])
    func strangeHolder(content: String) async throws {
        try await TemporaryDirectory.with { directory in
            let first = try StateDirectory.open(directory.path)
            defer { first.release() }
            try directory.write(Array(content.utf8), to: "other")
            let lock = open(directory.file("lock"), O_WRONLY | O_TRUNC)
            _ = write(lock, content, content.utf8.count)
            close(lock)
            let error = #expect(throws: StartError.self) { try StateDirectory.open(directory.path) }
            #expect(error?.description == "another pushd already works on \(directory.path)")
        }
    }

    @Test("that is a file, or lies below one, is refused", arguments: ["file", "file/state", "link"])
    func file(name: String) async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write([1], to: "file")
            symlink("file", directory.file("link"))
            let error = #expect(throws: StartError.self) { try StateDirectory.open(directory.file(name)) }
            let culprit = directory.file(name == "link" ? "link" : "file")
            #expect(error?.description == "\(culprit) is not a directory")
            #expect(error?.advice == "remove it, or name another place")
        }
    }

    @Test("that cannot be made is refused with the reason", arguments: ["/proc/pushd", "/proc/self/x/y"])
    func impossible(path: String) {
        let error = #expect(throws: StartError.self) { try StateDirectory.open(path) }
        #expect(error?.description.hasPrefix("cannot make /proc/") == true, "\(error?.description ?? "")")
        #expect(error?.advice == "make it for the daemon's user, or name another place")
    }

    @Test("that cannot be written is refused", .enabled(if: geteuid() != 0, "root may write everywhere"))
    func readOnly() async throws {
        try await TemporaryDirectory.with { directory in
            chmod(directory.path, 0o500)
            defer { chmod(directory.path, 0o700) }
            let error = #expect(throws: StartError.self) { try StateDirectory.open(directory.path) }
            #expect(error?.description == "cannot write to \(directory.path): Permission denied")
        }
    }

    @Test("does not follow a lock that is a link, nor take one that is no plain file") func strangeLock() async throws {
        try await TemporaryDirectory.with { directory in
            let victim = try directory.write(Array("precious".utf8), to: "victim")
            let lock = directory.file("state/lock")
            try directory.makeDirectory("state")
            let makers: [() -> Int32] = [
                { symlink(victim, lock) }, { symlink("/nowhere", lock) }, { mkfifo(lock, 0o600) },
                { mkdir(lock, 0o700) },
            ]
            for (number, make) in makers.enumerated() {
                #expect(make() == 0)
                let error = #expect(throws: StartError.self) { try StateDirectory.open(directory.file("state")) }
                #expect(error?.description == "\(lock) is a link or no plain file, and is not used", "\(number)")
                #expect(error?.advice == "remove it")
                _ = remove(lock)
            }
            var bytes = [UInt8](repeating: 0, count: 20)
            let file = open(victim, O_RDONLY)
            defer { close(file) }
            #expect(read(file, &bytes, 20) == 8)
            try StateDirectory.open(directory.file("state")).release()
        }
    }
}
