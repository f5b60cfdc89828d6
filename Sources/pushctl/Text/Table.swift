/// Rows under a heading, in columns two spaces apart.
struct Table: Sendable {
    struct Column: Sendable {
        enum Alignment: Sendable { case left, right }

        let title: String
        let alignment: Alignment
        /// Whether it may be cut to fit, and then loses its beginning: the end of an image's name says most.
        let keepsEnd: Bool

        init(_ title: String, _ alignment: Alignment = .left, keepsEnd: Bool = false) {
            self.title = title
            self.alignment = alignment
            self.keepsEnd = keepsEnd
        }
    }

    var columns: [Column]
    /// As many cells as there are columns.
    var rows: [[Line]] = []

    init(columns: [Column]) { self.columns = columns }

    /// As wide as its contents.
    func lines() -> [Line] { lines(widths: naturalWidths, ellipsis: "") }

    /// At most `width` columns wide if cutting the columns that may be cut, down to 8 each, suffices.
    func lines(fitting width: Int, ellipsis: String) -> [Line] {
        var widths = naturalWidths
        var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
        while excess > 0 {
            // The widest gives way first, so that short names stay whole.
            let cuttable = columns.indices.filter { columns[$0].keepsEnd && widths[$0] > 8 }
            guard let widest = cuttable.max(by: { widths[$0] < widths[$1] }) else { break }
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
                var cell = cell
                if columns[column].keepsEnd, cell.width > widths[column] {
                    cell = Line(cell.text.keepingEnd(width: widths[column], ellipsis: ellipsis))
                }
                let before = columns[column].alignment == .right ? widths[column] - cell.width : 0
                line.pad(to: start + max(before, 0))
                line.append(cell)
            }
            return line
        }
    }
}
