/// Whether the machine's network has become another: from what the kernel tells of its links, addresses and routes.
///
/// The kernel reports one change in many messages, and on a machine with containers they never end: a burst counts
/// once, when it has settled, and the next burst counts some seconds later at the earliest.
///
/// Pure: times are milliseconds of a clock that is never set.
struct NetworkNews: Sendable {
    private var first: Int64?
    private var latest: Int64?
    private var told: Int64?

    /// No message for so long: it has settled.
    private static let settled: Int64 = 200
    /// Reported after this time even if messages keep coming.
    private static let patience: Int64 = 1000
    /// Between two reports.
    private static let distance: Int64 = 5000

    /// When the change is to be reported; nil: there is none.
    var due: Int64? {
        guard let first, let latest else { return nil }
        let settled = min(latest + Self.settled, first + Self.patience)
        return max(settled, told.map { $0 + Self.distance } ?? settled)
    }

    /// Something came that may open a way.
    mutating func heard(now: Int64) {
        first = first ?? now
        latest = now
    }

    /// - Returns: whether the change is to be reported now; true once for each change.
    mutating func take(now: Int64) -> Bool {
        guard let due, now >= due else { return false }
        (first, latest, told) = (nil, nil, now)
        return true
    }
}

extension NetworkNews {
    /// Whether one of the kernel's messages may mean that there is a way again: a link that runs, an address, a route.
    ///
    /// - Parameter bytes: a datagram; what can't be read says nothing.
    ///
    /// Source: netlink(7), rtnetlink(7): a header of 16 bytes (length and type first), messages aligned to 4 bytes;
    /// of a link the flags follow after 8 more.
    static func opensWay(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place + 16 <= bytes.count {
            let length = Int(bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
            guard length >= 16, length <= bytes.count - place else { return false }
            switch bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt16.self) {
            case newAddress, newRoute: return true
            case newLink where length >= 28:
                let flags = bytes.loadUnaligned(fromByteOffset: place + 24, as: UInt32.self)
                if flags & isRunning == isRunning { return true }
            default: break
            }
            place += (length + 3) & ~3
        }
        return false
    }

    private static let newLink: UInt16 = 16
    private static let newAddress: UInt16 = 20
    private static let newRoute: UInt16 = 24
    /// IFF_UP and IFF_RUNNING.
    private static let isRunning: UInt32 = 0x1 | 0x40
}
