internal import Control

/// What is known of the jobs that are followed: the model behind live lines, plain lines and the exit status.
struct PushProgress: Sendable, Equatable {
    struct Job: Sendable, Equatable {
        var info: JobInfo
        /// Of what goes over the wire, for the whole job and by the digest of each blob.
        fileprivate(set) var meter = SpeedMeter(inertia: 4)
        fileprivate(set) var meters: [String: SpeedMeter] = [:]
        /// The limit of bandwidth that its uploads keep to, in bytes a second.
        fileprivate(set) var limit: Double?

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
            info.state == "running" ? meters[blob.digest]?.speed(at: now).map(withinLimit) : nil
        }

        func speed(at now: Int64) -> Double? {
            info.state == "running" ? meter.speed(at: now).map(withinLimit) : nil
        }

        /// What is measured over moments may be a little more than what is sent over seconds.
        private func withinLimit(_ speed: Double) -> Double { min(speed, limit ?? speed) }

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

        /// What is under way never falls back, also where a new daemon begins to count anew.
        fileprivate mutating func keepWhatWasShown(_ before: [BlobInfo]) {
            guard !info.hasEnded, let blobs = info.blobs else { return }
            let shown = Dictionary(before.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
            info.blobs = blobs.map { blob in
                guard blob.outcome == "pending", let old = shown[blob.digest], old.outcome == "pending" else {
                    return blob
                }
                var blob = blob
                blob.bytesDone = max(blob.bytesDone, old.bytesDone)
                return blob
            }
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
        jobs[place].keepWhatWasShown(blobs ?? [])
    }

    /// Takes in the limits of bandwidth that are in force.
    mutating func setLimits(_ limits: [LimitInfo]) {
        for place in jobs.indices {
            let registry = jobs[place].info.registry
            let own = limits.filter { $0.registry == nil || $0.registry == registry }.compactMap(\.bytesPerSecond)
            jobs[place].limit = own.min().map(Double.init)
        }
    }

    /// Nothing more is to be expected without a person: every job has ended or is blocked.
    var isOver: Bool { jobs.allSatisfy { $0.info.hasEnded || $0.info.state == "blocked" } }
}

extension BlobInfo {
    /// Whether bytes are on their way, as far as a reader can tell.
    var isActive: Bool { outcome == "pending" && bytesDone > 0 }
}
