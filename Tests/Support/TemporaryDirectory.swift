internal import FoundationEssentials
internal import Glibc

/// A directory of one test's own, gone with everything in it when the test's closure ends.
///
/// A closure and no `deinit`: Swift may end an object's life at its last use, in the middle of a test.
public struct TemporaryDirectory: Sendable {
    /// Absolute and free of links.
    public let path: String

    private init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/pushd-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil, let real = realpath(template, nil) else {
            throw TestSupportError("cannot make a directory in \(base): errno \(errno)")
        }
        path = String(cString: real)
        free(real)
    }

    /// The absolute path of `name` in here; nothing is made.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Makes a program of a script.
    ///
    /// Another program writes the file: were it open for writing here, a child that a test beside starts in this moment
    /// would hold it open too, and nobody could run it.
    ///
    /// - Returns: its absolute path.
    @discardableResult
    public func makeProgram(_ script: String, as name: String) async throws -> String {
        let source = try write(script.utf8, to: name + ".script")
        let result = try await ProcessRunner.run("install", ["-m", "755", source, file(name)])
        guard result.status == 0 else { throw TestSupportError("install: \(result.errors)") }
        return file(name)
    }

    /// Makes the directory `name` and those above it.
    ///
    /// - Returns: its absolute path.
    @discardableResult
    public func makeDirectory(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
        return file(name)
    }

    /// Writes a file in one go, with the directories above it.
    ///
    /// - Returns: its absolute path.
    @discardableResult
    public func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
        let target = file(name)
        if let slash = target.lastIndex(of: "/") {
            try FileManager.default.createDirectory(
                atPath: String(target[..<slash]), withIntermediateDirectories: true)
        }
        try Data(bytes).write(to: URL(filePath: target))
        return target
    }

    /// Runs `body` with a new directory under `TMPDIR` or `/tmp`.
    public static func with<Result>(
        _ body: (TemporaryDirectory) async throws -> Result
    ) async throws -> Result {
        let directory = try TemporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        return try await body(directory)
    }
}

/// Why a part of the tests could not be set up.
public struct TestSupportError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
