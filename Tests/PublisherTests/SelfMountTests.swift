import OCI
import PushQueue
import Synchronization
import TestSupport
import Testing

@testable import Publisher

/// A mount from the repository itself is a question: 201 says that the blob is there, 202 opens its upload. A registry
/// may answer so for a year, and in another way after its next update.
@Suite("A registry whose mounts from the repository itself no longer tell what is there")
struct SelfMountTests {
    private func fact(_ registry: TestRegistry, _ bench: Bench) async throws -> String? {
        try await bench.queue.fact(registry: registry.address, name: "self-mount")?.value
    }

    /// A bench to whose registry a first push has shown that the question works.
    private func withLearned(
        clocks: Clocks = .machine,
        _ body: @Sendable (TestRegistry, Bench) async throws -> Void
    ) async throws {
        try await TestRegistry.with { registry in
            try await TemporaryDirectory.with { directory in
                try await Bench.with(in: directory, clocks: clocks) { bench in
                    try bench.image("first:1", layers: [try bench.builder.addLayer(size: 100_000, seed: 1)])
                    try await bench.publish("first:1", to: registry.address + "/r:first")
                    #expect(try await fact(registry, bench) == "works")
                    try await body(registry, bench)
                }
            }
        }
    }

    /// A push of new content, which has to arrive whole; returns the requests that it took.
    @discardableResult
    private func push(_ seed: UInt64, _ registry: TestRegistry, _ bench: Bench) async throws -> [RecordedRequest] {
        let before = registry.requests.count
        let layer = try bench.builder.addLayer(size: 100_000 + Int(seed), seed: seed)
        let digest = try bench.image("app\(seed):1", layers: [layer])
        try await bench.publish("app\(seed):1", to: "\(registry.address)/r:\(seed)")
        #expect(registry.tags("r")["\(seed)"] == digest)
        #expect(registry.hasBlob(layer.digest, in: "r"))
        #expect(registry.bodyBytes(for: layer.digest) == layer.size)
        return Array(registry.requests.dropFirst(before))
    }

    @Test("because they say yes to everything: the push arrives whole all the same, and they are not asked again")
    func saysYes() async throws {
        try await withLearned { registry, bench in
            let yes = registry.faults.add(
                Fault(.mount, times: .max, .respond(Answer(201, headers: [("Location", "/v2/r/blobs/x")]))))
            try await push(2, registry, bench)
            #expect(registry.faults.fired(yes) > 0)
            #expect(try await fact(registry, bench) == "fails")
            let later = try await push(3, registry, bench)
            #expect(!later.contains { $0.kind == .mount })
            // Broken content is not what made the manifest be refused: nothing was against the protocol but that.
            #expect(registry.requests(.manifest, method: "PUT").count { $0.status != 201 } == 1)
        }
    }

    @Test("because they are refused: it is asked in the plain way, now and from then on", arguments: [400, 404, 405])
    func refuses(status: Int) async throws {
        try await withLearned { registry, bench in
            let body = #"{"errors":[{"code":"UNSUPPORTED"}]}"#
            registry.faults.add(
                Fault(
                    .mount, times: .max, .respond(Answer(status, headers: [("Content-Type", "application/json")], body))
                ))
            let now = try await push(2, registry, bench)
            #expect(now.count { $0.kind == .mount } >= 1)
            #expect(try await fact(registry, bench) == "fails")
            let later = try await push(3, registry, bench)
            #expect(!later.contains { $0.kind == .mount })
            #expect(later.count { $0.kind == .blob && $0.method == "HEAD" } == 2, "configuration and layer")
        }
    }

    @Test("by chance: an error of the moment says nothing about mounts")
    func errsOnce() async throws {
        try await withLearned { registry, bench in
            registry.faults.add(Fault(.mount, .respond(Answer(500))))
            try await push(2, registry, bench)
            #expect(try await fact(registry, bench) == "works")
            #expect(try await push(3, registry, bench).contains { $0.kind == .mount })
        }
    }

    @Test("because they always open an upload: what is there is sent once more at most until it is found out")
    func ignores() async throws {
        let late = Mutex<Int64>(0)
        try await withLearned(clocks: .machine(wall: { Bench.now + late.withLock { $0 } })) { registry, bench in
            // An answer as to any POST that opens an upload: from now on this is all that a mount does.
            registry.setMount(.ignored)
            try await push(2, registry, bench)
            // Two hours later it is looked at again, with a blob that certainly is there.
            late.withLock { $0 = 2 * 3_600_000 }
            try await push(3, registry, bench)
            #expect(try await fact(registry, bench) == "fails")
            let later = try await push(4, registry, bench)
            #expect(!later.contains { $0.kind == .mount })
            #expect(registry.openUploads(in: "r") == 0, "what was opened is closed")
        }
    }
}
