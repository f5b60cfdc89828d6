import FoundationEssentials
import Testing

/// Holds the tables of `docs/registries.md` to the tests that they name.
@Suite("The documented registries")
struct RegistriesDocumentTests {
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    private struct Row {
        let numbers: [Int]
        let tests: [String]
        let line: Substring
    }

    private static func rows() throws -> [Row] {
        let text = try String(contentsOf: URL(filePath: root + "/docs/registries.md"), encoding: .utf8)
        return try text.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| No. ") }.map { line in
            // An empty number leaves two blanks between the bars.
            let cells = line.dropFirst(2).dropLast(2).split(separator: "| ", omittingEmptySubsequences: false)
            try #require(cells.count == 4, "\(line)")
            let numbers = cells[0].split { $0 == "," || $0 == " " }.compactMap { Int($0) }
            return Row(numbers: numbers, tests: cells[3].matches(of: #/\*([^*]+)\*/#).map { String($0.1) }, line: line)
        }
    }

    /// The titles of all tests.
    private static func titles() throws -> Set<String> {
        let files = try FileManager.default.subpathsOfDirectory(atPath: root + "/Tests")
        var titles: Set<String> = []
        for file in files where file.hasSuffix(".swift") {
            let source = try String(contentsOf: URL(filePath: root + "/Tests/" + file), encoding: .utf8)
            for title in source.matches(of: #/@Test\(\s*"((?:[^"\\]|\\.)*)"/#) { titles.insert(String(title.1)) }
        }
        return titles
    }

    /// `field 22 and 23: …` is about two traps.
    private static func numbers(in title: String) -> [Int] {
        guard title.hasPrefix("field "), let end = title.firstIndex(of: ":") else { return [] }
        return title[..<end].split(separator: " ").compactMap { Int($0) }
    }

    @Test("name tests that there are, each under its number") func named() throws {
        let titles = try Self.titles()
        #expect(titles.count > 500, "the sources were understood")
        let rows = try Self.rows()
        #expect(rows.count > 30, "the document was understood")
        for row in rows {
            #expect(!row.tests.isEmpty, "no test: \(row.line)")
            for test in row.tests {
                if !titles.contains(test) { Issue.record("there is no test \"\(test)\"") }
                #expect(Set(Self.numbers(in: test)).isSubset(of: row.numbers), "\(test)")
            }
            for number in row.numbers {
                #expect(row.tests.contains { Self.numbers(in: $0).contains(number) }, "no test of \(number)")
            }
        }
    }

    @Test("have every test of a known trap, and every trap of uploads, logins and truth") func complete() throws {
        let rows = try Self.rows()
        let numbered = try Self.titles().filter { !Self.numbers(in: $0).isEmpty }
        #expect(numbered.subtracting(rows.flatMap(\.tests)) == [])
        #expect(Set(17...29).union(34...40).subtracting(rows.flatMap(\.numbers)) == [])
    }
}
