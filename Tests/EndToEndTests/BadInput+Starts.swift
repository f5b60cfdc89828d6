import FoundationEssentials
import Glibc
import OCI
import TestSupport

/// Daemons that do not start, and a state directory that is not as it has to be.
extension BadInput {
    /// Two kinds need something of the machine: a file system of the test's own, and a name server that answers.
    var canBeTried: Bool {
        if name.hasPrefix("The disk") { return Self.canMount }
        if name.hasPrefix("The registry's host name") { return Self.canResolve }
        return true
    }

    /// Whether it can be found out that a name does not exist.
    private static let canResolve: Bool = {
        var found: UnsafeMutablePointer<addrinfo>?
        defer { if let found { freeaddrinfo(found) } }
        return getaddrinfo("no-such-host.invalid", nil, nil, &found) == EAI_NONAME
    }()

    /// Whether a file system of the test's own can be had: in a container it depends.
    private static let canMount: Bool = {
        guard let program = installedProgram("unshare") else { return false }
        return (try? ProcessStatus.of(program, ["-rm", "mount", "-t", "tmpfs", "tmpfs", "/tmp"])) == 0
    }()

    /// A case: a daemon that ends by itself, started with the machine's own places and what else is given.
    private static func start(
        _ name: String, _ words: String..., configuration: String = "{}", variables: [String: String] = [:],
        prepare: @escaping @Sendable (Machine) async throws -> Void = { _ in }
    ) -> BadInput {
        BadInput(name) { machine in
            try await prepare(machine)
            return try await startShown(machine, words, configuration, variables)
        }
    }

    private static func startShown(
        _ machine: Machine, _ words: [String] = [], _ configuration: String = "{}", _ variables: [String: String] = [:]
    ) async throws -> Shown {
        if !configuration.isEmpty { try machine.directory.write(Array(configuration.utf8), to: "pushd.json5") }
        let places = [
            "--config", machine.directory.file("pushd.json5"), "--state-dir", machine.state, "--socket", machine.socket,
        ]
        let words = words.map { $0.replacing("HOME", with: machine.directory.path) }
        let program = try builtProduct("pushd")
        let environment = variables.isEmpty ? nil : machine.environment.merging(variables) { $1 }
        return Shown(
            try await ProcessRunner.run(program, places + words, environment: environment, timeout: .seconds(20)),
            machine)
    }

    static let starts: [BadInput] = [
        start("An unknown option of pushd", "--foreground"),
        start("An option of pushd without its value", "--state-dir"),
        start("A store that is none", "--store", "docker:app"),
        start("The configuration is missing", configuration: ""),
        start("The configuration is a directory", configuration: "") {
            try $0.directory.makeDirectory("pushd.json5")
        },
        start("The configuration is too large", configuration: String(repeating: " ", count: 1_048_577)),
        start("The configuration is empty", configuration: " "),
        start("The configuration breaks off", configuration: "{\n  stores: [\n"),
        start("The configuration lacks a comma", configuration: "{\n  watch: {}\n  limits: {}\n}"),
        start("The configuration is nested without end", configuration: String(repeating: "[", count: 100_000)),
        start("The configuration has an unknown key", configuration: "{ spool: { path: '/x' } }"),
        start("The configuration has a key twice", configuration: "{ stores: [], stores: [] }"),
        start("The configuration has a wrong type", configuration: "{ registries: { 'h.example': { insecure: 1 } } }"),
        start("The configuration has a bad duration", configuration: "{ retry: { base: 'soon' } }"),
        start(
            "The configuration names a group that does not exist", configuration: "{ control: { group: 'nobodies' } }"),
        start("A proxy in the environment has a bad port", variables: ["https_proxy": "http://u:pass@proxy:0"]),
        start(
            "A proxy in the environment is a file that chooses proxies",
            variables: ["HTTP_PROXY": "http://wpad/proxy.pac"]),
        start(
            "The configuration has a proxy of another kind",
            configuration: "{ registries: { 'h.example': { proxy: 'ftp://u:pass@proxy' } } }"),
        start("A check finds a fault", "--check-config", configuration: "{ log: { level: 'loud' } }"),
        start(
            "A check finds several", "--check-config", configuration: "{ log: { level: 'loud' }, spol: {}, stores: 1 }"),
        start(
            "A check finds faults in the file and in the environment", "--check-config",
            configuration: "{ log: { level: 'loud' }, control: { group: 'nobodies' } }",
            variables: ["https_proxy": "http://proxy:0"]),
        start("The control socket's place holds a file") { try $0.directory.write([1], to: "s") },
        start("The control socket's path is too long", "--socket", "HOME/\(String(repeating: "s", count: 108))"),
        start("Anybody may write where the control socket goes", "--socket", "HOME/open/s") {
            try $0.directory.makeDirectory("open")
            chmod($0.directory.file("open"), 0o777)
        },
        BadInput("Two daemons with one control socket") { machine in
            try await machine.withDaemon { _ in
                try await startShown(machine, ["--state-dir", "HOME/other"])
            }
        },
    ]

