import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Control

@Suite("The control socket's default place")
struct SocketPlacesTests {
    /// Of user 7, who owns the directories `own`; those of `foreign` are another user's.
    private func places(
        _ runtime: String?, own: Set<String> = [], foreign: Set<String> = [], user: UInt32 = 7
    ) -> SocketPlaces {
        SocketPlaces(user: user, environment: runtime.map { ["XDG_RUNTIME_DIR": $0] } ?? [:]) { path in
            own.contains(path) ? .own : foreign.contains(path) ? .foreign : .absent
        }
    }

    private static let system = "/run/pushd/pushd.sock"

    @Test("is the system's for root, whatever the environment says")
    func root() {
        let root = places("/run/user/0", own: ["/run/user/0", "/tmp/pushd-0"], user: 0)
        #expect(root.own == Self.system)
        #expect(root.candidates == [Self.system])
    }

    @Test("is in the user's runtime directory, else in what stands in for it; pushctl looks at the system's last")
    func user() {
        let both = places("/r", own: ["/r", "/run/user/7"])
        #expect(both.own == "/r/pushd/pushd.sock")
        #expect(both.candidates == ["/r/pushd/pushd.sock", "/run/user/7/pushd/pushd.sock", Self.system])

        for unsaid in [nil, "", "relative", "/absent"] {
            let session = places(unsaid, own: ["/run/user/7"])
            #expect(session.own == "/run/user/7/pushd/pushd.sock")
            #expect(session.candidates == ["/run/user/7/pushd/pushd.sock", Self.system])
        }

        let none = places(nil)
        #expect(none.own == "/tmp/pushd-7/pushd.sock")
        #expect(none.candidates == [Self.system])
        #expect(places(nil, own: ["/tmp/pushd-7"]).candidates == ["/tmp/pushd-7/pushd.sock", Self.system])
    }

    @Test("is never in another user's directory")
    func foreign() {
        // As `su` and `sudo` leave it behind: root's.
        let places = places("/run/user/0", own: ["/run/user/7"], foreign: ["/run/user/0", "/tmp/pushd-7"])
        #expect(places.own == "/run/user/7/pushd/pushd.sock")
        #expect(places.candidates == ["/run/user/7/pushd/pushd.sock", Self.system])
    }

    @Test("whose daemon is started is among those that pushctl looks at, before the system's")
    func sameRule() {
        for runtime in [nil, "/r", "/run/user/7"] {
            for own in [[], ["/r"], ["/run/user/7"], ["/r", "/run/user/7"]] as [Set<String>] {
                // The daemon has made its directory by then.
                let places = places(runtime, own: own.union(["/tmp/pushd-7"]))
                #expect(places.candidates.dropLast().first == places.own)
            }
        }
    }

    @Test("counts a directory as the user's by owner, kind and mode, and follows no link to it")
    func fileSystem() async throws {
        try await TemporaryDirectory.with { directory in
            func own(_ path: String, user: UInt32 = getuid()) -> String {
                SocketPlaces(user: user == 0 ? 0 : user, environment: ["XDG_RUNTIME_DIR": path]).own
            }
            let path = try directory.makeDirectory("run")
            // Tests may run as root, for whom the rule is another: so another user's eyes look at that user's directory.
            let user: UInt32 = getuid() == 0 ? 4711 : getuid()
            if getuid() == 0 { #expect(chown(path, user, user) == 0) }
            #expect(chmod(path, 0o700) == 0)
            #expect(own(path, user: user) == path + "/pushd/pushd.sock")
            #expect(own(path, user: user + 1) == "/tmp/pushd-\(user + 1)/pushd.sock")
            try FileManager.default.createSymbolicLink(
                atPath: directory.file("link"), withDestinationPath: path)
            #expect(own(directory.file("link"), user: user) == "/tmp/pushd-\(user)/pushd.sock")
            #expect(chmod(path, 0o777) == 0)
            #expect(own(path, user: user) == "/tmp/pushd-\(user)/pushd.sock")
            try directory.write([], to: "file")
            #expect(own(directory.file("file"), user: user) == "/tmp/pushd-\(user)/pushd.sock")
        }
    }

    @Test("in /tmp is made for its owner only, and refused where another has it")
    func substitute() throws {
        let user: UInt32 = 2_000_000_000 + UInt32.random(in: 0...100_000_000)  // of no account: the name is free
        let places = SocketPlaces(user: user, environment: [:])
        #expect(places.substitute == "/tmp/pushd-\(user)")
        defer { rmdir(places.substitute) }
        // Made by this process, which is not that user: as if another had been there before.
        let error = #expect(throws: ListenError.self) { try places.makeDirectory(of: places.own) }
        #expect(
            error?.cause
                == .unsafeDirectory(directory: places.substitute, reason: "is another user's", isForeign: true))
        // Its mode is not this user's to change.
        #expect(error?.advice == "name another path with --socket, or set XDG_RUNTIME_DIR")
        var status = stat()
        #expect(stat(places.substitute, &status) == 0 && status.st_mode & 0o777 == 0o700)
        // What was named by hand, or lies elsewhere, is left alone.
        try places.makeDirectory(of: "/nowhere/s")
    }
}
