internal import Glibc
public import OCI
internal import Synchronization

/// Keeps the content of accepted pushes, also if the store that it came from changes or is deleted.
///
/// Manifests and configurations are copied and hashed again. Layers share their blocks where the file system can
/// (reflink), else they are hard-linked: neither costs time or space, and `rm -rf` of the layout harms nothing. A hard
/// link shares the file itself: a tool that rewrites a layer *in place* changes the kept one too. So what the file was
/// like is remembered; where it was written since, it is hashed before it is sent, and if it is not the layer any more
/// the store is looked at again, see ``fileToSend(_:from:)``. What keeps its times shows when the registry finds another
/// digest: ``isIntact(_:_:)`` of the source tells that damage apart from damage on the way.
///
/// A name in the spool means that the content is whole and on the disk: data is synced before it gets its name.
public final class Spool: ContentSource, BlobOpening {
    /// Absolute, without a trailing slash.
    public let directory: String
    public var label: String { "spool:" + directory }

    let policy: PinPolicy
    let blobs: BlobFiles
    /// Open for the spool's life: the fast path is one `fstatat` a blob.
    private let folders: [Digest.Algorithm: SpoolFolder]
    let incoming: SpoolFolder
    private let holds = Mutex(SpoolHolds())
    /// The status of hard-linked layers when they were kept or hashed last; nil: to be hashed before it is sent. After a
    /// restart it is empty: a change before that is only noticed by the registry.
    let known = Mutex<[Digest: FileStatus?]>([:])
    /// What users have handed in and was hashed.
    let proven = Mutex(ProvenFiles())
    /// Devices whose files share no blocks with the spool's.
    let separate = Mutex<Set<UInt>>([])
    /// Called with each file and directory that was synced; for tests.
    let synced: @Sendable (String) -> Void

    /// Opens or makes the spool, and clears away what a crash left half-written. Blocks for some milliseconds.
    ///
    /// - Parameters:
    ///   - directory: absolute; all but the last two of its directories exist.
    ///   - policy: for layers that cannot be hard-linked.
    /// - Throws: ``ImageStoreError``: `noSpace`, `system`, `unsafePath`.
    public convenience init(directory: String, acrossFileSystems policy: PinPolicy) throws {
        try self.init(directory: directory, acrossFileSystems: policy, synced: { _ in })
    }

    /// - Parameter synced: called after each wait for the disk, with what it now has.
    init(directory: String, acrossFileSystems policy: PinPolicy, synced: @escaping @Sendable (String) -> Void) throws {
        self.directory = ImageName.tidied(directory)
        self.policy = policy
        self.synced = synced
        blobs = BlobFiles(trusted: self.directory, inner: ["blobs"], followsLinks: false)
        let above = try SpoolFolder(making: Self.parent(of: self.directory))
        let top = try SpoolFolder(making: self.directory)
        let blobFolder = try SpoolFolder(making: self.directory + "/blobs")
        incoming = try SpoolFolder(making: self.directory + "/incoming")
        var folders: [Digest.Algorithm: SpoolFolder] = [:]
        for algorithm in Digest.Algorithm.allCases {
            folders[algorithm] = try SpoolFolder(making: "\(self.directory)/blobs/\(algorithm.rawValue)")
        }
        self.folders = folders
        for name in try incoming.names() { incoming.remove(name) }
        for folder in [blobFolder, incoming, top, above] + folders.values {
            try folder.sync()
            synced(folder.path)
        }
    }

    private static func parent(of directory: String) -> String {
        "/" + directory.split(separator: "/").dropLast().joined(separator: "/")
    }

    func folder(for digest: Digest) -> SpoolFolder {
        guard let folder = folders[digest.algorithm] else { preconditionFailure("made for every algorithm") }
        return folder
    }

    public func file(for digest: Digest) -> String? { blobs.file(for: digest) }

    func openBlob(_ content: Descriptor) throws(ImageStoreError) -> OpenFile? { try blobs.openBlob(content) }

    // MARK: Keeping

