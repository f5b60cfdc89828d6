internal import OCI

/// Which digests can't be removed at the moment. Pure: the spool asks, under its lock.
///
/// Freeing takes three steps with a wait in the middle: mark, ask the queue, remove what is still marked and not held.
/// A push holds its digests until it has been committed, and then takes every mark off them: a release that
/// asked the queue before the commit finds its mark gone.
struct SpoolHolds {
    private var holders: [Digest: Int] = [:]
    private var writers: [Digest: Int] = [:]
    private var marks: [Digest: Set<UInt64>] = [:]
    private var lastTicket: UInt64 = 0

    mutating func begin(_ digests: [Digest]) {
        for digest in digests { holders[digest, default: 0] += 1 }
    }

    mutating func end(_ digests: [Digest]) {
        for digest in digests {
            Self.drop(digest, from: &holders)
            marks[digest] = nil
        }
    }

    /// Whether what lies under these names is known to be on the disk, names included.
    func areSettled(_ digests: [Digest]) -> Bool { digests.allSatisfy { writers[$0] == nil } }

    mutating func beginWriting(_ digests: [Digest]) { for digest in digests { writers[digest, default: 0] += 1 } }

    mutating func endWriting(_ digests: [Digest]) { for digest in digests { Self.drop(digest, from: &writers) } }

    /// - Returns: the number by which these marks are known.
    mutating func mark(_ digests: [Digest]) -> UInt64 {
        lastTicket += 1
        for digest in digests { marks[digest, default: []].insert(lastTicket) }
        return lastTicket
    }

    mutating func unmark(_ digests: [Digest], _ ticket: UInt64) {
        for digest in digests {
            marks[digest]?.remove(ticket)
            if marks[digest]?.isEmpty == true { marks[digest] = nil }
        }
    }

    func mayRemove(_ digest: Digest, _ ticket: UInt64) -> Bool {
        holders[digest] == nil && marks[digest]?.contains(ticket) == true
    }

    private static func drop(_ digest: Digest, from counts: inout [Digest: Int]) {
        guard let count = counts[digest] else { return }
        counts[digest] = count > 1 ? count - 1 : nil
    }
}
