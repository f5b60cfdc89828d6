import OCI
import Registry
import Synchronization
import TestSupport
import Testing

@testable import Publisher

/// The same pushes to every kind of registry: what must work everywhere, and what it may cost.
@Suite("Every kind of registry")
struct ProfileTests {
    private struct Kind: Sendable {
        let name: String
        let profile: RegistryProfile
        /// Whether what arrived of a body that broke off has to be sent again, since nobody can go on from it.
        var losesBrokenBodies = false
        /// Answers besides service, so that some questions are asked twice.
        var isFlaky: Bool { !profile.flakes.isEmpty }

        var mounts: Bool { if case .works = profile.mount { true } else { false } }
    }

    private static let chunk: Int64 = 131_072

    /// Sizes are scaled down as the limits are: 100 kB stand for the 100 MB of a proxy, or GitHub's 4 MiB.
    private static let kinds: [Kind] = [
        Kind(name: "distribution 3", profile: .distribution3),
        Kind(name: "distribution 2", profile: .distribution2, losesBrokenBodies: true),
        Kind(name: "ECR", profile: .ecr, losesBrokenBodies: true),
        Kind(
            name: "ECR, parts",
            profile: .ecr.with {
                $0.minimumChunk = 60_000
                $0.maximumBody = 260_000
            }, losesBrokenBodies: true),
        Kind(name: "Harbor", profile: .harbor),
        Kind(name: "Docker Hub", profile: .dockerHub),
        Kind(name: "GHCR", profile: .ghcr.with { $0.maximumPatch = 100_000 }),
        Kind(name: "Google", profile: .google, losesBrokenBodies: true),
        Kind(name: "Gitea", profile: .gitea, losesBrokenBodies: true),
        Kind(name: "zot, old", profile: .zotOld),
        Kind(name: "Quay", profile: .quay),
        Kind(name: "Quay, busy", profile: .quayBusy),
        Kind(name: "proxy, 100 kB", profile: .proxyCapped(100_000)),
        Kind(name: "no mounts", profile: .noMount),
        Kind(name: "mounts get 401", profile: .distribution3.with { $0.mount = .answers(401) }),
        Kind(name: "mounts get 403", profile: .distribution3.with { $0.mount = .answers(403) }),
        Kind(name: "mounts get 405", profile: .distribution3.with { $0.mount = .answers(405) }),
        Kind(name: "relative locations", profile: .distribution3.with { $0.location = .relative }),
        Kind(name: "https locations", profile: .distribution3.with { $0.location = .otherScheme }),
        Kind(name: "other host", profile: .distribution3.with { $0.location = .otherHost("localhost") }),
        Kind(name: "no digest headers", profile: .distribution3.with { $0.sendsDigestHeader = false }),
        Kind(name: "no HEAD", profile: .distribution3.with { $0.answersHead = false }),
        Kind(name: "no whole PUT", profile: .distribution3.with { $0.takesWholePut = false }),
        Kind(name: "202 for 201", profile: .distribution3.with { $0.storedStatus = 202 }),
        Kind(name: "bodies redirected", profile: .distribution3.with { $0.bodiesGoTo = "localhost" }),
        // Just before the last request of the upload that was cut.
        Kind(
            name: "uploads expire", profile: .distribution3.with { $0.requestsPerUpload = 3 }),
        Kind(name: "late manifests", profile: .distribution3.with { $0.looksInVain = 2 }),
        Kind(name: "no status", profile: .distribution3.with { $0.answersStatus = false }, losesBrokenBodies: true),
    ]

    @Test(
        "takes a cold push, a second tag, a second repository, a cut layer and ten sharing, and costs no more than it must"
    )
    func everyKind() async throws {
        let rows = try await withThrowingTaskGroup(of: String.self) { group in
            var rows: [String] = []
            var rest = Self.kinds[...]
            for kind in rest.prefix(3) { group.addTask { try await Self.row(kind) } }
            rest = rest.dropFirst(3)
            while let row = try await group.next() {
                rows.append(row)
                if let kind = rest.popFirst() { group.addTask { try await Self.row(kind) } }
            }
            return rows
        }
        let head = ["requests / bytes", "cold", "second tag", "mount", "cut", "ten sharing", "after a restart"]
        print(Self.line(head))
        for row in rows.sorted() { print(row) }
    }

    private static func line(_ cells: [String]) -> String {
        cells.map { $0 + String(repeating: " ", count: max(1, 22 - $0.count)) }.joined()
    }

    /// What was asked and sent since the last look.
    private final class Meter: Sendable {
        private let registry: TestRegistry
        private let state: Mutex<(seen: Int, cells: [String])>

        var cells: [String] { state.withLock { $0.cells } }

        init(_ registry: TestRegistry, name: String) {
            self.registry = registry
            state = Mutex((0, [name]))
        }

        @discardableResult
        func take() -> [RecordedRequest] {
            state.withLock { state in
                let new = Array(registry.requests.dropFirst(state.seen))
                state.seen += new.count
                state.cells.append("\(new.count) / \(new.reduce(0) { $0 + $1.bodyBytes })")
                return new
            }
        }
    }

