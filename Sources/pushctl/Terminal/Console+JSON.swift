internal import Control
internal import FoundationEssentials

extension Console {
    /// One JSON document on one line. Keys are in alphabetical order: the same data is the same text.
    func printJSON(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write(escapingControls(in: try encoder.encode(value)) + [0x0A])
    }

    /// The encoder escapes only the controls below U+0020. DEL and those from U+0080 to U+009F, which steer terminals
    /// too, can only stand inside strings, where an escape means the same.
    private func escapingControls(in json: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var isAfterC2 = false
        for byte in json {
            if isAfterC2, (0x80...0x9F).contains(byte) {
                result.removeLast()
                result += Array("\\u00\(hex(byte))".utf8)
            } else if byte == 0x7F {
                result += Array("\\u007f".utf8)
            } else {
                result.append(byte)
            }
            isAfterC2 = byte == 0xC2
        }
        return result
    }

    private func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}

/// `{"error":{"code":…,"message":…,"advice":…}}`: what a command prints under `--json` in place of its document.
struct ErrorDocument: Encodable {
    let error: JobErrorDocument

    init(_ failure: Failure) {
        error = JobErrorDocument(
            error: JobErrorInfo(code: failure.code, message: failure.message, advice: failure.advice))
    }
}

/// An error with every key of the contract; `advice` is null where there is none.
struct JobErrorDocument: Encodable {
    let error: JobErrorInfo

    private enum CodingKeys: String, CodingKey { case code, message, advice }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(error.code, forKey: .code)
        try values.encode(error.message, forKey: .message)
        try values.encode(error.advice, forKey: .advice)
    }
}

/// A job as scripts see it: every key of the contract is there, null where it says nothing.
struct JobDocument: Encodable {
    private let job: JobInfo

    init(_ job: JobInfo) { self.job = job }

    private enum CodingKeys: String, CodingKey {
        case id, state, image, source, digest, sourceDigest, format, leftOut, destination, origin, priority, verify,
            verified, attempts, createdAt,
            updatedAt, startedAt, endedAt, nextAttemptAt, error, waitsFor, supersededBy, bytesTotal, bytesUploaded,
            bytesMounted, bytesExisting, blobs, askedBy, hidden
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(job.id, forKey: .id)
        try values.encode(job.state, forKey: .state)
        try values.encode(job.image, forKey: .image)
        try values.encode(job.source, forKey: .source)
        try values.encode(job.digest, forKey: .digest)
        try values.encode(job.sourceDigest, forKey: .sourceDigest)
        try values.encode(job.format, forKey: .format)
        try values.encode(job.leftOut, forKey: .leftOut)
        try values.encode(job.destination, forKey: .destination)
        try values.encode(job.origin, forKey: .origin)
        try values.encode(job.priority, forKey: .priority)
        try values.encode(job.verify, forKey: .verify)
        try values.encode(job.verified, forKey: .verified)
        try values.encode(job.attempts, forKey: .attempts)
        try values.encode(job.createdAt, forKey: .createdAt)
        try values.encode(job.updatedAt, forKey: .updatedAt)
        try values.encode(job.startedAt, forKey: .startedAt)
        try values.encode(job.endedAt, forKey: .endedAt)
        try values.encode(job.nextAttemptAt, forKey: .nextAttemptAt)
        try values.encode(job.error.map(JobErrorDocument.init), forKey: .error)
        try values.encode(job.waitsFor, forKey: .waitsFor)
        try values.encode(job.supersededBy, forKey: .supersededBy)
        try values.encode(job.bytesTotal, forKey: .bytesTotal)
        try values.encode(job.bytesUploaded, forKey: .bytesUploaded)
        try values.encode(job.bytesMounted, forKey: .bytesMounted)
        try values.encode(job.bytesExisting, forKey: .bytesExisting)
        try values.encode(job.blobs ?? [], forKey: .blobs)
        try values.encode(job.askedBy.map(AskerDocument.init), forKey: .askedBy)
        try values.encode(job.hidden, forKey: .hidden)
    }
}

/// Who asked for a job, with every key of the contract.
private struct AskerDocument: Encodable {
    let asker: AskerInfo

    private enum CodingKeys: String, CodingKey { case uid, name, pid }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(asker.uid, forKey: .uid)
        try values.encode(asker.name, forKey: .name)
        try values.encode(asker.pid, forKey: .pid)
    }
}

/// One attempt with every key of the contract.
struct AttemptDocument: Encodable {
    let attempt: AttemptInfo

    private enum CodingKeys: String, CodingKey { case number, startedAt, endedAt, error, bytesSent }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(attempt.number, forKey: .number)
        try values.encode(attempt.startedAt, forKey: .startedAt)
        try values.encode(attempt.endedAt, forKey: .endedAt)
        try values.encode(attempt.error.map(JobErrorDocument.init), forKey: .error)
        try values.encode(attempt.bytesSent, forKey: .bytesSent)
    }
}

/// What a push was asked for and does not bring, with every key of the contract.
struct LeftOutImageDocument: Encodable {
    let item: LeftOutImage

    private enum CodingKeys: String, CodingKey { case image, reason, advice }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(item.image, forKey: .image)
        try values.encode(item.reason, forKey: .reason)
        try values.encode(item.advice, forKey: .advice)
    }
}

/// `{"jobs":[…]}`, and where jobs were named that it was not done to, `"left":[{"job":…,"error":{…}}]`.
struct JobsDocument: Encodable {
    let jobs: [JobDocument]
    let left: [LeftDocument]?

    init(_ jobs: [JobInfo], left: [LeftJob] = []) {
        self.jobs = jobs.map(JobDocument.init)
        self.left = left.isEmpty ? nil : left.map(LeftDocument.init)
    }
}

/// A job that was named and left as it is.
struct LeftDocument: Encodable {
    let job: Int
    let error: JobErrorDocument

    init(_ left: LeftJob) {
        job = left.job
        error = JobErrorDocument(error: left.error)
    }
}
