import ImageStore
public import OCI
public import PushQueue
import Registry
import Synchronization

/// What a verification found in the registry.
public struct VerificationReport: Sendable {
    public struct Problem: Sendable, Equatable {
        public enum Kind: String, Sendable {
            case missingManifest, missingBlob, digestDiffers, sizeDiffers, contentDiffers, unreadable
        }

        public let kind: Kind
        public let digest: Digest?
        public let message: String
    }

    public let reference: ImageReference
    /// The digest under the reference in the registry; nil where no manifest can be read there.
    public var digest: Digest?
    public let level: VerifyLevel
    public var problems: [Problem] = []
    /// Distinct blobs looked at, and their bytes.
    public var blobs = 0
    public var bytes: Int64 = 0

    public var isVerified: Bool { problems.isEmpty }
}

/// Proves that a registry holds exactly what was meant: the tag's digest, all children, every blob's presence and size,
/// and at the deepest level every byte.
struct Verifier: Sendable {
    let client: RegistryClient
    let repository: String
    /// How long something may stay invisible after a push before that is an error.
    let grace: Duration
    let sleep: @Sendable (Duration) async throws -> Void
    /// See ``RegistryFacts/writeTurns``: what was pushed is read while no other job writes it. Nil: nothing was pushed.
    var turns: Slots<String>?

    /// Looks for manifests that were put just now, with patience, before an index that names them is put.
    func verifyChildren(
        _ children: some Sequence<ManifestNode>, _ destination: ImageReference, level: VerifyLevel
    ) async throws -> VerificationReport {
        var report = VerificationReport(reference: destination, level: level)
        for node in children {
            let digest = node.descriptor.digest
            if try await patiently({ try await head(.digest(digest), inTurnOf: digest) }) == nil {
                report.problems.append(missing(.missingManifest, digest, "child manifest \(digest) is missing"))
            }
        }
        return report
    }

    /// Checks what was pushed just now against what was meant, with patience: registries show a new tag late.
    ///
    /// - Parameter children: whether to look for all that an index names, too.
    func verifyPushed(
        _ contents: ImageContents, _ destination: ImageReference, level: VerifyLevel, children: Bool
    ) async throws -> VerificationReport {
        var report = VerificationReport(reference: destination, level: level)
        guard let root = contents.manifests.last else { throw PushFailure.blobGone(contents.root.digest) }
        let digest = root.descriptor.digest
        let reference = destination.tag.map { ManifestReference.tag($0) } ?? .digest(destination.digest ?? digest)
        let found = try await patiently {
            try await head(reference, inTurnOf: digest).flatMap { root.isNamed(by: $0.digest) ? $0 : nil }
        }
        if found == nil {
            let other = try await head(reference)
            report.digest = other?.digest
            report.problems.append(
                other == nil
                    ? missing(.missingManifest, digest, "the manifest cannot be read back")
                    : missing(.digestDiffers, other?.digest, "the tag holds \(other?.digest.description ?? "")"))
            return report
        }
        report.digest = digest
        if children {
            report.problems += try await verifyChildren(
                contents.manifests.dropLast(), destination, level: level
            ).problems
        }
        if level == .blobs || level == .deep {
            let blobs = contents.blobs.filter(\.isSent).map(\.descriptor)
            try await check(blobs.map { ($0.digest, $0.size) }, deep: level == .deep, into: &report)
        }
        return report
    }

    /// Checks an image in the registry by what it says of itself, and that it is one of `expected`, if there are any.
    ///
    /// - Returns: nil where the registry has nothing under the reference.
    func verify(
        _ reference: ImageReference, expectedAny expected: [Digest], level: VerifyLevel
    ) async throws -> VerificationReport? {
        var report = VerificationReport(reference: reference, level: level)
        let name = reference.digest.map { ManifestReference.digest($0) } ?? .tag(reference.tag ?? "latest")
        guard let root = try await client.manifest(repository, name) else { return nil }
        report.digest = root.digest
        if let first = expected.first, !expected.contains(where: { $0.isOf(root.bytes) }) {
            report.problems.append(
                missing(.digestDiffers, root.digest, "the registry has \(root.digest), expected \(first)"))
        }
        let blobs = try await RemoteWalk(client: client, repository: repository).walk(from: root, into: &report)
        if level == .blobs || level == .deep { try await check(blobs, deep: level == .deep, into: &report) }
        return report
    }

    typealias Blob = (digest: Digest, size: Int64)

    private func check(_ blobs: [Blob], deep: Bool, into report: inout VerificationReport) async throws {
        var seen: Set<Digest> = []
        let distinct = blobs.filter { seen.insert($0.digest).inserted }
        report.blobs = distinct.count
        report.bytes = distinct.lazy.map(\.size).saturatingSum
        let found = try await withThrowingTaskGroup(of: VerificationReport.Problem?.self) { group in
            var rest = distinct[...]
            var window = 0
            var problems: [VerificationReport.Problem] = []
            while !rest.isEmpty || window > 0 {
                while window < (deep ? 3 : 8), let blob = rest.popFirst() {
                    window += 1
                    group.addTask { try await problem(with: blob, deep: deep) }
                }
                if let problem = try await group.next() ?? nil { problems.append(problem) }
                window -= 1
            }
            return problems
        }
        report.problems += found.sorted { $0.message < $1.message }
    }

    private func problem(with blob: Blob, deep: Bool) async throws -> VerificationReport.Problem? {
        if deep {
            do {
                let digest = try await client.readBlob(repository, blob.digest, size: blob.size)
                guard digest != blob.digest else { return nil }
                return missing(.contentDiffers, blob.digest, "blob \(blob.digest) reads as \(digest)")
            } catch let error as RegistryError where error.isMissingContent || error.status == 404 {
                return missing(.missingBlob, blob.digest, "blob \(blob.digest) is missing")
            }
        }
        switch try await client.blobPresence(repository, blob.digest, size: blob.size) {
        case .present: return nil
        case .absent: return missing(.missingBlob, blob.digest, "blob \(blob.digest) is missing or has another size")
        case .unknown(let error): throw error
        }
    }

    private func head(_ reference: ManifestReference) async throws -> Descriptor? {
        try await client.manifestHead(repository, reference)
    }

    private func head(_ reference: ManifestReference, inTurnOf digest: Digest) async throws -> Descriptor? {
        guard let turns else { return try await head(reference) }
        return try await turns.withSlot(for: "\(repository)@\(digest)") { try await head(reference) }
    }

    private func missing(
        _ kind: VerificationReport.Problem.Kind, _ digest: Digest?, _ message: String
    ) -> VerificationReport.Problem {
        VerificationReport.Problem(kind: kind, digest: digest, message: message)
    }

    /// Asks at once, then after 1, 2, 4, 8, 15 and 30 s, as far as the grace goes. A failure that passes, such as 500
    /// where another client writes the same, is forgiven once.
    private func patiently<Value>(_ ask: () async throws -> Value?) async throws -> Value? {
        var waited = Duration.zero
        var failure: RegistryError?
        for wait: Duration in [.zero, .seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(15), .seconds(30)] {
            if waited + wait > grace { break }
            if wait > .zero { try await sleep(wait) }
            waited += wait
            do {
                if let value = try await ask() { return value }
                failure = nil
            } catch let error as RegistryError where error.disposition == .retry && failure == nil {
                failure = error
            }
        }
        if let failure { throw failure }
        return nil
    }
}
