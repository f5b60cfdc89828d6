import FoundationEssentials
import Testing

/// Holds the modules to the picture in the architecture: who may know whom.
@Suite("The import graph")
struct ImportGraphTests {
    /// What each module may import of ours. Nothing points up, and rooms on one floor do not know each other.
    private static let allowed: [String: Set<String>] = [
        "System": ["CLinux"],
        "OCI": ["CCrypto"],
        "HTTP": ["CCurl"],
        "PushQueue": ["OCI", "CSQLite"],
        "ImageStore": ["HTTP", "OCI"],
        "Registry": ["HTTP", "OCI", "CLinux"],
        "Publisher": ["PushQueue", "ImageStore", "Registry", "HTTP", "OCI"],
        "Control": ["OCI", "CLinux"],
        "pushd": ["Publisher", "Control", "PushQueue", "ImageStore", "Registry", "HTTP", "OCI", "CLinux"],
        "pushctl": ["Control", "OCI"],
    ]

    /// What comes with the toolchain, without full Foundation.
    private static let toolchain: Set<String> = ["FoundationEssentials", "Dispatch", "Synchronization", "Glibc"]

    /// The ground floor, which everybody may import.
    private static let ground = "System"

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Swift files below a folder of the package, as paths from there.
    private static func files(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root + "/" + folder).filter { $0.hasSuffix(".swift") }
    }

    private static func lines(of path: String) throws -> [Substring] {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The module that a line imports; nil for other lines.
    private static func module(importedBy line: Substring) -> String? {
        var words = line.split { $0 == " " || $0 == "\t" }[...]
        let modifiers: Set<Substring> = [
            "public", "package", "internal", "fileprivate", "private", "@testable", "@preconcurrency", "@_exported",
            "@_implementationOnly",
        ]
        while let word = words.first, modifiers.contains(word) { words.removeFirst() }
        guard words.popFirst() == "import" else { return nil }
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        if let kind = words.first, kinds.contains(kind) { words.removeFirst() }
        return words.first?.split(separator: ".").first.map { String($0.prefix { $0 != ";" }) }
    }

    @Test(
        "is read from every way to write an import",
        arguments: [
            ("import OCI", "OCI"), ("  internal import Glibc", "Glibc"), ("@testable import pushd", "pushd"),
            ("public import struct HTTP.HTTPURL", "HTTP"), ("@preconcurrency import Dispatch // why", "Dispatch"),
            ("let imports = 3", nil), ("// import OCI", nil), ("importer.run()", nil),
        ])
    func reading(line: String, module: String?) {
        #expect(Self.module(importedBy: line[...]) == module)
    }

    @Test("is the one of the architecture")
    func graph() throws {
        var modules: Set<String> = []
        for file in try Self.files(below: "Sources") {
            let module = String(file.prefix { $0 != "/" })
            modules.insert(module)
            let allowed = try #require(Self.allowed[module], "\(file): a module that the architecture does not know")
            for line in try Self.lines(of: "Sources/" + file) {
                guard let imported = Self.module(importedBy: line) else { continue }
                #expect(
                    allowed.contains(imported) || Self.toolchain.contains(imported) || imported == Self.ground,
                    "\(file) imports \(imported); \(module) may know \(allowed.sorted())")
            }
        }
        #expect(modules == Set(Self.allowed.keys), "what the test expects is there")
    }

    @Test("has no file that is too long to be read in one go", arguments: ["Sources", "Tests"])
    func length(folder: String) throws {
        let files = try Self.files(below: folder)
        #expect(files.count > 50)
        for file in files {
            let count = try Self.lines(of: "\(folder)/\(file)").count
            #expect(count <= 451, "\(folder)/\(file) has \(count - 1) lines")
        }
    }
}
