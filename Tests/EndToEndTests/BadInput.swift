import FoundationEssentials
import TestSupport
import Testing

/// One wrong input, and how it is tried: the other half of a row of `docs/errors.md`.
struct BadInput: Sendable, CustomTestStringConvertible {
    /// What is shown for it, as the rows of the table have it.
    struct Shown: Equatable {
        /// Lines of standard error, or a message on the wire.
        var lines: [String]
        /// The exit status, or what becomes of the connection.
        var end: String
    }

    /// The first column of its row.
    let name: String
    let attempt: @Sendable (Machine) async throws -> Shown

    init(_ name: String, _ attempt: @escaping @Sendable (Machine) async throws -> Shown) {
        self.name = name
        self.attempt = attempt
    }

    var testDescription: String { name }
}

extension BadInput.Shown {
    /// What a program that has ended wrote to standard error, with the test's own names replaced.
    init(_ result: ProcessRunner.Result, _ machine: Machine) {
        lines = result.errors.split(separator: "\n").map { Self.neutral($0.drop { $0 == " " }, machine) }
        end = result.status.map { "\($0)" } ?? "signal \(result.signal ?? 0)"
    }

    /// The parts that differ from run to run, by the names that the document explains.
    static func neutral(_ text: some StringProtocol, _ machine: Machine) -> String {
        String(text)
            .replacing(machine.layout, with: "DIR")
            .replacing(machine.state, with: "STATE")
            .replacing(machine.directory.file("pushd.json5"), with: "FILE")
            .replacing(machine.directory.path, with: "HOME")
            .replacing(#/sha256:[0-9a-f]{64}/#, with: "DIGEST")
            .replacing(#/sha256\/[0-9a-f]{64}/#, with: "sha256/HEX")
            .replacing(#/127\.0\.0\.1:[0-9]+/#, with: "127.0.0.1:PORT")
            .replacing(#/process [0-9]+/#, with: "process PID")
            .replacing(#/start it with: (systemctl|env pushd) [^;]+;/#, with: "start it with: COMMAND;")
            .replacing(#/\/run\/containers\/[0-9]+/#, with: "/run/containers/UID")
            .replacing(#/incoming\/[0-9]+/#, with: "incoming/N")
            .replacing(#/s{50,}/#, with: "sss…")
    }

    /// The second and third column.
    var cells: [String] { [lines.map { "`\($0)`" }.joined(separator: "<br>"), end] }
}

/// `docs/errors.md`, as far as it consists of tables.
struct ErrorsDocument {
    /// The rows below the header that begins with `column`, without the header; each without its outer bars.
    let rows: [[String]]

    init(tablesHeaded column: String) throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try String(contentsOf: URL(filePath: root + "/docs/errors.md"), encoding: .utf8)
        var rows: [[String]] = []
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let cells = Self.cells(line)
            if cells.isEmpty {
                isInside = false
            } else if cells[0] == column {
                isInside = true
            } else if isInside, !cells[0].hasPrefix("---") {
                rows.append(cells)
            }
        }
        self.rows = rows
    }

    private static func cells(_ line: Substring) -> [String] {
        guard line.hasPrefix("| "), line.hasSuffix(" |") else { return line.hasPrefix("|---") ? ["---"] : [] }
        return line.dropFirst(2).dropLast(2).replacing("\\|", with: "\u{1}").split(separator: " | ")
            .map { String($0).replacing("\u{1}", with: "|") }
    }
}
