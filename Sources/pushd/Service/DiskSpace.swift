import Glibc
import OCI

/// The room on the file system of the state directory, without which nothing is accepted.
struct DiskSpace: Sendable, Equatable {
    /// Bytes that the daemon may still use, and all that there are.
    let free: UInt64
    let total: UInt64

    /// Below it the disk counts as full: the queue's log needs some room itself. Of a small one a twentieth.
    var least: UInt64 { min(64 << 20, total / 20) }

    var isLow: Bool { free < least }

    init(free: UInt64, total: UInt64) {
        self.free = free
        self.total = total
    }

    /// - Returns: nil where the system does not tell.
    init?(of directory: String) {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return nil }
        let (free, isTooMuch) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        let (total, isMore) = UInt64(status.f_blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        self.init(free: isTooMuch ? .max : free, total: isMore ? .max : total)
    }

    /// What `status` says of it; nil while there is room.
    func warning(of directory: String) -> String? {
        guard isLow else { return nil }
        return "the disk of \(directory) is \(free == 0 ? "full" : "nearly full: \(free / 1_000_000) MB are free")"
    }
}

extension DiskSpace {
    /// Asks the file system on a thread that may block: it may be a remote one.
    static func look(at directory: String) async -> DiskSpace? { await DiskDesk.shared.space(of: directory) }
}

private actor DiskDesk {
    static let shared = DiskDesk()

    private let executor = BlockingExecutor(label: "pushd.disk")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func space(of directory: String) -> DiskSpace? { DiskSpace(of: directory) }
}

/// Tells of a disk that becomes full, and of room on it again, each once.
struct DiskWatch: Sendable {
    enum News: Sendable, Equatable {
        case low, enough
    }

    private var wasLow = false

    /// Twice what is needed ends an alarm: near the bound it would come and go.
    mutating func look(_ space: DiskSpace) -> News? {
        if !wasLow, space.isLow {
            wasLow = true
            return .low
        }
        if wasLow, space.free >= 2 * space.least {
            wasLow = false
            return .enough
        }
        return nil
    }
}
