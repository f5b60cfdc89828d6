import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing

/// Clients that do not read, or are gone: the daemon's work does not depend on them.
@Suite("Slow and vanished clients", .timeLimit(.minutes(5)))
struct SlowClientTests {
    private static let jobs = 20
    private static let wide = "limits: { jobs: 20, jobsPerRegistry: 20, uploads: 8, uploadsPerRegistry: 8 }"

    /// Images of twelve layers each: what is told of them is long.
    private func images(_ machine: Machine) throws {
        let builder = try LayoutBuilder(directory: machine.layout)
        for number in 0..<Self.jobs {
            let layers = try (0..<12).map { try builder.addLayer(size: 2000, seed: UInt64(number * 100 + $0)) }
            try builder.addImage(layers: layers, name: "app:\(number)")
        }
        try builder.writeIndexJSON()
    }

    private func enqueueAll(_ machine: Machine, _ registry: TestRegistry) async throws {
        for number in 0..<Self.jobs {
            _ = try await machine.enqueue("app:\(number)", "\(registry.address)/r\(number):1")
        }
    }

    @Test("50 followers that never read cost neither the pushes nor the memory anything, and hear the end when they do")
    func neverRead() async throws {
        let alone = try await peakOfPushes(followers: 0)
        let followed = try await peakOfPushes(followers: 50)
        #expect(followed < alone + 15_000_000, "\(followed) instead of \(alone) bytes")
    }

    /// - Returns: the most memory that the daemon took, in bytes.
    private func peakOfPushes(followers count: Int) async throws -> Int {
        let peak = Mutex(0)
        try await Machine.with { machine in
            try images(machine)
            try await TestRegistry.with { registry in
                try await machine.withDaemon(Self.wide) { daemon async throws in
                    try await machine.pushctl("pause")
                    try await enqueueAll(machine, registry)
                    let all = "[" + (1...Self.jobs).map(String.init).joined(separator: ",") + "]"
                    let followers = try (0..<count).map { _ in
                        let client = try RawClient(socket: machine.socket)
                        try client.call("Follow", #"{"jobs":\#(all)}"#, more: true)
                        return client
                    }
                    try await machine.pushctl("resume")
                    for job in 1...Self.jobs { #expect(try await machine.pushctl("wait", String(job)).status == 0) }
                    let memory = try ProcessMemory(of: daemon)
                    peak.withLock { $0 = memory.peak }
                    for client in followers.prefix(2) {
                        let last = try await client.lastReply()
                        #expect(last["error"] == nil, "\(last)")
                        #expect(last["parameters"]?["job"]?["state"]?.string == "succeeded", "\(last)")
                    }
                }
            }
        }
        return peak.withLock { $0 }
    }

    @Test("followers of a long image that read late hear its end, and cost no memory until then")
    func readLate() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            let layers = try (0..<80).map { try builder.addLayer(size: 100, seed: UInt64($0)) }
            try builder.addImage(layers: layers, name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                try await machine.withDaemon { daemon async throws in
                    try await machine.pushctl("pause")
                    let job = try await machine.enqueue("app:1", registry.address + "/app:1")
                    let followers = try (0..<30).map { _ in
                        let client = try RawClient(socket: machine.socket)
                        try client.call("Follow", #"{"jobs":[\#(job)]}"#, more: true)
                        return client
                    }
                    try await machine.pushctl("resume")
                    #expect(try await machine.pushctl("wait", String(job)).status == 0)
                    let memory = try ProcessMemory(of: daemon)
                    #expect(memory.peak < 60_000_000, "\(memory)")
                    for client in followers.prefix(3) {
                        let last = try await client.lastReply()
                        #expect(last["error"] == nil, "\(last)")
                        #expect(
                            last["parameters"]?["job"]?["state"]?.string == "succeeded", "\(last["error"] ?? .null)")
                    }
                }
            }
        }
    }

    @Test("one that reads events late gets each of them, in order, and costs no memory until then")
    func eventsLate() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 100)], name: "app:1")
            try builder.writeIndexJSON()
            try await machine.withDaemon { daemon async throws in
                try await machine.pushctl("pause")
                let reader = try RawClient(socket: machine.socket)
                try reader.call("Events", #"{"follow":true,"after":1}"#, more: true)
                let (calls, jobs) = (5, 1000)
                let client = try RawClient(socket: machine.socket)
                for call in 0..<calls {
                    let destinations = (0..<jobs).map { "\"r.example/app:\(call)-\($0)\"" }.joined(separator: ",")
                    try client.call("Push", #"{"image":"app:1","destinations":[\#(destinations)]}"#)
                    #expect(try await client.lastReply()["error"] == nil)
                }
                let memory = try ProcessMemory(of: daemon)
                #expect(memory.peak < 80_000_000, "\(memory)")
                // The pause was the first event.
                let replies = try await reader.replies {
                    $0["parameters"]?["event"]?["id"]?.integer == calls * jobs + 1
                }
                let events = replies.compactMap { $0["parameters"]?["event"] }
                #expect(events.compactMap { $0["id"]?.integer } == Array(2...(calls * jobs + 1)))
                #expect(events.compactMap { $0["job"]?.integer } == Array(1...(calls * jobs)))
            }
        }
    }

    @Test("a client that leaves in the middle of a stream is forgotten, and its push goes on")
    func vanishes() async throws {
        try await Machine.with { machine in
            try images(machine)
            try await TestRegistry.with { registry in
                let gate = TestGate()
                registry.faults.add(Fault(.uploadBody, nth: 3, .stall(afterBodyBytes: 100, until: gate)))
                try await machine.withDaemon { daemon async throws in
                    let before = try descriptors(of: daemon)
                    let client = try RawClient(socket: machine.socket)
                    try client.call("Push", #"{"image":"app:1","destinations":["\#(registry.address)/app:1"]}"#)
                    _ = try await client.lastReply()
                    try client.call("Follow", #"{"jobs":[1]}"#, more: true)
                    try await gate.waitForArrival()
                    try await eventually("the connection is seen") { try connections(at: machine.socket) == 1 }
                    client.leave()
                    try await eventually("the daemon has let go of the connection") {
                        try connections(at: machine.socket) == 0
                    }
                    gate.open()
                    #expect(try await machine.pushctl("wait", "1").status == 0)
                    // What stays open at most is kept for the next push.
                    try await eventually("nothing is left open but pooled connections") {
                        try descriptors(of: daemon) <= before + 16
                    }
                }
            }
        }
    }

    private func descriptors(of daemon: ProcessRunner) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.pid)/fd").count
    }

    /// Connections at a Unix socket's name, the listening one left out. Source: proc(5), `/proc/net/unix`.
    private func connections(at path: String) throws -> Int {
        let table = try readKernelFile("/proc/net/unix")
        return table.split(separator: "\n").count { line in
            let words = line.split(separator: " ")
            return words.count == 8 && words[7] == path && words[5] == "03"  // SS_CONNECTED
        }
    }
}