    /// Makes a database as pushd does, and changes the 32-bit number at `offset` of its header.
    ///
    /// Source: sqlite.org/fileformat.html: the user version is at byte 60, the application's id at byte 68.
    private static func patchDatabase(_ machine: Machine, offset: Int64, to number: UInt32) async throws {
        let daemon = try await machine.start()
        daemon.send(SIGTERM)
        _ = try await daemon.wait()
        // The first page may still stand in the log too, and would be read from there.
        try SQLiteFile.execute("PRAGMA wal_checkpoint(TRUNCATE)", at: machine.state + "/queue.db")
        let file = open(machine.state + "/queue.db", O_WRONLY)
        defer { close(file) }
        var bytes = number.bigEndian
        guard pwrite(file, &bytes, 4, off_t(offset)) == 4 else { throw TestSupportError("no queue.db: errno \(errno)") }
    }

    static let stateDirectories: [BadInput] = [
        start("The state directory lies below a file", "--state-dir", "HOME/file/state") {
            try $0.directory.write([1], to: "file")
        },
        start("The state directory can't be made", "--state-dir", "/proc/pushd"),
        BadInput("Two daemons with one state directory") { machine in
            try await machine.withDaemon { _ in try await startShown(machine, ["--socket", "HOME/other"]) }
        },
        start("The lock is a link") {
            try $0.directory.makeDirectory("state")
            symlink("/etc/passwd", $0.state + "/lock")
        },
        start("The database is garbage") {
            try $0.directory.write(Array(repeating: UInt8(ascii: "x"), count: 8192), to: "state/queue.db")
        },
        start("The database is a link") {
            try $0.directory.makeDirectory("state")
            symlink("/etc/passwd", $0.state + "/queue.db")
        },
        start("The database is a directory") { try $0.directory.makeDirectory("state/queue.db") },
        start("A newer pushd wrote the database") { try await patchDatabase($0, offset: 60, to: 9999) },
        start("The database is another program's") { try await patchDatabase($0, offset: 68, to: 1) },
        BadInput("The disk is full when pushd starts") { machine in
            try machine.directory.makeDirectory("state")
            return Shown(try await machine.onSmallDisk("64k", "{}").wait(timeout: .seconds(20)), machine)
        },
        BadInput("The disk is full when a push is accepted") { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 3_000_000)], name: "app:1")
            try builder.writeIndexJSON()
            try machine.directory.makeDirectory("state")
            let daemon = try machine.onSmallDisk("2m", "{ spool: { acrossFileSystems: 'copy' } }")
            defer { daemon.send(SIGKILL) }
            try await daemon.waitForOutput("listens on")
            let image = "oci:\(machine.layout):app:1"
            return Shown(try await machine.pushctl("push", "-d", image, "registry.example/app:1"), machine)
        },
    ]
}

extension Machine {
    /// A daemon whose state is on a file system of `size`, which nobody else sees.
    fileprivate func onSmallDisk(_ size: String, _ configuration: String) throws -> ProcessRunner {
        let file = try directory.write(Array(configuration.utf8), to: "pushd.json5")
        let script = "mount -t tmpfs -o size=\(size) tmpfs '\(state)' && exec \"$@\""
        return try ProcessRunner(
            "unshare",
            [
                "-rm", "sh", "-c", script, "sh", try builtProduct("pushd"), "--config", file, "--state-dir", state,
                "--socket", socket,
            ])
    }
}

private enum ProcessStatus {
    /// Runs a short program to its end, blocking.
    static func of(_ program: String, _ words: [String]) throws -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, program, nil, nil, &arguments, environ) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
