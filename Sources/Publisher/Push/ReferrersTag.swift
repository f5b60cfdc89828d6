import ImageStore
import OCI
import PushQueue
import Registry

/// Enters a manifest into the referrers tag of its subject, at a registry without the referrers API.
///
/// The referrers tag is one image index that every client replaces, so it is pulled, extended, pushed and pulled again.
/// Jobs of this daemon take turns. Against other clients `If-Match` helps where the registry supports it; else the
/// second pull shows a lost entry, and every entry that was ever seen is pushed again.
///
/// Source: OCI distribution-spec 1.1, "Pushing Manifests with Subject".
struct ReferrersTag: Sendable {
    let registry: RegistryAccess
    let repository: String
    let sleep: @Sendable (Duration) async throws -> Void

    /// Returns when the referrers tag lists the manifest.
    ///
    /// - Throws: ``RegistryError``; ``PushFailure`` where the entry is lost each time; `CancellationError`.
    func list(_ node: ManifestNode, under subject: Digest) async throws {
        try await registry.facts.writeTurns.withSlot(for: "\(repository)@\(subject)") {
            try await enter(node, under: subject)
        }
    }

    private func enter(_ node: ManifestNode, under subject: Digest) async throws {
        var all = ReferrersIndex()
        var wasPut = false
        for round in 0...Self.rounds {
            // Some registries show a tag's new content only a moment later.
            if round > 1 { try await sleep(.seconds(1 << (round - 2))) }
            var found = try await registry.client.referrers(of: subject, in: repository)
            if round == 1, wasPut, found?.index.lists(node.descriptor.digest) != true {
                // The registry shows the new index late, or has lost it: a second look comes before a second PUT.
                try await sleep(.seconds(1))
                found = try await registry.client.referrers(of: subject, in: repository)
            }
            var isComplete = false
            if let found {
                // Whether all entries that were seen before are still listed.
                var seen = found.index
                isComplete = !seen.add(from: all) && found.index.lists(node.descriptor.digest)
                all = seen
            }
            if isComplete { return }
            if round == Self.rounds { break }
            try all.add(node.descriptor, bytes: node.bytes)
            do {
                let entityTag = round + 1 < Self.rounds ? found?.entityTag : nil
                try await registry.putManifest { [all] in
                    try await registry.client.putReferrers(all, of: subject, into: repository, replacing: entityTag)
                }
                wasPut = true
            } catch let error as RegistryError where error.status == 412 && round + 1 < Self.rounds {
                continue  // another client has replaced it, or the registry refuses If-Match
            }
        }
        throw PushFailure(
            error: JobError(
                code: "verification-failed",
                message:
                    "the referrers tag \(repository):\(ReferrersIndex.tag(of: subject)) at \(registry.name) does not keep "
                    + "the entry that was pushed",
                advice: "another client may push the same tag; pushd tries again"),
            disposition: .retry(after: nil))
    }

    /// How often the referrers tag is pushed at most.
    private static let rounds = 4
}
