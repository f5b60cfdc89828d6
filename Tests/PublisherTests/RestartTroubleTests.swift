import OCI
import PushQueue
import TestSupport
import Testing

@testable import Publisher

@Suite("A registry's trouble", .timeLimit(.minutes(2)))
struct RestartTroubleTests {
    private func kinds(_ bench: Bench) async throws -> [EventKind] {
        try await bench.queue.events(after: 0, limit: 1000).map(\.kind).filter {
            $0 == .registryTrouble || $0 == .registryRecovered
        }
    }

    @Test("of one that answers questions and refuses changes is one event, and its end is one")
    func refusesChanges() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.faults.add(Fault(.uploadStart, times: 6, .respond(Answer(503))))
                try await bench.publish("app:1", to: registry.address + "/r:1")
                #expect(try await kinds(bench) == [.registryTrouble, .registryRecovered])
            }
        }
    }

    @Test("that a refusal for good shows to be over is told as over")
    func refusedForGood() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                registry.faults.add(Fault(.uploadStart, times: 2, .respond(Answer(503))))
                registry.faults.add(Fault(.uploadStart, times: .max, .respond(.refusal(403, "DENIED"))))
                let job = try await bench.push("app:1", to: registry.address + "/r:1")
                #expect(try await bench.settled(job).job.state == .blocked)
                try await waitUntil("the end is told") {
                    try await kinds(bench) == [.registryTrouble, .registryRecovered]
                }
            }
        }
    }

    @Test("that lasts over a restart is not told twice, and its end is")
    func restart() async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                try await Bench.with(in: directory) { bench in
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                    registry.faults.add(Fault(nil, times: .max, .respond(Answer(503))))
                    let job = try await bench.push("app:1", to: registry.address + "/r:1")
                    try await bench.waitFor(.waiting, of: job)
                }
                let refusals = registry.requests.count
                registry.faults.removeAll()
                registry.faults.add(Fault(nil, times: 2, .respond(Answer(503))))
                try await Bench.with(in: directory) { bench in
                    try await bench.publish("app:1", to: registry.address + "/r:2")
                    #expect(registry.requests.count > refusals + 2)
                    #expect(try await kinds(bench) == [.registryTrouble, .registryRecovered])
                }
            }
        }
    }

    @Test("a pause that it has asked for holds after a restart too, until its end or a person's word")
    func askedPause() async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                let name = registry.address
                try await Bench.with(in: directory) { bench in
                    try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                    let busy = Answer(429, headers: [("Retry-After", "600")])
                    registry.faults.add(Fault(nil, times: .max, .respond(busy)))
                    try await bench.waitFor(.waiting, of: try await bench.push("app:1", to: name + "/r:1"))
                }
                registry.faults.removeAll()
                let asked = registry.requests.count
                try await Bench.with(in: directory) { bench in
                    let job = try await bench.push("app:1", to: name + "/r:2")
                    let next = try #require(try await bench.publisher.snapshot(job)?.nextAttemptAt)
                    #expect((500_000...661_000).contains(next - Bench.now))
                    let state = try #require(try await bench.publisher.registryStates(named: name).first)
                    #expect(state.activity.reason?.contains("asked for this pause") == true)
                    #expect(!state.learned.contains { $0.name == AskedPause.fact })
                    await bench.publisher.networkChanged()
                    #expect(registry.requests.count == asked)
                    await bench.publisher.resume(name)
                    #expect(try await bench.settled(job).job.state == .succeeded)
                    #expect(try await bench.queue.fact(registry: name, name: AskedPause.fact) == nil)
                }
                try await Bench.with(in: directory) { bench in
                    #expect(await bench.publisher.activity.isEmpty)
                    try await bench.publish("app:1", to: name + "/r:3")
                }
            }
        }
    }

    @Test("is not ended by a look at an image that is there already, blob by blob")
    func deepLook() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let name = registry.address
                try bench.image("app:1", layers: [try bench.builder.addLayer(size: 1000, seed: 1)])
                try bench.image("new:1", layers: [try bench.builder.addLayer(size: 1000, seed: 2)])
                try await bench.publish("app:1", to: name + "/r:1")
                let refusal = registry.faults.add(Fault(.uploadStart, times: .max, .respond(Answer(503))))
                let since = { @Sendable in
                    await bench.publisher.activity.first { $0.name == name }?.pausedSince
                }
                let job = try await bench.push("new:1", to: name + "/s:1")
                try await bench.waitFor(.waiting, of: job)
                try await waitUntil("it is paused") { await since() != nil }
                let began = await since()
                try await bench.publish("app:1", to: name + "/r:1") { $0.verify = .deep }
                let fired = registry.faults.fired(refusal)
                try await registry.waitUntil("it is refused again") { registry.faults.fired(refusal) > fired + 1 }
                try await waitUntil("it is paused again") { await since() != nil }
                #expect(await since() == began)
            }
        }
    }

    @Test("is told beside a pause of everything by a person, also where it has none")
    func heldAll() async throws {
        try await Bench.with { bench in
            await bench.publisher.pause(nil)
            let states = try await bench.publisher.registryStates(named: "idle.example")
            #expect(states.map(\.activity.isHeld) == [true])
        }
    }
}
