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
        let before = daemon.errors.ranges(of: says).count
        try machine.configure(configuration)
        daemon.send(SIGHUP)
        try await daemon.waitForOutput(says, times: before + 1)
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

    @Test("tries blocked jobs again: what they waited for may have been mended")
    func blockedJobs() async throws {
        try await Machine.with { machine in
            try write(machine.layout, tag: "1", seed: 1)
            try await TestRegistry.with(authentication: .basic(user: "me", password: "secret")) { registry in
                try await machine.withDaemon(Self.retry) { daemon async throws in
                    let push = try await machine.pushctl("push", "app:1", registry.address + "/team/app:1")
                    #expect(push.status == 1 && push.errors.contains("is blocked"), "\(push.errors)")
                    // me:secret
                    let document = #"{"auths":{"\#(registry.address)":{"auth":"bWU6c2VjcmV0"}}}"#
                    let file = try machine.directory.write(document.utf8, to: "auth.json")
                    try await reload(
                        machine, daemon, "\(Self.retry), credentials: { files: '\(file)' }", says: "read again")
                    #expect(try await machine.pushctl("wait", "1").status == 0)
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
                let client = try RawClient(socket: machine.socket)
                try client.call("Status", "{}")
                let told = try await client.lastReply()["parameters"]?["stores"]?.list
                #expect(told == [.text("oci:\(second)")])
                try write(first, tag: "2", seed: 2)
                let new = try write(second, tag: "3", seed: 3)
                try await registry.waitUntil("the second store is watched") { registry.tags("auto")["3"] == new }
                #expect(registry.tags("auto")["2"] == nil)
                let status = try await machine.json("status")
                #expect(status.first?["jobs"]?.list?.contains { $0["source"]?.string == "oci:\(second)" } == true)
            }
        }
    }

    @Test("looks at the stores as often as the new configuration says")
    func rescanChanges() async throws {
        try await Machine.with { machine in
            // Two directories above the layout another one takes its place: no event of the kernel tells that.
            let (top, next) = (machine.directory.file("top"), machine.directory.file("next"))
            try write(top + "/middle/images", tag: "1", seed: 1)
            let second = try write(next + "/middle/images", tag: "2", seed: 2)
            try await TestRegistry.with { registry in
                func configuration(_ rescan: String) -> String {
                    rules(registry, to: "auto") + ", publishExisting: true, watch: { rescan: '\(rescan)' }"
                }
                let daemon = try await machine.start(configuration("1h"), stores: [top + "/middle/images"])
                defer { daemon.send(SIGKILL) }
                try await registry.waitUntil("the store is watched") { registry.tags("auto")["1"] != nil }
                try await reload(machine, daemon, configuration("1s"), says: "read again")
                // The looks that belong to the reload, and to what was written meanwhile, are over after two more.
                for (tag, seed) in [("3", 3), ("4", 4)] as [(String, UInt64)] {
                    let image = try write(top + "/middle/images", tag: tag, seed: seed)
                    try await registry.waitUntil("\(tag) is published") { registry.tags("auto")[tag] == image }
                }

                #expect(rename(top, machine.directory.file("old")) == 0 && rename(next, top) == 0)
                try await registry.waitUntil("the store is looked at") { registry.tags("auto")["2"] == second }
            }
        }
    }

    @Test("changes how much the log tells")
    func logChanges() async throws {
        try await Machine.with { machine in
            try write(machine.layout, tag: "1", seed: 1)
            try await TestRegistry.with { registry in
                let daemon = try await machine.start("log: { level: 'info' }")
                defer { daemon.send(SIGKILL) }
                func push(_ tag: String) async throws {
                    let result = try await machine.pushctl("push", "app:1", "\(registry.address)/team/app:\(tag)")
                    #expect(result.status == 0)
                }
                try await push("a")
                #expect(daemon.errors.contains("job 1: ") && !daemon.errors.contains("debug: "))
                try await reload(machine, daemon, "log: { level: 'debug' }", says: "read again")
                try await push("b")
                try await daemon.waitForOutput("debug: job 2: attempt 1")
                // The reload itself is told by the more talkative of the two.
                try await reload(machine, daemon, "log: { level: 'error' }", says: "read again")
                try await push("c")
                try await reload(machine, daemon, "log: { level: 'none' }", says: "stays in force")
                #expect(!daemon.errors.contains("job 3"))
            }
        }
    }

    @Test("says what takes effect only at the next start, and what no longer does")
    func needsRestart() async throws {
        try await Machine.with { machine in
            try await machine.withDaemon { daemon async throws in
                let changed = "spool: { acrossFileSystems: 'copy' }"
                try await reload(machine, daemon, changed, says: "read again")
                let lines = daemon.errors.split(separator: "\n").filter { $0.contains("next start") }
                #expect(
                    lines.map { $0.drop { $0 != " " }.dropFirst() } == [
                        "warning: spool.acrossFileSystems changed: takes effect at the next start"
                    ])
                // As it was at the start: nothing waits for the next one any more.
                try await reload(machine, daemon, "", says: "read again")
                #expect(daemon.errors.split(separator: "\n").count { $0.contains("next start") } == 1)
                // What would keep the daemon from starting is a fault now already.
                try await reload(machine, daemon, "control: { group: 'no-such-group' }", says: "stays in force")
                #expect(daemon.errors.contains("control.group: there is no group \"no-such-group\""))
            }
        }
    }
}
