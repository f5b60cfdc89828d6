import FoundationEssentials
import Testing

/// `docs/errors.md` lists every code that a job's error can have, and what the queue does: read from the sources, which
/// no list of cases can be, and compared.
@Suite("The documented errors of jobs")
struct ErrorTableTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/"

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: URL(filePath: root + path), encoding: .utf8)
    }

    /// The table headed "Code": what the queue does, by code.
    private static func documented() throws -> [String: String] {
        var rows: [String: String] = [:]
        for line in try text("docs/errors.md").split(separator: "\n") {
            guard let row = line.wholeMatch(of: #/\| `([a-z-]+)` \| [^|]+ \| ([a-z ]+) \| [^|]+ \|/#) else { continue }
            #expect(rows[String(row.1)] == nil, "\(row.1) stands there twice")
            rows[String(row.1)] = String(row.2)
        }
        return rows
    }

    /// `case .loginMissing: "login-missing"`, and what is written as `code: "timeout"`.
    private static func codes(in path: String) throws -> [(cause: String, code: String)] {
        let source = try text(path)
        return source.matches(of: #/case \.(\w+)(?:, \.\w+)*: "([a-z]+(?:-[a-z]+)*)"\n/#).map {
            (String($0.1), String($0.2))
        }
            + source.matches(of: #/code: "([a-z-]+)"/#).map { ("", String($0.1)) }
    }

    @Test("are all that the code has, and no others") func complete() throws {
        let sources = [
            "Sources/Registry/Errors/RegistryError+Consequences.swift", "Sources/ImageStore/ImageStoreError+Text.swift",
            "Sources/Publisher/Push/PushFailure.swift", "Sources/PushQueue/JobStore+Control.swift",
        ]
        let codes = Set(try sources.flatMap { try Self.codes(in: $0).map(\.code) })
        #expect(codes.count > 60, "the sources were understood")
        let documented = Set(try Self.documented().keys)
        #expect(codes.subtracting(documented) == [])
        #expect(documented.subtracting(codes) == [])
    }

    /// The table of the codes that only refusals have: what pushctl and the control interface answer with at once.
    private static func documentedRefusals() throws -> Set<String> {
        let rows = try text("docs/errors.md").split(separator: "\n").compactMap { line in
            try? #/\| `([a-z-]+)` \| [^|]+ \| [0-9](?: or [0-9])* \|/#.wholeMatch(in: line).map { String($0.1) }
        }
        #expect(rows.count == Set(rows).count, "one stands there twice")
        return Set(rows)
    }

    @Test("and of refusals are all that the code has, and no others") func refusals() throws {
        let sources = try FileManager.default.subpathsOfDirectory(atPath: Self.root + "Sources")
            .filter { $0.hasSuffix(".swift") }.map { "Sources/" + $0 }
        let own = [
            "Sources/Control/ControlError.swift", "Sources/Control/Client/ControlClientError.swift",
            "Sources/Publisher/Service/PushRequest.swift", "Sources/Publisher/Service/RetryOutcome.swift",
        ]
        var codes: Set<String> = []
        for path in sources where own.contains(path) || path.hasPrefix("Sources/push") {
            for code in try Self.codes(in: path) where own.contains(path) || code.cause.isEmpty {
                codes.insert(code.code)
            }
        }
        // What a failure of pushctl has where it names none.
        codes.formUnion(["usage", "failed"])
        #expect(codes.count > 30, "the sources were understood")
        let (jobs, refusals) = (Set(try Self.documented().keys), try Self.documentedRefusals())
        #expect(codes.subtracting(jobs).subtracting(refusals) == [])
        #expect(refusals.subtracting(codes) == [])
        #expect(refusals.intersection(jobs) == [], "a code stands in one table")
    }

    @Test("say of a registry's errors what the queue does") func consequences() throws {
        let path = "Sources/Registry/Errors/RegistryError+Consequences.swift"
        let words = [
            "retry": "tries again", "retryRegistry": "pauses the registry", "waitForPerson": "blocks", "fail": "fails",
            "waitForFile": "waits for the file",
        ]
        var consequences: [String: String] = [:]
        for group in try Self.text(path).matches(of: #/case ((?:\s*\.\w+,?)+):\s*\.(\w+)\n/#) {
            for cause in group.1.matches(of: #/\.(\w+)/#) { consequences[String(cause.1)] = words[String(group.2)] }
        }
        #expect(consequences.count > 40, "the source was understood")
        let documented = try Self.documented()
        for (cause, code) in try Self.codes(in: path) {
            guard let consequence = consequences[cause] else { continue }  // one depends on the error's number
            #expect(documented[code] == consequence, "\(code)")
        }
    }
}
