internal import HTTP
internal import OCI

/// Does what an ``UploadMachine`` decides, until it ends.
struct UploadRun {
    private let client: RegistryClient
    private let job: BlobUpload
    private let attempt: Attempt
    private var machine: UploadMachine
    private var reported: UploadSession?
    private var bytesSent: Int64 = 0
    /// As measured with the last body of some size; the start is a guess.
    private var bytesPerSecond = 1_000_000.0

    init(_ job: BlobUpload, client: RegistryClient) {
        self.client = client
        self.job = job
        attempt = client.attempt(
            .upload, "upload blob \(job.digest.shortened) to \(job.repository)", job.repository, job.digest)
        machine = UploadMachine(
            size: job.size, style: job.style, session: job.session,
            commitPatience: client.settings.commitPatience + Self.commitTime(job.size))
        reported = job.session
    }

    /// Large blobs take long to be hashed and moved on the other side: a second for each 20 MiB.
    private static func commitTime(_ size: Int64) -> Duration { .seconds(size / (20 << 20)) }

    private var courier: Courier { client.courier }
    private var scopes: [AccessScope] { [.push(job.repository)] }

    mutating func run() async throws -> BlobUploadResult {
        var action = machine.start()
        while true {
            await tell()
            switch action {
            case .startSession: action = machine.next(try await startSession())
            case .askStatus(let location): action = machine.next(try await askStatus(location))
            case .send(let body):
                // An empty closing request takes no time, and ends the matter.
                if job.isStopping(), !body.range.isEmpty { throw CancellationError() }
                action = machine.next(try await send(body), of: body)
            case .lookForBlob(let wait): action = machine.next(try await look(after: wait))
            case .checkLocalBlob: action = machine.next(.localBlob(isIntact: try await job.localBlobIsIntact()))
            case .finish(let found): return BlobUploadResult(wasFound: found, bytesSent: bytesSent)
            case .giveUp(let error):
                // A place that can't be gone to is none to go on from when the registry is mended.
                if case .leadsInside = error.cause { await job.sessionChanged(nil) }
                throw error
            }
        }
    }

    /// Reports what changed, before the next request: what is kept then is never newer than the registry's state.
    private mutating func tell() async {
        for fact in machine.learned { await job.learned(fact) }
        machine.learned = []
        let kept = machine.kept
        guard kept != reported else { return }
        reported = kept
        await job.sessionChanged(kept)
    }

    // MARK: - Requests

    private func startSession() async throws -> UploadMachine.Event {
        try await answer {
            let response = try await client.openUpload(job.repository, attempt)
            return .start(response, courier.endpoint, attempt.as(.startUpload))
        }
    }

    private func askStatus(_ location: HTTPURL) async throws -> UploadMachine.Event {
        try await answer {
            let call = Courier.Call(method: .get, url: location, scopes: scopes, attempt: attempt)
            let event = UploadMachine.Event.status(try await courier.ask(call), courier.endpoint, attempt)
            if case .held(let range, _) = event, let held = range.least { job.progress.reset(to: min(held, job.size)) }
            return event
        }
    }

    private mutating func send(_ body: UploadMachine.Body) async throws -> UploadMachine.Event {
        let length = body.range.upperBound - body.range.lowerBound
        let url = body.closes ? body.location.settingQuery("digest", job.digest.description) : body.location
        var call = Courier.Call(method: body.closes ? .put : .patch, url: url, scopes: scopes, attempt: attempt)
        if length > 0 {
            call.headers["Content-Type"] = "application/octet-stream"
            if !body.closes { call.headers["Content-Range"] = "\(body.range.lowerBound)-\(body.range.upperBound - 1)" }
            call.body = .file(FileRange(file: job.file, offset: body.range.lowerBound, length: length))
        }
        call.progress = job.progress
        call.lifeNeeded = .seconds(min(Double(length) / bytesPerSecond, 86_400))
        if body.closes { call.patience = Self.commitTime(job.size) }
        job.progress.reset(to: body.range.lowerBound)
        let start = ContinuousClock.now
        do {
            let response = try await courier.send(call)
            let isSentWhole = job.progress.bytesSent >= body.range.upperBound
            let event = UploadMachine.Event.body(
                response, of: body, isSentWhole: isSentWhole, job.digest, courier.endpoint, attempt)
            switch event {
            case .accepted, .stored: bytesSent += length
            default: bytesSent += max(0, min(job.progress.bytesSent - body.range.lowerBound, length))
            }
            let took = (ContinuousClock.now - start) / .seconds(1)
            if length >= 1 << 20, took > 0 { bytesPerSecond = max(Double(length) / took, 1_000) }
            return event
        } catch let error as HTTPError {
            bytesSent += min(error.bytesSent, length)
            return .noAnswer(error, to: body, attempt)
        } catch let error as RegistryError {
            return .failed(error)
        }
    }

    private func look(after wait: Duration) async throws -> UploadMachine.Event {
        if wait > .zero { try await client.sleep(wait) }
        do {
            switch try await client.blobPresence(job.repository, job.digest, size: job.size) {
            case .present: return .blobPresent
            case .absent, .unknown: return .blobAbsent
            }
        } catch let error as RegistryError {
            return .lookFailed(error)
        }
    }

    private func answer(_ body: () async throws -> UploadMachine.Event) async throws -> UploadMachine.Event {
        do { return try await body() } catch let error as RegistryError { return .failed(error) }
    }
}

extension Attempt {
    /// The same attempt, at another question of it.
    func `as`(_ operation: Operation) -> Attempt {
        Attempt(operation, text, at: registry, repository: repository, digest: digest)
    }
}
