import FoundationEssentials
import Glibc
import TestSupport
import Testing

@Suite("Events", .timeLimit(.minutes(5)))
struct EventTests {
    private func image(_ machine: Machine) throws {
        let builder = try LayoutBuilder(directory: machine.layout)
        try builder.addImage(layers: [try builder.addLayer(size: 1000)], name: "app:1")
        try builder.writeIndexJSON()
    }

    private func ids(_ events: [JSON]) -> [Int] { events.compactMap { $0["id"]?.integer } }

    @Test("are kept across a restart, and --since goes on after the last one that was seen")
    func restart() async throws {
        try await Machine.with { machine in
            try image(machine)
            try await TestRegistry.with { registry in
                var last = 0
                try await machine.withDaemon { _ async throws in
                    #expect(try await machine.pushctl("push", "app:1", registry.address + "/app:1").status == 0)
                    let events = try await machine.json("events")
                    #expect(ids(events) == [1, 2, 3])
                    #expect(events.compactMap { $0["state"]?.string } == ["queued", "running", "succeeded"])
                    last = try #require(ids(events).last)
                }
                try await machine.withDaemon { _ async throws in
                    #expect(ids(try await machine.json("events", "--since", "0")) == [1, 2, 3])
                    #expect(try await machine.json("events", "--since", String(last)) == [])
                    try await machine.pushctl("pause", "r.example")
                    try await machine.pushctl("resume", "r.example")
                    let events = try await machine.json("events", "--since", String(last))
                    #expect(ids(events) == [4, 5])
                    #expect(events.compactMap { $0["kind"]?.string } == ["registry-paused", "registry-resumed"])
                    #expect(events.allSatisfy { $0["registry"]?.string == "r.example" })
                    let ahead = try await machine.pushctl("events", "--since", "99")
                    #expect(ahead.status == 2)
                    #expect(ahead.errors.hasPrefix("pushctl: there is no event 99: the latest is 5\n"))
                }
            }
        }
    }

    @Test("are followed through a restart: each is told once, in order")
    func follow() async throws {
        try await Machine.with { machine in
            try image(machine)
            let daemon = try await machine.start()
            let follower = try machine.startPushctl("events", "--follow", "--since", "0", "--json")
            try await machine.pushctl("pause", "a.example")
            try await follower.waitForOutput("a.example")
            await daemon.end()
            try await machine.withDaemon { _ async throws in
                try await machine.pushctl("pause", "b.example")
                try await follower.waitForOutput("b.example")
                follower.send(SIGTERM)
                let output = try await follower.wait(timeout: .seconds(20)).output
                let events = try output.split(separator: "\n").map { try JSON(parsing: String($0)) }
                #expect(ids(events) == [1, 2])
            }
        }
    }

    @Test("tell of a registry's trouble and its end, once each, of logins and of the configuration")
    func kinds() async throws {
        try await Machine.with { machine in
            try image(machine)
            try await TestRegistry.with { registry in
                registry.faults.add(Fault(nil, times: 2, .respond(Answer(503))))
                try await machine.withDaemon { daemon async throws in
                    #expect(try await machine.pushctl("push", "app:1", registry.address + "/app:1").status == 0)
                    try machine.configure("limits: { jobs: 3 }")
                    daemon.send(SIGHUP)
                    try await daemon.waitForOutput("the configuration was read again")
                    try machine.configure("limits: { job: 3 }")
                    daemon.send(SIGHUP)
                    try await daemon.waitForOutput("the old configuration stays in force")
                    let events = try await machine.json("events")
                    let kinds = events.compactMap { $0["kind"]?.string }.filter { $0 != "job" }
                    #expect(
                        kinds == [
                            "registry-trouble", "registry-recovered", "configuration-reloaded", "configuration-refused",
                        ])
                    let trouble = events.first { $0["kind"]?.string == "registry-trouble" }
                    #expect(trouble?["registry"]?.string == registry.address)
                    #expect(trouble?["code"]?.string == "registry-unavailable")
                    #expect(events.last?["message"]?.string?.contains("limits.job") == true)
                }
            }
        }
    }

    @Test("that are no longer kept are told as lost, with their number")
    func lost() async throws {
        try await Machine.with { machine in
            try await machine.withDaemon { _ async throws in
                for number in 1...12 { try await machine.pushctl("pause", "r\(number).example") }
                #expect(ids(try await machine.json("events")) == Array(1...12))
            }
            // Eight events are kept for each job of the history; old ones go when the daemon starts.
            try await machine.withDaemon("history: { count: 1 }") { _ async throws in
                let events = try await machine.json("events", "--since", "2")
                #expect(events.first?["kind"]?.string == "lost")
                #expect(events.first?["count"]?.integer == 2)
                #expect(events.first?["message"]?.string == "2 events are missing here: no longer kept")
                #expect(ids(events) == Array(4...12))
            }
        }
    }
}
