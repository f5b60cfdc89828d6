import OCI
import PushQueue
import Registry
import TestSupport
import Testing

@testable import Publisher

@Suite("A registry in another spelling")
struct SpellingTests {
    @Test("is the same one: what it has is known, its destinations are the same, and a pause holds")
    func shared() async throws {
        try await TestRegistry.with { registry in
            try await Bench.with { bench in
                let port = registry.address.split(separator: ":")[1]
                let layer = try bench.builder.addLayer(size: 200_000)
                try bench.image("app:1", layers: [layer])
                try await bench.publish("app:1", to: "localhost:\(port)/r/a:1")
                let other = try await bench.publish("app:1", to: "LocalHost:0\(port)/r/b:1")
                #expect(other.job.destination.description == "localhost:\(port)/r/b:1")
                #expect(other.job.bytesUploaded == 0 && other.job.bytesMounted > 200_000)
                #expect(registry.bodyBytes(for: layer.digest) == layer.size)
                // Two jobs for one tag are one.
                await bench.publisher.pause("LOCALHOST:\(port)")
                let first = try await bench.push("app:1", to: "localhost:\(port)/r/c:1")
                let second = try await bench.push("app:1", to: "LOCALHOST:\(port)/r/c:1")
                #expect(first == second)
                #expect(try await bench.publisher.snapshot(first)?.job.state == .queued)
                let listed = try await bench.publisher.jobs(JobFilter(registry: "LOCALHOST:\(port)"))
                #expect(listed.count == 3)
                await bench.publisher.resume("localhost:0\(port)")
                #expect(try await bench.settled(first).job.state == .succeeded)
                let states = try await bench.publisher.registryStates(named: nil)
                #expect(states.map(\.activity.name) == ["localhost:\(port)"])
                let reference = try ImageReference(parsing: "LOCALHOST:\(port)/r/c:1")
                let report = try await bench.publisher.verify(reference, against: nil, level: .blobs)
                #expect(report?.isVerified == true)
            }
        }
    }

    /// What a push makes is public: this must hold before the first byte.
    @Test("has its settings", arguments: ["r.example", "R.example:443", "r.example:0443", "R.EXAMPLE"])
    func settings(spelled: String) throws {
        var settings = PublisherSettings()
        settings.registries["r.example"] = RegistrySettings()
        settings.registries["r.example"]?.createRepository = .harbor(.private)
        settings.registries["r.example"]?.format = .docker
        #expect(settings.settings(for: spelled).createRepository == .harbor(.private))
        #expect(settings.format(at: try ImageReference(parsing: spelled + "/a/b:1")) == .docker)
    }

    @Test("of Docker Hub is private before the first byte too", arguments: ["docker.io", "registry-1.docker.io"])
    func hub(spelled: String) throws {
        var settings = PublisherSettings()
        settings.registries["docker.io"] = RegistrySettings()
        settings.registries["docker.io"]?.createRepository = .hub(.private)
        #expect(settings.settings(for: spelled).createRepository == .hub(.private))
    }
}
