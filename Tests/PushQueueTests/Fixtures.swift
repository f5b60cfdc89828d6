import OCI
import TestSupport

@testable import PushQueue

/// Runs `body` with a new queue in a directory of its own.
func withStore(_ body: (JobStore) async throws -> Void) async throws {
    try await TemporaryDirectory.with { directory in
        try await body(try JobStore(path: directory.file("queue.db")))
    }
}

extension Digest {
    /// A digest for each text.
    static func of(_ text: String) -> Digest { Digest(of: Array(text.utf8)) }
}

extension JobBlob {
    static func layer(_ name: String, size: Int64 = 1000, isSent: Bool = true) -> JobBlob {
        JobBlob(
            digest: .of(name), size: size, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", role: .layer,
            isSent: isSent)
    }
}

extension NewJob {
    /// A job for the image `image` (its name settles its digest) to `destination`.
    static func push(
        _ image: String = "app", to destination: String = "r1.example/team/app:1", layers: [JobBlob]? = nil,
        priority: Int = 0, verify: VerifyLevel = .manifest, force: Bool = false, expiresAt: Int64? = nil,
        origin: JobOrigin = .command, platforms: [String] = []
    ) throws -> NewJob {
        let root = JobBlob(digest: .of(image), size: 500, mediaType: MediaType.ociManifest.rawValue, role: .manifest)
        let config = JobBlob(
            digest: .of(image + "-config"), size: 100, mediaType: MediaType.ociConfig.rawValue, role: .config)
        return NewJob(
            image: image, source: "oci:/srv/images",
            root: Descriptor(mediaType: .ociManifest, digest: .of(image), size: 500),
            destination: try ImageReference(parsing: destination),
            blobs: [config] + (layers ?? [.layer(image + "-layer"), .layer("base", size: 2000)]) + [root],
            verify: verify, force: force, priority: priority, expiresAt: expiresAt, origin: origin,
            platforms: platforms)
    }
}

extension JobError {
    static let outage = JobError(code: "registry-unreachable", message: "connection refused")
    static let loginMissing = JobError(code: "login-missing", message: "no login", advice: "pushctl login r1.example")
}

extension JobStore {
    /// Accepts one job and returns its number.
    func accept(one new: NewJob, now: Int64 = 0) async throws -> JobID {
        try await accept([new], now: now)[0].id
    }

    /// Claims the next job, whatever its registry.
    func claim(at now: Int64) async throws -> Claim? { try await claim(excludingRegistries: [], now: now) }

    func state(_ id: JobID) async throws -> JobState? { try await job(id)?.state }
}

/// Runs `body` with the path of a database file that is not there yet.
func withFile(_ body: (String) async throws -> Void) async throws {
    try await TemporaryDirectory.with { try await body($0.file("queue.db")) }
}