    /// Keeps the image's content, durably, while `body` runs and until it is released.
    ///
    /// `body` is where the job is committed, on the caller's own actor: until it has returned, nothing of the image can be
    /// released, also by a release that had asked before the commit which digests are needed.
    ///
    /// - Returns: what `body` returns; it is given the digests that the spool now has. Layers that had to stay in place
    ///   are not among them.
    /// - Throws: what `body` throws; ``ImageStoreError``: `blobsMissing`, `blobSizes`, `digestMismatch`, `cannotLink`,
    ///   `noSpace`, `unsafePath`, `system`; `CancellationError`.
    public func withPinned<Result>(
        _ contents: ImageContents, from source: any ContentSource, isolation: isolated (any Actor)? = #isolation,
        _ body: (Set<Digest>) async throws -> Result
    ) async throws -> Result {
        let digests =
            contents.manifests.map(\.descriptor.digest) + contents.blobs.filter(\.isSent).map(\.descriptor.digest)
        holds.withLock { $0.begin(digests) }
        defer { holds.withLock { $0.end(digests) } }
        let pinned = try await pinHeld(contents, digests, from: source)
        return try await body(pinned)
    }

    /// Keeps the image's content, durably; idempotent. See ``withPinned(_:from:_:)`` for what the caller then commits.
    ///
    /// - Returns: the digests that the spool now has.
    @discardableResult
    public func pin(_ contents: ImageContents, from source: any ContentSource) async throws -> Set<Digest> {
        try await withPinned(contents, from: source) { $0 }
    }

    private func pinHeld(
        _ contents: ImageContents, _ digests: [Digest], from source: any ContentSource
    ) async throws -> Set<Digest> {
        let isSettled = holds.withLock { $0.areSettled(digests) }
        // That the spool has a blob says nothing of what a user hands in under its name.
        if isSettled, !source.mustBeHashed, await FileWork.run(.quick, { _ in self.hasAll(of: contents) }) {
            return Set(digests)
        }
        holds.withLock { $0.beginWriting(digests) }
        defer { holds.withLock { $0.endWriting(digests) } }
        return try await FileWork.run(source.mustBeHashed ? .ofUser : policy == .copy ? .long : .quick) { flag in
            try self.keepAll(of: contents, from: source, flag)
        }
    }

    /// Runs `body` while these can be neither freed nor taken as settled by a push.
    func whileWriting<Result>(_ digests: [Digest], _ body: () async throws -> Result) async rethrows -> Result {
        holds.withLock {
            $0.begin(digests)
            $0.beginWriting(digests)
        }
        defer {
            holds.withLock {
                $0.endWriting(digests)
                $0.end(digests)
            }
        }
        return try await body()
    }

    private func hasAll(of contents: ImageContents) -> Bool {
        contents.manifests.allSatisfy { has($0.descriptor) }
            && contents.blobs.allSatisfy { !$0.isSent || has($0.descriptor) }
    }

    func has(_ content: Descriptor) -> Bool {
        guard let status = folder(for: content.digest).status(of: content.digest.hex) else { return false }
        return status.isRegular && status.size == content.size
    }

    private func keepAll(
        of contents: ImageContents, from source: any ContentSource, _ flag: CancelFlag
    ) throws -> Set<Digest> {
        var pinned: Set<Digest> = []
        for manifest in contents.manifests {
            if !has(manifest.descriptor) { try store(manifest.bytes, as: manifest.descriptor.digest) }
            pinned.insert(manifest.descriptor.digest)
        }
        for blob in contents.blobs where blob.isSent {
            try flag.check()
            if source.mustBeHashed {
                try keepProven(blob, from: source, flag)
            } else if try !has(blob.descriptor) && !keep(blob, from: source, flag) {
                continue  // it has to stay where it is
            }
            pinned.insert(blob.descriptor.digest)
        }
        try syncFolders(of: pinned)
        return pinned
    }

