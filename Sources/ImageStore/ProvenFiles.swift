internal import OCI

/// Which files of users were hashed, so that none is read twice while it stays as it is. Pure.
///
/// The change time of the inode is compared too: no program can set it, so a file that was written under an old
/// modification time is noticed.
struct ProvenFiles {
    private struct Place: Hashable {
        let device: UInt
        let inode: UInt
    }

    private struct Proof {
        let status: FileStatus
        let digest: Digest
    }

    /// Files remembered; then all are forgotten, and hashed again when they are pushed.
    static let maximumCount = 10_000

    private var proofs: [Place: Proof] = [:]

    func has(_ digest: Digest, _ status: FileStatus) -> Bool {
        guard let proof = proofs[Place(device: status.device, inode: status.inode)] else { return false }
        return proof.digest == digest && proof.status.isUntouched(since: status)
    }

    /// - Parameter status: as it was before and after the file was read.
    mutating func add(_ digest: Digest, _ status: FileStatus) {
        if proofs.count >= Self.maximumCount { proofs.removeAll() }
        proofs[Place(device: status.device, inode: status.inode)] = Proof(status: status, digest: digest)
    }
}

extension FileStatus {
    /// Whether neither content nor inode have changed.
    func isUntouched(since before: FileStatus) -> Bool { isSameContent(as: before) && changed == before.changed }
}
