import OCI
import Registry

/// Goes through all manifests that one in a registry leads to, and collects the blobs that they name.
///
/// The registry may have made them up: each manifest is read once, few at a time, and let go of as soon as its blobs are
/// noted, of which there is a limit.
struct RemoteWalk: Sendable {
    let client: RegistryClient
    let repository: String

    var limits = Limits()

    struct Limits: Sendable {
        /// Manifests that are read at once: each may have as many bytes as registries take.
        var window = 4
        var manifests = 1000
        var blobs = 50_000
        /// Of indexes in indexes.
        var levels = 8
    }

    private struct Child: Sendable {
        let descriptor: Descriptor
        let depth: Int
    }

    private struct State {
        var children: [Child] = []
        var visited: Set<Digest>
        var blobs: [Verifier.Blob] = []
        var known: Set<Digest> = []
        /// With the place of what they are about among all children.
        var problems: [(place: Int, VerificationReport.Problem)] = []
        /// Whether it was said that there is more than is looked at.
        var isCut = false
    }

    /// - Returns: the blobs, each once.
    func walk(from root: RemoteManifest, into report: inout VerificationReport) async throws -> [Verifier.Blob] {
        var state = State(visited: [root.digest])
        note(root, depth: 0, place: -1, &state)
        try await withThrowingTaskGroup(of: (place: Int, RemoteManifest?).self) { group in
            var (next, running) = (0, 0)
            while next < state.children.count || running > 0 {
                while running < limits.window, next < state.children.count {
                    let (child, place) = (state.children[next].descriptor, next)
                    next += 1
                    // A manifest above the size that registries take is not read.
                    guard child.size <= Int64(ManifestDocument.maximumSize) else {
                        let text = "\(child.digest) is said to have \(child.size) bytes, more than a manifest may have"
                        state.problems.append((place, problem(.unreadable, child.digest, text)))
                        continue
                    }
                    running += 1
                    group.addTask { (place, try await client.manifest(repository, .digest(child.digest))) }
                }
                guard let (place, found) = try await group.next() else { break }
                running -= 1
                arrived(found, place: place, &state)
            }
        }
        report.problems += state.problems.sorted { $0.place < $1.place }.map(\.1)
        return state.blobs
    }

    private func arrived(_ found: RemoteManifest?, place: Int, _ state: inout State) {
        let child = state.children[place]
        let descriptor = child.descriptor
        guard let found else {
            let platform = descriptor.platform.map { " (\($0))" } ?? ""
            let text = "child manifest \(descriptor.digest)\(platform) is missing"
            state.problems.append((place, problem(.missingManifest, descriptor.digest, text)))
            return
        }
        if Int64(found.bytes.count) != descriptor.size {
            let text = "\(descriptor.digest) has \(found.bytes.count) bytes, not \(descriptor.size)"
            state.problems.append((place, problem(.sizeDiffers, descriptor.digest, text)))
        }
        note(found, depth: child.depth, place: place, &state)
    }

    /// Takes over what a manifest names.
    private func note(_ manifest: RemoteManifest, depth: Int, place: Int, _ state: inout State) {
        let document: ManifestDocument
        do {
            document = try ManifestDocument(parsing: manifest.bytes, declared: manifest.mediaType)
        } catch {
            state.problems.append((place, problem(.unreadable, manifest.digest, error.description)))
            return
        }
        switch document {
        case .manifest(let image):
            for blob in [image.config] + image.layers where !blob.isHadElsewhere {
                guard state.known.insert(blob.digest).inserted else { continue }
                guard state.blobs.count < limits.blobs else { return cut("\(limits.blobs) blobs", place, &state) }
                state.blobs.append((blob.digest, blob.size))
            }
        case .index(let index):
            guard depth < limits.levels else {
                state.problems.append((place, problem(.unreadable, manifest.digest, "indexes are nested too deeply")))
                return
            }
            for child in index.manifests where state.visited.insert(child.digest).inserted {
                guard state.children.count < limits.manifests else {
                    return cut("\(limits.manifests) manifests", place, &state)
                }
                state.children.append(Child(descriptor: child, depth: depth + 1))
            }
        }
    }

    private func cut(_ limit: String, _ place: Int, _ state: inout State) {
        guard !state.isCut else { return }
        state.isCut = true
        state.problems.append(
            (place, problem(.unreadable, nil, "it names more than \(limit): the others were not looked at")))
    }

    private func problem(
        _ kind: VerificationReport.Problem.Kind, _ digest: Digest?, _ message: String
    ) -> VerificationReport.Problem {
        VerificationReport.Problem(kind: kind, digest: digest, message: message)
    }
}
