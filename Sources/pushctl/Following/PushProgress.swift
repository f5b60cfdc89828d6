internal import Control

/// What is known of the jobs that are followed: the model behind live lines, plain lines and the exit status.
struct PushProgress: Sendable, Equatable {
    struct Job: Sendable, Equatable {
        var info: JobInfo
        /// Of what goes over the wire, for the whole job and by the digest of each blob.
        fileprivate(set) var meter = SpeedMeter(inertia: 4)
        fileprivate(set) var meters: [String: SpeedMeter] = [:]

        init(_ info: JobInfo) { self.info = info }

        /// What is shown as a line each.
        var layers: [BlobInfo] { (info.blobs ?? []).filter { $0.role == "layer" } }

        var bytesTotal: Int64 { (info.blobs ?? []).reduce(0) { $0 + $1.size } }

        /// Bytes that are where they should be, sent or not.
        var bytesDone: Int64 {
            (info.blobs ?? []).reduce(0) { $0 + ($1.outcome == "pending" ? min($1.bytesDone, $1.size) : $1.size) }
        }

        /// Bytes that this job sends; what turns out to be there already does not count as speed.
        fileprivate var bytesSent: Int64 {
            (info.blobs ?? []).reduce(0) { $0 + (["pending", "uploaded"].contains($1.outcome) ? $1.bytesDone : 0) }
        }

        func speed(of blob: BlobInfo, at now: Int64) -> Double? {
            info.state == "running" ? meters[blob.digest]?.speed(at: now) : nil
        }

        func speed(at now: Int64) -> Double? { info.state == "running" ? meter.speed(at: now) : nil }

        /// Seconds until all bytes are there at the present speed; nil where that can't be said.
        func secondsLeft(at now: Int64) -> Double? {
            guard let speed = speed(at: now), speed >= 1 else { return nil }
            return Double(bytesTotal - bytesDone) / speed
        }

        fileprivate mutating func measure(at now: Int64) {
            for blob in info.blobs ?? [] {
                meters[blob.digest, default: SpeedMeter(inertia: 2)].note(bytes: blob.bytesDone, at: now)
            }
            meter.note(bytes: bytesSent, at: now)
        }
    }

    private(set) var jobs: [Job]
    /// Set while the daemon can't be reached.
    var isConnectionLost = false

    init(_ jobs: [JobInfo]) { self.jobs = jobs.map(Job.init) }

    /// Takes in a newer state of a job. Its speeds go on from what was measured before.
    ///
    /// - Parameter now: milliseconds since 1970.
    mutating func update(_ info: JobInfo, at now: Int64) {
        guard let place = jobs.firstIndex(where: { $0.info.id == info.id }) else { return }
        let blobs = jobs[place].info.blobs
        jobs[place].info = info
        if info.blobs == nil { jobs[place].info.blobs = blobs }
        jobs[place].measure(at: now)
    }

    /// Nothing more is to be expected without a person: every job has ended or is blocked.
    var isOver: Bool { jobs.allSatisfy { $0.info.hasEnded || $0.info.state == "blocked" } }
}

extension BlobInfo {
    /// Whether bytes are on their way, as far as a reader can tell.
    var isActive: Bool { outcome == "pending" && bytesDone > 0 }
}
