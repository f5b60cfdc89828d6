internal import Control

/// The local images, and where each was pushed last.
struct ImageTable: Sendable {
    let images: [LocalImageInfo]

    /// Destinations that are named; the others are counted.
    private static let destinations = 2

    /// - Parameter width: columns of the terminal; nil for a pipe, where nothing is shortened.
    func lines(width: Int?, ellipsis: String) -> [Line] {
        let whole = table(withStore: true)
        guard let width, whole.width > width else { return whole.lines() }
        // One store for all needs no column.
        guard let store = images.first?.store, images.allSatisfy({ $0.store == store }) else {
            return fitting(whole, width, ellipsis)
        }
        let all = Line("All are in \(store).", .dim)
        return fitting(table(withStore: false), width, ellipsis) + all.wrapped(width: width)
    }

    private func fitting(_ table: Table, _ width: Int, _ ellipsis: String) -> [Line] {
        table.lines(fitting: width, ellipsis: ellipsis).map { $0.truncated(to: width, ellipsis: ellipsis) }
    }

    private func table(withStore: Bool) -> Table {
        var table = Table(
            columns: [.init("IMAGE", cut: .middle(least: 16)), .init("DIGEST"), .init("SIZE", .right)]
                + (withStore ? [.init("STORE", cut: .middle(least: 8), yieldsFirst: true)] : [])
                + [.init("PUSHED TO", cut: .middle(least: 16))])
        for image in images {
            var cells = [
                Line(image.name), Line(shortDigest(image.digest)), Line(image.size.map(formatBytes) ?? "not whole"),
            ]
            if withStore { cells.append(Line(image.store)) }
            let places = Self.places(of: image)
            for place in places.isEmpty ? [Line()] : places {
                table.rows.append(cells + [place])
                cells = cells.map { _ in Line() }
            }
        }
        return table
    }

    /// Each destination once: those of the image's own name first, the newest first; then how many there are besides.
    static func places(of image: LocalImageInfo) -> [Line] {
        var seen: Set<String> = []
        let pushed = image.pushed.sorted { ($1.at.milliseconds, $1.job) < ($0.at.milliseconds, $0.job) }
            .filter { seen.insert($0.destination).inserted }
        let names = Set(image.names + [image.name])
        func isOwn(_ push: PublicationInfo) -> Bool {
            names.contains { push.destination == $0 || push.destination.hasSuffix("/" + $0) }
        }
        let sorted = pushed.filter(isOwn) + pushed.filter { !isOwn($0) }
        var lines = sorted.prefix(destinations).map { push in
            // A later build under the same name is not what the registry has.
            Line(push.destination + (push.digest == image.digest ? "" : " (an older one)"))
        }
        if sorted.count > destinations { lines.append(Line("and \(sorted.count - destinations) more", .dim)) }
        return lines
    }
}
