import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Clients that do not read, or are gone: the daemon's work does not depend on them.
@Suite("Slow and vanished clients")
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
        try await Machine.with { machine in
            try images(machine)
            try await TestRegistry.with { registry in
                try await machine.withDaemon(Self.wide) { daemon async throws in
                    try await machine.pushctl("pause")
                    try await enqueueAll(machine, registry)
                    let all = "[" + (1...Self.jobs).map(String.init).joined(separator: ",") + "]"
                    let followers = try (0..<50).map { _ in
                        let client = try RawClient(socket: machine.socket)
                        try client.call("Follow", #"{"jobs":\#(all)}"#, more: true)
                        return client
                    }
                    try await machine.pushctl("resume")
                    for job in 1...Self.jobs { #expect(try await machine.pushctl("wait", String(job)).status == 0) }
                    let memory = try ProcessMemory(of: daemon)
                    #expect(memory.peak < 60_000_000, "\(memory)")
                    for client in followers.prefix(2) {
                        let last = try await client.lastReply()
                        #expect(last["error"] == nil, "\(last)")
                        #expect(last["parameters"]?["job"]?["state"]?.string == "succeeded", "\(last)")
                    }
                }
            }
        }
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

    @Test("one that reads events too slowly is told how many it has missed, and gets the newest")
    func eventsLost() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 100)], name: "app:1")
            try builder.writeIndexJSON()
            try await machine.withDaemon { daemon async throws in
                try await machine.pushctl("pause")
                let reader = try RawClient(socket: machine.socket)
                try reader.call("Events", #"{"follow":true}"#, more: true)
                let (calls, jobs) = (10, 1000)
                let client = try RawClient(socket: machine.socket)
                for call in 0..<calls {
                    let destinations = (0..<jobs).map { "\"r.example/app:\(call)-\($0)\"" }.joined(separator: ",")
                    try client.call("Push", #"{"image":"app:1","destinations":[\#(destinations)]}"#)
                    #expect(try await client.lastReply()["error"] == nil)
                }
                // Told to the log before it is told to readers, so at most the last event is still to come.
                try await daemon.waitForOutput("job \(calls * jobs): ")
                let replies = try await reader.replies { $0["parameters"]?["event"]?["job"]?.integer == calls * jobs }
                let events = replies.compactMap { $0["parameters"]?["event"] }
                #expect(events.count == replies.count)
                let lost = events.filter { $0["kind"]?.string == "lost" }
                #expect(lost.count == 1)
                let missed = try #require(lost.first?["count"]?.integer)
                #expect(missed > 0 && events.count - 1 + missed == calls * jobs, "\(events.count), \(missed)")
                #expect(lost.first?["message"]?.string?.contains("\(missed) events") == true)
                // In order, with the gap where it is told.
                var next = 1
                for event in events {
                    if let count = event["count"]?.integer {
                        next += count
                    } else {
                        #expect(event["job"]?.integer == next)
                        next += 1
                    }
                }
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
