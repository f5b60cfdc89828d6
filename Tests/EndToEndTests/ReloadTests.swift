import Glibc
import OCI
import TestSupport
import Testing

@Suite("SIGHUP")
struct ReloadTests {
    private static let retry = "retry: { base: '5ms', cap: '40ms' }"

    private func rules(_ registry: TestRegistry, to repository: String) -> String {
        "\(Self.retry), rules: [{ image: 'app', to: '\(registry.address)/\(repository):{tag}' }]"
    }

    @discardableResult
    private func write(_ directory: String, tag: String, seed: UInt64) throws -> Digest {
        let builder = try LayoutBuilder(directory: directory)
        let image = try builder.addImage(layers: [try builder.addLayer(size: 9000, seed: seed)], name: "app:\(tag)")
        try builder.writeIndexJSON()
        return image.digest
    }

    private func reload(_ machine: Machine, _ daemon: ProcessRunner, _ configuration: String, says: String) async throws
    {
        try machine.configure(configuration)
        daemon.send(SIGHUP)
        try await daemon.waitForOutput(says)
    }

    @Test("puts other rules in force, and a faulty configuration leaves those of before")
    func rulesChange() async throws {
        try await Machine.with { machine in
            try await TestRegistry.with { registry in
                try await machine.withDaemon(rules(registry, to: "old")) { daemon async throws in
                    let first = try write(machine.layout, tag: "1", seed: 1)
                    try await registry.waitUntil("the old rule works") { registry.tags("old")["1"] == first }
                    try await reload(machine, daemon, rules(registry, to: "new"), says: "read again")
                    let second = try write(machine.layout, tag: "2", seed: 2)
                    try await registry.waitUntil("the new rule works") { registry.tags("new")["2"] == second }

                    let faulty = rules(registry, to: "bad") + ", limits: { jobs: 'many' }"
                    try await reload(machine, daemon, faulty, says: "stays in force")
                    #expect(daemon.errors.contains("pushd.json5: limits.jobs: "), "\(daemon.errors)")
                    let third = try write(machine.layout, tag: "3", seed: 3)
                    try await registry.waitUntil("the new rule still works") { registry.tags("new")["3"] == third }
                    #expect(registry.repositories == ["new", "old"])
                    #expect(registry.tags("old").count == 1)
                }
            }
        }
    }

    @Test("reaches a registry in the way that the new configuration says")
    func registryChanges() async throws {
        try await Machine.with { machine in
            let digest = try write(machine.layout, tag: "1", seed: 1)
            try await TestRegistry.with { registry in
                func configuration(plain: Bool) -> String {
                    "\(Self.retry), registries: { '\(registry.address)': { plainHttp: \(plain), connectTimeout: '200ms' } }"
                }
                try await machine.withDaemon(configuration(plain: false)) { daemon async throws in
                    let job = try await machine.enqueue("app:1", registry.address + "/team/app:1")
                    try await eventually("TLS fails") { try await machine.job(job)["error"]?["code"] != nil }
                    #expect(registry.tags("team/app").isEmpty)
                    try await reload(machine, daemon, configuration(plain: true), says: "read again")
                    // Whatever the failure was taken for, it goes on now.
                    try await machine.pushctl("retry", String(job))
                    #expect(try await machine.pushctl("wait", String(job)).status == 0)
                    #expect(registry.tags("team/app")["1"] == digest)
                }
            }
        }
    }

    @Test("watches a store that was added, and no longer one that was taken out")
    func storesChange() async throws {
        try await Machine.with { machine in
            let (first, second) = (machine.directory.file("first"), machine.directory.file("second"))
            try await TestRegistry.with { registry in
                let rules = rules(registry, to: "auto") + ", publishExisting: true"
                let daemon = try await machine.start(rules + ", stores: ['oci:\(first)']", stores: [])
                defer { daemon.send(SIGKILL) }
                let old = try write(first, tag: "1", seed: 1)
                try await registry.waitUntil("the first store is watched") { registry.tags("auto")["1"] == old }

                try await reload(machine, daemon, rules + ", stores: ['oci:\(second)']", says: "read again")
                try write(first, tag: "2", seed: 2)
                let new = try write(second, tag: "3", seed: 3)
                try await registry.waitUntil("the second store is watched") { registry.tags("auto")["3"] == new }
                #expect(registry.tags("auto")["2"] == nil)
                let status = try await machine.json("status")
                #expect(status.first?["jobs"]?.list?.contains { $0["source"]?.string == "oci:\(second)" } == true)
            }
        }
    }
}
