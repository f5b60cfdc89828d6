import Control
import FoundationEssentials
import Testing

@testable import pushctl

@Suite("A job for scripts")
struct JobDocumentTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// The keys that the manual lists.
    private static func documented() throws -> Set<String> {
        let manual = try String(contentsOf: URL(filePath: root + "/docs/pushctl.1"), encoding: .utf8)
        let lines = manual.split(separator: "\n").drop { !$0.hasPrefix("A job has these keys") }.dropFirst()
        let words = lines.prefix { $0.hasPrefix(".Va ") }.flatMap { $0.split(separator: " ").dropFirst() }
        return Set(words.filter { $0 != "," && $0 != "." }.map(String.init))
    }

    /// A value that does not matter.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    /// The keys of a JSON object.
    private func keys(_ value: some Encodable) throws -> Set<String> {
        return Set(try JSONDecoder().decode([String: Anything?].self, from: JSONEncoder().encode(value)).keys)
    }

    @Test("has exactly the documented keys, with a value or without")
    func keys() throws {
        let documented = try Self.documented()
        #expect(documented.count > 20, "the manual was understood")
        let full = testJob(7, "failed", blobs: [testLayer("aa", size: 3)]) {
            $0.error = JobErrorInfo(code: "denied", message: "no", advice: "ask")
            $0.sourceDigest = "sha256:aa"
            $0.waitsFor = "it"
            $0.supersededBy = 8
            $0.askedBy = AskerInfo(uid: 1000, name: "alice", pid: 4711)
        }
        #expect(try keys(JobDocument(full)) == documented)
        #expect(try keys(JobDocument(testJob(7, "queued"))) == documented)
        #expect(
            try keys(JobErrorDocument(error: JobErrorInfo(code: "c", message: "m"))) == ["code", "message", "advice"])
    }
}
