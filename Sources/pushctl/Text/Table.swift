/// Rows under a heading, in columns two spaces apart.
struct Table: Sendable {
    struct Column: Sendable {
        enum Alignment: Sendable { case left, right }

        /// What becomes of it where the table is too wide.
        enum Cut: Sendable, Equatable {
            case never
            /// Loses its middle, down to so many columns.
            case middle(least: Int)
            /// Loses its end: a sentence.
            case end(least: Int)
        }

        let title: String
        let alignment: Alignment
        let cut: Cut
        /// Whether it is cut before all others.
        let yieldsFirst: Bool

        init(_ title: String, _ alignment: Alignment = .left, cut: Cut = .never, yieldsFirst: Bool = false) {
            self.title = title
            self.alignment = alignment
            self.cut = cut
            self.yieldsFirst = yieldsFirst
        }

        fileprivate var least: Int? {
            switch cut {
            case .never: nil
            case .middle(let least), .end(let least): least
            }
        }
    }

    var columns: [Column]
    /// As many cells as there are columns.
    var rows: [[Line]] = []

    init(columns: [Column]) { self.columns = columns }

    /// As wide as its contents.
    func lines() -> [Line] { lines(widths: naturalWidths, ellipsis: "") }

    /// Columns that it takes when nothing is cut.
    var width: Int { naturalWidths.reduce(0, +) + 2 * (columns.count - 1) }

    /// At most `width` columns wide, if cutting what may be cut suffices.
    func lines(fitting width: Int, ellipsis: String) -> [Line] {
        var widths = naturalWidths
        var excess = self.width - width
        while excess > 0 {
            let cuttable = columns.indices.filter { widths[$0] > columns[$0].least ?? .max }
            let first = cuttable.filter { columns[$0].yieldsFirst }
            // The widest gives way first, so that short names stay whole.
            guard let widest = (first.isEmpty ? cuttable : first).max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return lines(widths: widths, ellipsis: ellipsis)
    }

    private var naturalWidths: [Int] {
        columns.indices.map { column in
            rows.reduce(columns[column].title.displayWidth) { max($0, $1[column].width) }
        }
    }

    private func lines(widths: [Int], ellipsis: String) -> [Line] {
        ([columns.map { Line($0.title, .bold) }] + rows).map { cells in
            var line = Line()
            var start = 0
            for (column, cell) in cells.enumerated() {
                defer { start += widths[column] + 2 }
                guard cell.width > 0 else { continue }
                let cell = cut(cell, columns[column].cut, to: widths[column], ellipsis: ellipsis)
                let before = columns[column].alignment == .right ? widths[column] - cell.width : 0
                line.pad(to: start + max(before, 0))
                line.append(cell)
            }
            return line
        }
    }

    private func cut(_ cell: Line, _ cut: Column.Cut, to width: Int, ellipsis: String) -> Line {
        guard cell.width > width else { return cell }
        switch cut {
        case .never: return cell
        case .middle: return Line(cell.text.cutInTheMiddle(width: width, ellipsis: ellipsis))
        case .end: return cell.truncated(to: width, ellipsis: ellipsis)
        }
    }
}
