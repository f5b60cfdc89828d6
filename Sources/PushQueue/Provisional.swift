public import OCI

extension JobStore {
    nonisolated func provisional<R>(_: R.Type = R.self) async throws(QueueError) -> R {
        throw QueueError(attempt: "do this", path: path, cause: .sqlite(code: 0, message: "not built yet"))
    }
    public nonisolated func changes(keeping limit: Int = 65_536) -> AsyncStream<JobChanges> {
        AsyncStream { $0.finish() }
    }
    public nonisolated func accept(_ jobs: [NewJob], now: Int64) async throws(QueueError) -> [Accepted] {
        try await provisional()
    }
    public nonisolated func accept(_ jobs: [NewJob], handled: Handled, now: Int64) async throws(QueueError)
        -> [Accepted]
    { try await provisional() }
    public nonisolated func claim(excludingRegistries: Set<String>, now: Int64) async throws(QueueError) -> Claim? {
        try await provisional()
    }
    public nonisolated func nextDue(excludingRegistries: Set<String>) async throws(QueueError) -> Int64? {
        try await provisional()
    }
    public nonisolated func nextExpiry() async throws(QueueError) -> Int64? { try await provisional() }
    public nonisolated func succeed(_ claim: Claim, verified: String?, now: Int64) async throws(QueueError) {
        try await provisional(Void.self)
    }
    public nonisolated func fail(_ claim: Claim, error: JobError, now: Int64) async throws(QueueError) {
        try await provisional(Void.self)
    }
    public nonisolated func retryLater(_ claim: Claim, at: Int64, error: JobError?, madeProgress: Bool, now: Int64)
        async throws(QueueError)
    { try await provisional(Void.self) }
    public nonisolated func block(_ claim: Claim, error: JobError, now: Int64) async throws(QueueError) {
        try await provisional(Void.self)
    }
    public nonisolated func unblock(registry: String, now: Int64) async throws(QueueError) -> [JobID] {
        try await provisional()
    }
    /// Returns the state each job had before; a job that was `running` must be stopped by the caller. Ended jobs are unchanged (their state is returned), unknown ids absent.
    public nonisolated func cancel(_ ids: [JobID], now: Int64) async throws(QueueError) -> [JobID: JobState] {
        try await provisional()
    }
    public nonisolated func retry(_ ids: [JobID]?, now: Int64) async throws(QueueError) -> [JobID] {
        try await provisional()
    }
    public nonisolated func recover(now: Int64) async throws(QueueError) -> Int { try await provisional() }
    public nonisolated func expire(now: Int64) async throws(QueueError) -> [JobID] { try await provisional() }
    public nonisolated func setOutcome(
        _ claim: Claim, digest: Digest, outcome: BlobOutcome, detail: String?, bytesSent: Int64
    ) async throws(QueueError) { try await provisional(Void.self) }
    public nonisolated func job(_ id: JobID) async throws(QueueError) -> Job? { try await provisional() }
    public nonisolated func blobs(of id: JobID) async throws(QueueError) -> [JobBlobState] { try await provisional() }
    public nonisolated func attempts(of id: JobID) async throws(QueueError) -> [Attempt] { try await provisional() }
    public nonisolated func jobs(_ filter: JobFilter) async throws(QueueError) -> [Job] { try await provisional() }
    public nonisolated func counts() async throws(QueueError) -> [JobState: Int] { try await provisional() }
    public nonisolated func prune(now: Int64, olderThan: Int64, keep: Int, batch: Int) async throws(QueueError) -> Int {
        try await provisional()
    }
    public nonisolated func neededDigests(among: [Digest]) async throws(QueueError) -> Set<Digest> {
        try await provisional()
    }
    public nonisolated func allNeededDigests() async throws(QueueError) -> Set<Digest> { try await provisional() }

    public nonisolated func remember(_ digest: Digest, registry: String, repository: String, now: Int64)
        async throws(QueueError)
    { try await provisional(Void.self) }
    public nonisolated func remember(_ digests: [Digest], registry: String, repository: String, now: Int64)
        async throws(QueueError)
    { try await provisional(Void.self) }
    /// nil forgets everything in the repository.
    public nonisolated func forget(_ digest: Digest?, registry: String, repository: String) async throws(QueueError) {
        try await provisional(Void.self)
    }
    public nonisolated func knows(_ digest: Digest, registry: String, repository: String, since: Int64)
        async throws(QueueError) -> Bool
    { try await provisional() }
    public nonisolated func known(among digests: [Digest], registry: String, repository: String, since: Int64)
        async throws(QueueError) -> Set<Digest>
    { try await provisional() }
    public nonisolated func repositories(holding digest: Digest, registry: String, since: Int64, limit: Int)
        async throws(QueueError) -> [String]
    { try await provisional() }
    public nonisolated func pruneLedger(now: Int64, olderThan: Int64, keep: Int, batch: Int) async throws(QueueError)
        -> Int
    { try await provisional() }
    public nonisolated func rememberMountRefused(registry: String, source: String, now: Int64) async throws(QueueError)
    { try await provisional(Void.self) }
    public nonisolated func mountRefused(registry: String, source: String, since: Int64) async throws(QueueError)
        -> Bool
    { try await provisional() }

    public nonisolated func saveUpload(_ upload: StoredUpload) async throws(QueueError) {
        try await provisional(Void.self)
    }
    public nonisolated func upload(registry: String, repository: String, digest: Digest) async throws(QueueError)
        -> StoredUpload?
    { try await provisional() }
    public nonisolated func removeUpload(registry: String, repository: String, digest: Digest) async throws(QueueError)
    { try await provisional(Void.self) }
    public nonisolated func staleUploads(olderThan: Int64, limit: Int = 100) async throws(QueueError) -> [StoredUpload]
    { try await provisional() }

    public nonisolated func fact(registry: String, name: String) async throws(QueueError) -> LearnedFact? {
        try await provisional()
    }
    public nonisolated func setFact(registry: String, name: String, value: String, now: Int64) async throws(QueueError)
    { try await provisional(Void.self) }
    public nonisolated func facts(registry: String) async throws(QueueError) -> [LearnedFact] {
        try await provisional()
    }

    public nonisolated func handled(store: String, name: String) async throws(QueueError) -> Digest? {
        try await provisional()
    }
    public nonisolated func handled(store: String) async throws(QueueError) -> [String: Digest] {
        try await provisional()
    }
    public nonisolated func setHandled(_ handled: Handled, now: Int64) async throws(QueueError) {
        try await provisional(Void.self)
    }
    public nonisolated func forgetHandled(store: String, name: String) async throws(QueueError) {
        try await provisional(Void.self)
    }
}
