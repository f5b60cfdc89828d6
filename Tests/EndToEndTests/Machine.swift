import FoundationEssentials
import TestSupport

/// A machine for one test: a state directory, a socket, a layout, a configuration, and the two real executables.
final class Machine: Sendable {
    let directory: TemporaryDirectory
    var socket: String { directory.file("s") }
    var state: String { directory.file("state") }
    var layout: String { directory.file("images") }

    private init(_ directory: TemporaryDirectory) { self.directory = directory }

    static func with<Value>(_ body: (Machine) async throws -> Value) async throws -> Value {
        try await TemporaryDirectory.with { try await body(Machine($0)) }
    }

    /// No home, no proxies, no credentials but the test's own.
    var environment: [String: String] {
        ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": directory.path, "PUSHD_SOCKET": socket]
    }

    // MARK: The daemon

    /// Starts pushd and waits until it takes calls.
    ///
    /// - Parameters:
    ///   - configuration: JSON5; short waits between attempts unless it says otherwise.
    ///   - variables: more environment.
    func start(
        _ configuration: String = "retry: { base: '5ms', cap: '40ms' }", stores: [String]? = nil,
        variables: [String: String] = [:]
    ) async throws -> ProcessRunner {
        let daemon = try launch(configuration, stores: stores, variables: variables)
        try await daemon.waitForOutput("listens on")
        return daemon
    }

    func launch(
        _ configuration: String = "", stores: [String]? = nil, variables: [String: String] = [:]
    ) throws -> ProcessRunner {
        try configure(configuration)
        return try ProcessRunner(
            try builtProduct("pushd"), daemonArguments(stores: stores ?? [layout]),
            environment: environment.merging(variables) { $1 })
    }

    /// Replaces the configuration; a running daemon reads it on SIGHUP.
    func configure(_ configuration: String) throws {
        try directory.write(Array("{ \(configuration) }".utf8), to: "pushd.json5")
    }

    /// The daemon's command line, after its name.
    func daemonArguments(stores: [String], socket: String? = nil, state: String? = nil) -> [String] {
        [
            "--config", directory.file("pushd.json5"), "--state-dir", state ?? self.state, "--socket",
            socket ?? self.socket,
        ] + stores.flatMap { ["--store", "oci:" + $0] }
    }

    /// Runs `body` with a daemon, and ends it afterwards.
    func withDaemon<Value>(
        _ configuration: String = "retry: { base: '5ms', cap: '40ms' }", stores: [String]? = nil,
        _ body: (ProcessRunner) async throws -> Value
    ) async throws -> Value {
        let daemon = try await start(configuration, stores: stores)
        do {
            let value = try await body(daemon)
            await daemon.end()  // to its end: another one may follow on the same state
            return value
        } catch {
            await daemon.end()
            throw error
        }
    }

    /// What the daemon keeps of images, as paths below its spool.
    var spooledFiles: [String] {
        get throws {
            let (manager, spool) = (FileManager.default, state + "/spool")
            return try manager.subpathsOfDirectory(atPath: spool).filter { path in
                var isDirectory = false
                return manager.fileExists(atPath: spool + "/" + path, isDirectory: &isDirectory) && !isDirectory
            }
        }
    }

    // MARK: The command line

    @discardableResult
    func pushctl(_ words: String..., timeout: Duration = .seconds(60)) async throws -> ProcessRunner.Result {
        try await pushctl(words, timeout: timeout)
    }

    @discardableResult
    func pushctl(_ words: [String], timeout: Duration = .seconds(60)) async throws -> ProcessRunner.Result {
        try await ProcessRunner.run(
            try builtProduct("pushctl"), words, environment: environment, timeout: timeout)
    }

    /// Starts a command that goes on beside the test.
    func startPushctl(_ words: String...) throws -> ProcessRunner {
        try ProcessRunner(try builtProduct("pushctl"), words, environment: environment)
    }

    /// Runs a command that has to succeed, and reads the JSON documents that it prints, one a line.
    func json(_ words: String...) async throws -> [JSON] {
        let result = try await ProcessRunner.run(
            try builtProduct("pushctl"), ["--json"] + words, environment: environment)
        guard result.status == 0 else {
            throw TestSupportError("pushctl \(words): status \(result.status ?? -1): \(result.output)\(result.errors)")
        }
        return try result.output.split(separator: "\n").map { line in
            try JSONDecoder().decode(JSON.self, from: Data(line.utf8))
        }
    }

    func job(_ id: Int) async throws -> JSON {
        let answer = try await json("status", String(id))
        guard let job = answer.first?["jobs"]?.list?.first else { throw TestSupportError("no job \(id): \(answer)") }
        return job
    }

    /// Enqueues without waiting; returns the job's id.
    func enqueue(_ image: String, _ destination: String, _ options: String...) async throws -> Int {
        let result = try await ProcessRunner.run(
            try builtProduct("pushctl"), ["--json", "push", "-d", image, destination] + options,
            environment: environment)
        guard result.status == 0,
            let line = result.output.split(separator: "\n").first,
            let id = try JSONDecoder().decode(JSON.self, from: Data(line.utf8))["id"]?.integer
        else { throw TestSupportError("push -d: \(result.status ?? -1): \(result.output)\(result.errors)") }
        return id
    }

    /// Runs another program that has to succeed; returns what it prints.
    @discardableResult
    func tool(_ name: String, _ words: String...) async throws -> String {
        guard let program = installedProgram(name) else { throw TestSupportError("\(name) is not installed") }
        let result = try await ProcessRunner.run(
            program, words, environment: environment.merging(["TMPDIR": directory.path]) { $1 },
            timeout: .seconds(120))
        guard result.status == 0 else { throw TestSupportError("\(name) \(words): \(result.output)\(result.errors)") }
        return result.output
    }
}

/// Any JSON value, looked into by key.
enum JSON: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case items([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSON].self) {
            self = .items(list)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    /// Reads one document.
    init(parsing text: String) throws { self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8)) }

    subscript(key: String) -> JSON? { if case .object(let values) = self { values[key] } else { nil } }
    var list: [JSON]? { if case .items(let list) = self { list } else { nil } }
    var string: String? { if case .text(let text) = self { text } else { nil } }
    var integer: Int? { if case .number(let number) = self { Int(number) } else { nil } }
    var isTrue: Bool { self == .bool(true) }
}