    private static func row(_ kind: Kind) async throws -> String {
        try await TestRegistry.with(profile: kind.profile) { registry in
            try await TemporaryDirectory.with { directory in
                let meter = Meter(registry, name: kind.name)
                try await Bench.with(in: directory, { $0.chunkSize = chunk }) { bench in
                    try await pushes(kind, registry, bench, meter)
                }
                // What was learned is known to the next publisher: nothing is refused any more.
                try await Bench.with(in: directory, { $0.chunkSize = chunk }) { bench in
                    let layer = try bench.builder.addLayer(size: 450_000, seed: 90)
                    try bench.image("later:1", layers: [layer])
                    try await bench.publish("later:1", to: registry.address + "/a:later")
                    // What comes by chance is nothing that could be learned.
                    let isQuestion = { (request: RecordedRequest) in ["HEAD", "GET"].contains(request.method) }
                    let refused = meter.take().filter { ($0.status ?? 0) >= 400 && !isQuestion($0) }
                    #expect(
                        refused.isEmpty || kind.isFlaky,
                        "\(kind.name): \(refused.map { "\($0.line) \($0.status ?? 0)" })")
                    #expect(registry.bodyBytes(for: layer.digest) == layer.size, "\(kind.name)")
                }
                #expect(registry.violations.isEmpty, "\(kind.name): \(registry.violations)")
                return line(meter.cells)
            }
        }
    }

    private static func pushes(_ kind: Kind, _ registry: TestRegistry, _ bench: Bench, _ meter: Meter) async throws {
        let layers = [
            try bench.builder.addLayer(size: 400_000, seed: 1), try bench.builder.addLayer(size: 200_000, seed: 2),
            try bench.builder.addLayer(size: 30_000, seed: 3),
        ]
        func received(_ layer: Descriptor) -> Int64 { registry.bodyBytes(for: layer.digest) }

        try bench.image("app:1", layers: layers)
        try await bench.publish("app:1", to: registry.address + "/a:1")
        for layer in layers { #expect(received(layer) == layer.size, "\(kind.name), cold") }
        #expect(bytes(meter.take()) <= 630_000 + small, "\(kind.name), cold")

        try await bench.publish("app:1", to: registry.address + "/a:2")
        // HEAD, PUT, and HEAD to verify; a GET for each HEAD that does not tell enough.
        let isPlain = kind.profile.answersHead && kind.profile.sendsDigestHeader
        let tagged = meter.take()
        let allowed = (isPlain ? 3 : 5) + (kind.isFlaky ? 4 : 0) + kind.profile.looksInVain
        #expect(tagged.count <= allowed, "\(kind.name), second tag")
        #expect(!tagged.contains { $0.kind == .uploadBody }, "\(kind.name), second tag")

        try await bench.publish("app:1", to: registry.address + "/b:1")
        // Where a mount fails, whatever the reason, the bytes are sent instead.
        let isMounted = kind.mounts && !kind.isFlaky
        for layer in layers {
            let copies: Int64 = isMounted ? 1 : 2
            #expect(received(layer) == layer.size * copies || kind.isFlaky, "\(kind.name), mount")
            #expect(received(layer) <= layer.size * copies, "\(kind.name), mount")
        }
        #expect(bytes(meter.take()) <= (isMounted ? 0 : 630_000) + small, "\(kind.name), mount")

        let big = try bench.builder.addLayer(size: 500_000, seed: 4)
        let cut: Int64 = 250_000
        try bench.image("cut:1", layers: [big])
        try await cutPush(registry, bench, cutAfter: cut)
        let lost = kind.profile.requestsPerUpload < .max ? big.size : kind.losesBrokenBodies ? cut : 0
        #expect(bytes(meter.take()) <= big.size + lost + small, "\(kind.name), cut")

        let shared = try bench.builder.addLayer(size: 300_000, seed: 5)
        for number in 0..<10 {
            try bench.image(
                "s\(number):1", layers: [shared, try bench.builder.addLayer(size: 100, seed: UInt64(50 + number))])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<10 {
                group.addTask { try await bench.publish("s\(number):1", to: "\(registry.address)/s\(number):1") }
            }
            try await group.waitForAll()
        }
        #expect(received(shared) <= shared.size * (isMounted ? 1 : 10), "\(kind.name), ten sharing")
        #expect(received(shared) >= shared.size * (kind.mounts ? 1 : 10), "\(kind.name), ten sharing")
        // That a registry takes one PATCH only is found out with the second, once.
        let tried = kind.profile.maximumPatches == 1 ? chunk : 0
        #expect(bytes(meter.take()) <= shared.size * (isMounted ? 1 : 10) + tried + 10 * small, "\(kind.name), ten")
    }

    private static func cutPush(
        _ registry: TestRegistry, _ bench: Bench, cutAfter cut: Int64
    ) async throws {
        // The layer's body is the one that is long enough.
        let fault = registry.faults.add(
            Fault(.uploadBody, minimumBody: 50_000, .cut(afterBodyBytes: cut)))
        try await bench.publish("cut:1", to: registry.address + "/a:cut")
        #expect(registry.faults.fired(fault) == 1)
    }

    /// Configuration, manifest, and what belongs to them.
    private static let small: Int64 = 2000

    private static func bytes(_ requests: [RecordedRequest]) -> Int64 { requests.reduce(0) { $0 + $1.bodyBytes } }
}
