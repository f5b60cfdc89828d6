import Control
import Glibc
import TestSupport
import Testing

@testable import pushd

@Suite("doctor at this installation")
struct InstallationTests {
    private func steps(
        _ directory: TemporaryDirectory, stores: [String] = [], logins: [String] = [], now: Int64 = 1_800_000_000_000
    ) -> [DoctorStep] {
        Installation(
            stateDirectory: directory.path, socket: nil, stores: stores, loginFiles: logins, now: now
        ).parts.map { $0() }
    }

    private func outcomes(_ steps: [DoctorStep], of kind: String) -> [String] {
        steps.filter { $0.kind == kind }.map(\.outcome)
    }

    @Test("a state directory that can be written to is good, with its room, and one that is not there is bad")
    func state() async throws {
        try await TemporaryDirectory.with { directory in
            let good = steps(directory).first { $0.kind == "state" }
            #expect(good?.outcome == "good" && good?.text.contains("MB are free") == true, "\(good?.text ?? "")")
            let gone = Installation(
                stateDirectory: directory.file("gone"), socket: directory.file("gone"), stores: [], loginFiles: [],
                now: 0
            ).parts.map { $0() }
            #expect(outcomes(gone, of: "state") == ["bad"])
            #expect(gone.allSatisfy { $0.outcome == "good" || $0.advice != nil })
        }
    }

    private func bindSocket(at path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(100)) }
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        let status = withUnsafePointer(to: address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(status == 0, "bind: errno \(errno)")
    }

    @Test("the control socket is told with its mode and group, and one that is gone is bad")
    func socket() async throws {
        try await TemporaryDirectory.with { directory in
            func step(_ socket: String?) -> DoctorStep? {
                Installation(stateDirectory: directory.path, socket: socket, stores: [], loginFiles: [], now: 0)
                    .parts.map { $0() }.first { $0.kind == "socket" }
            }
            #expect(step(nil)?.text == "the service manager's socket")
            let path = directory.file("s")
            let gone = step(path)
            #expect(gone?.outcome == "bad" && gone?.text == "\(path) is gone: no new client reaches the daemon")
            #expect(gone?.advice == "restart pushd")
            try bindSocket(at: path)
            #expect(chmod(path, 0o600) == 0)
            let there = step(path)
            #expect(there?.outcome == "good")
            #expect(there?.text.hasPrefix("\(path), mode 600, group ") == true, "\(there?.text ?? "")")
            #expect(unlink(path) == 0)
            try directory.write([], to: "s")
            #expect(step(path)?.outcome == "bad", "a file is no socket")
        }
    }

    @Test("a store on a dead mount hides no other step: the stores come last")
    func order() async throws {
        try await TemporaryDirectory.with { directory in
            let kinds = steps(directory, stores: [directory.path]).map(\.kind)
            #expect(kinds == ["state", "socket", "logins", "clock", "limits", "store"])
        }
    }

    @Test("a store is good where an index can be read, and doubtful where there is none or nothing yet")
    func stores() async throws {
        try await TemporaryDirectory.with { directory in
            try LayoutBuilder(directory: directory.file("layout")).writeIndexJSON()
            let found = steps(directory, stores: [directory.file("layout"), directory.path, directory.file("gone")])
            #expect(outcomes(found, of: "store") == ["good", "doubtful", "doubtful"])
            #expect(found.filter { $0.kind == "store" }.map { $0.text.hasPrefix("oci:/") } == [true, true, true])
        }
    }

    @Test("files of logins are named that are there, and their absence is told")
    func logins() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write([0x7B, 0x7D], to: "auth.json")
            let file = directory.file("auth.json")
            let found = steps(directory, logins: [directory.file("gone"), file, file + "/below"])
            #expect(found.first { $0.kind == "logins" }?.text == file)
            #expect(outcomes(steps(directory, logins: [directory.file("gone")]), of: "logins") == ["doubtful"])
        }
    }

    @Test("a clock that shows long ago is bad") func clock() async throws {
        try await TemporaryDirectory.with { directory in
            #expect(outcomes(steps(directory, now: 86_400_000), of: "clock") == ["bad"])
            #expect(outcomes(steps(directory), of: "clock") != ["bad"])
        }
    }

    @Test("a disk that becomes full is told once, and so is the room that there is again")
    func disk() {
        var watch = DiskWatch()
        var news: [DiskWatch.News?] = []
        for mebibytes: UInt64 in [500, 64, 63, 0, 63, 100, 127, 128, 500, 10] {
            news.append(watch.look(DiskSpace(free: mebibytes << 20, total: 100 << 30)))
        }
        #expect(news == [nil, nil, .low, nil, nil, nil, nil, .enough, nil, .low])
    }

    @Test("a small disk is full when little of it is left")
    func smallDisk() {
        #expect(!DiskSpace(free: 10 << 20, total: 100 << 20).isLow)
        #expect(DiskSpace(free: 4 << 20, total: 100 << 20).isLow)
        #expect(DiskSpace(free: 0, total: 100 << 20).warning(of: "/s") == "the disk of /s is full")
        #expect(
            DiskSpace(free: 3 << 20, total: 100 << 20).warning(of: "/s")
                == "the disk of /s is nearly full: 3 MB are free")
        #expect(DiskSpace(free: 50 << 20, total: 100 << 20).warning(of: "/s") == nil)
    }
}
