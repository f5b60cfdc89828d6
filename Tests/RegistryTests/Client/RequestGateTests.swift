import HTTP
import OCI
import TestSupport
import Testing

@testable import Registry

@Suite("How much a registry is asked")
struct RequestGateTests {
    @Test("requests begin as far from each other as the rate wants, and a rest saves nothing up")
    func pace() {
        let start = ContinuousClock.now
        var pace = RequestPace(perSecond: 4)
        let turns = (0..<3).map { _ in pace.reserve(now: start) - start }
        #expect(turns == [.zero, .milliseconds(250), .milliseconds(500)])
        let later = start + .seconds(60)
        #expect(pace.reserve(now: later) == later)
        #expect(pace.reserve(now: later) == later + .milliseconds(250))
        var free = RequestPace(perSecond: nil)
        #expect((0..<9).allSatisfy { _ in free.reserve(now: start) == start })
    }

    @Test("the rate holds for every request of a client")
    func rate() async throws {
        var settings = RegistrySettings()
        settings.requests.perSecond = 2
        try await Bench.with(settings: settings) { bench in
            for _ in 0..<3 { _ = try await bench.client.manifestHead("app", .tag("1")) }
            #expect(bench.waits.values == [.milliseconds(500), .milliseconds(1000)])
        }
    }

    @Test("questions and manifests have limits of their own, and do not hold each other up")
    func kinds() async throws {
        var settings = RegistrySettings()
        settings.requests = RequestLimits(checks: 2, manifests: 1)
        let limited = settings
        try await Bench.with(settings: limited) { bench in
            let (checks, manifests) = (TestGate(), TestGate())
            bench.registry.faults.add(Fault(.blob, method: "HEAD", times: .max, .stallAnswer(until: checks)))
            bench.registry.faults.add(Fault(.manifest, method: "PUT", times: .max, .stallAnswer(until: manifests)))
            let client = bench.client
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        _ = try await client.blobPresence("app", Digest(of: [UInt8(number)]), size: 1)
                    }
                }
                let manifest = Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8)
                for tag in ["a", "b"] {
                    group.addTask {
                        try await client.putManifest(
                            "app", .tag(tag), bytes: manifest, mediaType: .ociIndex, digest: Digest(of: manifest))
                    }
                }
                let registry = bench.registry
                try await registry.waitUntil("two questions and a manifest") {
                    registry.count(of: .blob) == 2 && registry.count(of: .manifest) == 1
                }
                checks.open()
                try await registry.waitUntil("all questions") { registry.count(of: .blob) == 4 }
                #expect(registry.count(of: .manifest) == 1)
                manifests.open()
                try await group.waitForAll()
            }
            #expect(bench.registry.count(of: .manifest) == 2)
        }
    }

    @Test(
        "what registries say that they may still be asked is understood",
        arguments: [
            (["ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600"], 100, 76, 21_600),
            (["RateLimit-Limit": "10, 10;w=1, 50;w=60", "RateLimit-Remaining": "3"], 10, 3, 1),
            (["X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0"], 5000, 0, nil),
            (["RateLimit-Limit": "5", "RateLimit-Remaining": "9"], 5, 5, nil),
        ] as [([String: String], Int, Int, Int?)])
    func allowance(fields: [String: String], limit: Int, remaining: Int, window: Int?) throws {
        var headers = HTTPHeaders()
        for (name, value) in fields { headers.set(name, value) }
        let allowance = try #require(RateAllowance(headers))
        #expect(allowance.limit == limit)
        #expect(allowance.remaining == remaining)
        #expect(allowance.window == window.map { .seconds($0) })
    }

    @Test(
        "what makes no sense there is passed over",
        arguments: [
            [:], ["RateLimit-Limit": "10"], ["RateLimit-Limit": "x", "RateLimit-Remaining": "1"],
            ["RateLimit-Limit": "-1", "RateLimit-Remaining": "1"],
            ["RateLimit-Limit": "99999999999999999999", "RateLimit-Remaining": "1"],
        ])
    func nonsense(fields: [String: String]) {
        var headers = HTTPHeaders()
        for (name, value) in fields { headers.set(name, value) }
        #expect(RateAllowance(headers) == nil)
    }
}

