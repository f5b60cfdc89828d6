import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// pushd as a unit of systemd, as far as that can be had without systemd running.
@Suite("Under a service manager")
struct ServiceManagerTests {
    @Test(
        "the daemon takes the socket that it is given, and leaves it behind",
        .enabled(if: installedProgram("systemd-socket-activate") != nil))
    func socketActivation() async throws {
        try await Machine.with { machine in
            try machine.configure("")
            let unused = machine.directory.file("unused")
            let arguments = machine.daemonArguments(stores: [machine.layout], socket: unused)
            let manager = try ProcessRunner(
                "systemd-socket-activate", ["-l", machine.socket, try builtProduct("pushd")] + arguments,
                environment: machine.environment)
            defer { manager.send(SIGKILL) }
            try await manager.waitForOutput("Listening on")
            #expect(!manager.errors.contains("listens on"), "it starts with the first client only")

            let version = try await machine.json("version")
            #expect(version.first?["pushd"]?.string != nil, "\(version)")
            #expect(try await machine.pushctl("status").status == 0)
            #expect(!FileManager.default.fileExists(atPath: unused), "no socket of its own")
            #expect(!manager.errors.contains("listens on \(unused)"), "the log names the socket in use")

            // The manager became the daemon.
            manager.send(SIGTERM)
            #expect(try await manager.wait(timeout: .seconds(10)).status == 0)
            #expect(FileManager.default.fileExists(atPath: machine.socket), "the name is the manager's")
        }
    }

    @Test("the manager hears of the start, of each reload and of the stop, each once and in this order")
    func notification() async throws {
        try await Machine.with { machine in
            let manager = try NotifySocket(path: machine.directory.file("notify"))
            let daemon = try await machine.start(variables: ["NOTIFY_SOCKET": manager.path])
            defer { daemon.send(SIGKILL) }
            try await manager.wait(for: "READY=1") { $0 == ["READY=1"] }
            daemon.send(SIGHUP)
            try await manager.wait(for: "the end of the reload") { $0.count == 3 }
            let reloading = manager.messages[1].split(separator: "\n")
            #expect(reloading.first == "RELOADING=1")
            #expect(reloading.last?.hasPrefix("MONOTONIC_USEC=") == true)
            #expect(manager.messages[2] == "READY=1")
            daemon.send(SIGTERM)
            #expect(try await daemon.wait(timeout: .seconds(10)).status == 0)
            try await manager.wait(for: "STOPPING=1") { $0.last == "STOPPING=1" }
            #expect(manager.messages.count == 4, "\(manager.messages)")
        }
    }

    @Test("a name in the abstract namespace is a manager too")
    func abstractName() async throws {
        try await Machine.with { machine in
            // Nobody listens there: that holds nothing up.
            let daemon = try await machine.start(variables: ["NOTIFY_SOCKET": "@pushd-test-\(machine.directory.path)"])
            defer { daemon.send(SIGKILL) }
            #expect(try await machine.pushctl("status").status == 0)
        }
    }

    @Test("the watchdog is fed while it is wanted of this very process", arguments: [true, false])
    func watchdog(isForUs: Bool) async throws {
        try await Machine.with { machine in
            let manager = try NotifySocket(path: machine.directory.file("notify"))
            var variables = ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "60000"]
            if !isForUs { variables["WATCHDOG_PID"] = "1" }
            let daemon = try await machine.start(variables: variables)
            defer { daemon.send(SIGKILL) }
            if isForUs {
                try await manager.wait(for: "three signs of life") { $0.count { $0 == "WATCHDOG=1" } >= 3 }
            } else {
                try await manager.wait(for: "READY=1") { $0.contains("READY=1") }
                daemon.send(SIGTERM)
                _ = try await daemon.wait(timeout: .seconds(10))
                #expect(!manager.messages.contains("WATCHDOG=1"))
            }
        }
    }

    @Test("lines for the journal carry a priority and no time; others a time and a word")
    func journal() async throws {
        try await Machine.with { machine in
            let daemon = try await machine.start(variables: ["JOURNAL_STREAM": "8:1"])
            defer { daemon.send(SIGKILL) }
            try machine.configure("bogus: 1")
            daemon.send(SIGHUP)
            try await daemon.waitForOutput("stays in force")
            let lines = daemon.errors.split(separator: "\n")
            #expect(lines.first?.hasPrefix("<6>pushd ") == true, "\(lines)")
            #expect(lines.last?.hasPrefix("<3>") == true, "\(lines)")

            daemon.send(SIGKILL)
            _ = try await daemon.wait()
            let other = try await machine.start()
            defer { other.send(SIGKILL) }
            #expect(other.errors.contains("Z info: pushd "), "\(other.errors)")
            #expect(!other.errors.contains("<6>"))
        }
    }

    @Test(
        "systemd has nothing to say against the units",
        .enabled(if: installedProgram("systemd-analyze") != nil), arguments: ["", "user/"])
    func units(folder: String) async throws {
        try await TemporaryDirectory.with { directory in
            let sources =
                URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().path + "/systemd/" + folder
            let units =
                ["pushd.service", "pushd.socket"]
                + (folder.isEmpty ? ["pushd-files.service", "pushd-files.socket"] : [])
            for unit in units {
                // The binary is not installed where this is tested.
                let text = try String(contentsOfFile: sources + unit, encoding: .utf8)
                    .replacing("/usr/bin/pushd", with: try builtProduct("pushd"))
                try directory.write(Array(text.utf8), to: unit)
            }
            let result = try await ProcessRunner.run(
                "systemd-analyze",
                (folder.isEmpty ? [] : ["--user"]) + [
                    "verify", "--man=no",
                ] + units.map { directory.file($0) },
                environment: ["PATH": "/usr/bin:/bin", "HOME": directory.path, "XDG_RUNTIME_DIR": directory.path])
            #expect(result.status == 0)
            #expect(result.errors.isEmpty && result.output.isEmpty, "\(result.output)\(result.errors)")
        }
    }

    /// Where the exposure comes from that is left: the network, and stores anywhere in the file system.
    @Test(
        "systemd counts little that the service could do beyond its work",
        .enabled(if: installedProgram("systemd-analyze") != nil), arguments: [("pushd", 19), ("pushd-files", 16)])
    func exposure(service: String, most: Int) async throws {
        let unit =
            URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/systemd/\(service).service"
        // The threshold is ten times the number that it prints.
        let result = try await ProcessRunner.run(
            "systemd-analyze", ["security", "--offline=true", "--no-pager", "--threshold=\(most)", unit])
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }
}
