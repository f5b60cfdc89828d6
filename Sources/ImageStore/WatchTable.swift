/// Which watches stand for which layouts.
///
/// A layout needs its own directory watched, for `index.json`, and the one above it, for the layout's coming and going.
/// Where that one is not there either, the nearest that is stands in, for the next name on the way.
struct WatchTable {
    /// What an event means for a layout.
    enum Meaning: Hashable {
        /// Its `index.json` came, went or was written.
        case written(String)
        /// Its directory, or one on the way to it, may be another than before.
        case moved(String)
    }

    /// Of each watched directory: the entries that matter, and for whom.
    private var interests: [Int32: [String: Set<Meaning>]] = [:]

    /// Watches what this layout needs, and drops what it needed before and no longer does.
    mutating func arm(_ layout: String, _ events: any DirectoryEvents) {
        let before = removeInterests(of: layout)
        // From above: what comes while this runs is seen from there, or found by the next step.
        var (directory, name) = Self.parent(of: layout)
        while true {
            if let watch = events.add(directory) {
                interests[watch, default: [:]][name, default: []].insert(.moved(layout))
                let next = directory == "/" ? "/" + name : directory + "/" + name
                if next == layout || events.add(next) == nil { break }
                // It came just now: nearer to the layout there is more to see.
                (directory, name) = Self.parent(of: layout)
                continue
            }
            guard directory != "/" else { break }
            (directory, name) = Self.parent(of: directory)
        }
        if let watch = events.add(layout) {
            interests[watch, default: [:]]["index.json", default: []].insert(.written(layout))
        }
        removeUnused(before, events)
    }

    /// The kernel has dropped the watch, or the directory is elsewhere now.
    ///
    /// - Returns: the layouts that need other watches.
    mutating func forget(_ watch: Int32, _ events: any DirectoryEvents) -> [String] {
        guard let lost = interests.removeValue(forKey: watch) else { return [] }
        events.remove(watch)
        return Set(lost.values.joined().map(\.layout)).sorted()
    }

    func meanings(ofEntry name: String, in watch: Int32) -> Set<Meaning> { interests[watch]?[name] ?? [] }

    private mutating func removeInterests(of layout: String) -> [Int32] {
        var touched: [Int32] = []
        for (watch, names) in interests where names.values.joined().contains(where: { $0.layout == layout }) {
            interests[watch] = names.compactMapValues { meanings in
                let rest = meanings.filter { $0.layout != layout }
                return rest.isEmpty ? nil : rest
            }
            touched.append(watch)
        }
        return touched
    }

    private mutating func removeUnused(_ watches: [Int32], _ events: any DirectoryEvents) {
        for watch in watches where interests[watch]?.isEmpty == true {
            interests[watch] = nil
            events.remove(watch)
        }
    }

    private static func parent(of path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("/", path) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }
}

extension WatchTable.Meaning {
    var layout: String {
        switch self {
        case .written(let layout), .moved(let layout): layout
        }
    }
}