@Suite("Slots")
struct SlotsTests {
    @Test("hold each kind to its limit, and all together to theirs")
    func limits() async throws {
        let slots = Slots(Slots<String>.Limits(total: 4, each: 2, kinds: ["c": 1]))
        let (running, gate) = (Recorder<String>(), Gate())
        let signal = TestSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for kind in ["a", "a", "a", "c", "c", "b", "b"] {
                group.addTask {
                    try await slots.withSlot(for: kind) {
                        running.add(kind)
                        signal.raise()
                        await gate.wait()
                    }
                }
            }
            try await signal.wait(for: "four that run") { running.values.count >= 4 }
            #expect(running.values.count == 4)
            #expect(running.values.count { $0 == "a" } <= 2)
            #expect(running.values.count { $0 == "c" } <= 1)
            gate.open()
            try await group.waitForAll()
            #expect(running.values.count == 7)
        }
    }

    @Test("are given up by a caller that is cancelled while it waits")
    func cancelled() async throws {
        let slots = Slots(Slots<String>.Limits(total: 1))
        let (gate, inside) = (Gate(), Gate())
        let holder = Task {
            try await slots.withSlot(for: "a") {
                inside.open()
                await gate.wait()
            }
        }
        await inside.wait()
        let waiter = Task { try await slots.withSlot(for: "a") {} }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        gate.open()
        try await holder.value
        try await slots.withSlot(for: "a") {}
    }

    /// Lets holders of these kinds come one after the other, none of which ends.
    private func running(_ limits: Slots<String>.Limits, _ kinds: [String]) async throws -> [String] {
        let slots = Slots(limits)
        let (running, waiting) = (Recorder<String>(), Recorder<String>())
        let (gate, signal) = (Gate(), TestSignal())
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, kind) in kinds.enumerated() {
                group.addTask {
                    let wait: @Sendable () -> Void = {
                        waiting.add(kind)
                        signal.raise()
                    }
                    try await slots.withSlot(for: kind, willWait: wait) {
                        running.add(kind)
                        signal.raise()
                        await gate.wait()
                    }
                }
                try await signal.wait(for: "\(kind) runs or waits") {
                    running.values.count + waiting.values.count == place + 1
                }
            }
            let result = running.values
            gate.open()
            try await group.waitForAll()
            return result
        }
    }

    @Test("the last ones are for kinds that have none or one")
    func reserve() async throws {
        let limits = Slots<String>.Limits(total: 8, each: 4, reserve: 2)
        let hogs = ["a", "a", "a", "a", "b", "b", "b", "b"]
        #expect(try await running(limits, hogs) == ["a", "a", "a", "a", "b", "b"])
        #expect(try await running(limits, hogs + ["c", "c", "d"]) == ["a", "a", "a", "a", "b", "b", "c", "d"])
    }

    @Test("of what is held up by something else take nothing from the rest")
    func apart() async throws {
        let limits = Slots<String>.Limits(total: 2, each: 2, apart: ["slow"])
        let kinds = ["slow", "slow", "slow", "a", "b", "a"]
        #expect(try await running(limits, kinds) == ["slow", "slow", "a", "b"])
    }

    @Test("that are given back go to the kind that has the fewest")
    func fewest() async throws {
        let slots = Slots(Slots<String>.Limits(total: 3))
        let (first, rest, signal) = (Gate(), Gate(), TestSignal())
        let (running, waiting) = (Recorder<String>(), Recorder<String>())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, kind) in ["a", "a", "b", "a", "b", "c"].enumerated() {
                group.addTask {
                    let wait: @Sendable () -> Void = {
                        waiting.add(kind)
                        signal.raise()
                    }
                    try await slots.withSlot(for: kind, willWait: wait) {
                        running.add(kind)
                        signal.raise()
                        await (place == 0 ? first : rest).wait()
                    }
                }
                try await signal.wait(for: "\(kind) runs or waits") {
                    running.values.count + waiting.values.count == place + 1
                }
            }
            first.open()
            try await signal.wait(for: "the next") { running.values.count == 4 }
            #expect(running.values.last == "c", "though it came last")
            rest.open()
            try await group.waitForAll()
        }
    }

    @Test("a higher limit lets those go that wait")
    func raised() async throws {
        let slots = Slots(Slots<String>.Limits(total: 1))
        let (gate, second) = (Gate(), Gate())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await slots.withSlot(for: "a") { await gate.wait() } }
            group.addTask { try await slots.withSlot(for: "a") { await gate.wait() } }
            await slots.setLimits(.init(total: 3))
            group.addTask { try await slots.withSlot(for: "b") { second.open() } }
            await second.wait()
            gate.open()
            try await group.waitForAll()
        }
    }
}