    func syncFolders(of digests: some Sequence<Digest>) throws(ImageStoreError) {
        for algorithm in Set(digests.map(\.algorithm)) {
            guard let folder = folders[algorithm] else { continue }
            try folder.sync()
            synced(folder.path)
        }
    }

    /// Stores bytes that have no file, durably.
    ///
    /// - Throws: ``ImageStoreError``: `digestMismatch`, `noSpace`, `system`.
    public func add(bytes: [UInt8], digest: Digest) async throws {
        try await FileWork.run(.quick) { _ in
            let found = Digest(of: bytes, algorithm: digest.algorithm)
            guard found == digest else {
                throw ImageStoreError(.digestMismatch(expected: digest, found: found), subject: self.label)
            }
            try self.store(bytes, as: digest)
            try self.syncFolders(of: [digest])
        }
    }

    // MARK: Freeing

    /// Frees what no job needs any more.
    ///
    /// - Parameter stillNeeded: asked after the digests were marked: what is pinned from then on is not freed,
    ///   even if the answer does not name it. So a push that arrives meanwhile loses nothing.
    /// - Returns: bytes freed on the disk.
    /// - Throws: what `stillNeeded` throws; then nothing is freed.
    @discardableResult
    public func release<Failure: Error>(
        _ digests: [Digest], isolation: isolated (any Actor)? = #isolation,
        stillNeeded: ([Digest]) async throws(Failure) -> Set<Digest>
    ) async throws(Failure) -> Int64 {
        let ticket = holds.withLock { $0.mark(digests) }
        defer { holds.withLock { $0.unmark(digests, ticket) } }
        let needed = try await stillNeeded(digests)
        return await remove(digests.filter { !needed.contains($0) }, ticket)
    }

    /// Frees these, unless a push is just pinning them.
    @discardableResult
    public func release(_ digests: [Digest]) async -> Int64 { await release(digests) { _ in [] } }

    private func remove(_ digests: [Digest], _ ticket: UInt64) async -> Int64 {
        await FileWork.run(.quick) { _ in
            // Under the lock: no push may pin between the look and the removal.
            digests.reduce(0) { freed, digest in
                freed
                    + self.holds.withLock { holds in
                        guard holds.mayRemove(digest, ticket) else { return 0 }
                        self.known.withLock { $0[digest] = nil }
                        return self.folder(for: digest).remove(digest.hex)
                    }
            }
        }
    }

    /// Frees everything but what `needed` names, with the same care.
    ///
    /// - Returns: bytes freed on the disk.
    @discardableResult
    public func sweep(
        isolation: isolated (any Actor)? = #isolation, keeping needed: () async throws -> Set<Digest>
    ) async throws -> Int64 {
        let all = try await FileWork.run(.quick) { _ in try self.digests() }
        return try await release(all) { _ in try await needed() }
    }

    /// Frees everything but `needed`: for a start, when nothing can be pinned meanwhile.
    @discardableResult
    public func sweep(keeping needed: Set<Digest>) async throws -> Int64 { try await sweep { needed } }

    private func digests() throws(ImageStoreError) -> [Digest] {
        var digests: [Digest] = []
        for (algorithm, folder) in folders {
            for name in try folder.names() {
                if let digest = try? Digest(parsing: "\(algorithm.rawValue):\(name)") { digests.append(digest) }
            }
        }
        return digests
    }

    /// What lies in the spool.
    public struct Usage: Sendable, Equatable {
        public var files = 0
        /// Of all files.
        public var bytes: Int64 = 0
        /// Of those without another hard link: what the spool itself costs.
        public var ownBytes: Int64 = 0
    }

    /// - Throws: ``ImageStoreError``: `system`.
    public var usage: Usage {
        get async throws {
            try await FileWork.run(.quick) { _ in
                var usage = Usage()
                for folder in self.folders.values {
                    for name in try folder.names() {
                        guard let status = folder.status(of: name) else { continue }
                        usage.files += 1
                        usage.bytes += status.size
                        if status.links == 1 { usage.ownBytes += status.size }
                    }
                }
                return usage
            }
        }
    }
}
