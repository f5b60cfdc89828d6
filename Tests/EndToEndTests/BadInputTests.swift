import TestSupport
import Testing

/// `docs/errors.md` promises what a user sees. Each row is tried with the two executables, and nothing else is in it.
@Suite("Bad input")
struct BadInputTests {
    static let all: [BadInput] =
        BadInput.layouts + BadInput.names + BadInput.registries + BadInput.jobs + BadInput.usage + BadInput.noDaemon
        + BadInput.starts + BadInput.stateDirectories + BadInput.messages

    @Test("is answered as the document says", arguments: all.filter(\.canBeTried))
    func answered(input: BadInput) async throws {
        let row = try ErrorsDocument(tablesHeaded: "What is wrong").rows.first { $0[0] == input.name }
        let shown = try await Machine.with { try await input.attempt($0) }
        let cells = shown.cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")
        #expect(row.map { Array($0.dropFirst()) } == shown.cells, "ROW | \(input.name) | \(cells) |")
    }

    @Test("is in the document, each kind once, and the document knows no others") func complete() throws {
        let rows = try ErrorsDocument(tablesHeaded: "What is wrong").rows
        #expect(rows.map { $0[0] }.sorted() == Self.all.map(\.name).sorted())
        #expect(Set(Self.all.map(\.name)).count == Self.all.count)
    }
}
