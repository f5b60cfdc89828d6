import HTTP
import OCI
import Registry
import System
import TestSupport
import Testing

@Suite(
    "Against Debian's docker-registry", .enabled(if: DebianRegistry.isInstalled), .serialized, .timeLimit(.minutes(2)))
struct DebianRegistryTests {
    private static func with(
        login: Bool = false, _ body: (DebianRegistry, RegistryClient, TemporaryDirectory) async throws -> Void
    ) async throws {
        try await TemporaryDirectory.with { directory in
            try await DebianRegistry.with(login: login) { registry in
                let credentials: any CredentialProvider =
                    login
                    ? TestLogin(user: DebianRegistry.user, password: DebianRegistry.password) : NoCredentials()
                try await Bench.withClient(registry.address, credentials: credentials) { client, _, _ in
                    try await body(registry, client, directory)
                }
            }
        }
    }

    @Test(
        "blobs go up whole, in one PATCH and in chunks, and read back",
        arguments: [
            UploadStyle.whole, .patched, .chunked(1 << 20),
        ])
    func uploads(style: UploadStyle) async throws {
        try await Self.with(login: true) { _, client, directory in
            for size in [0, 1, 3 << 20] {
                let blob = try TestBlob(size: size, seed: UInt64(size), in: directory)
                let result = try await client.upload(blob, style: style)
                #expect(result == BlobUploadResult(wasFound: false, bytesSent: blob.size))
                #expect(try await client.readBlob("team/app", blob.digest, size: blob.size) == blob.digest)
                guard case .present = try await client.blobPresence("team/app", blob.digest, size: blob.size) else {
                    Issue.record("the blob is not there")
                    return
                }
            }
        }
    }

    @Test("a mount from another repository links; from its own it tells whether the blob is there")
    func mounts() async throws {
        try await Self.with { _, client, directory in
            let blob = try TestBlob(size: 100_000, seed: 1, in: directory)
            guard case .session(let session) = try await client.mount(blob.digest, from: "team/app", into: "team/app")
            else {
                Issue.record("a blob that is nowhere was mounted")
                return
            }
            try await client.upload(blob, session: session)
            for (source, target) in [("team/app", "team/app"), ("team/app", "team/other")] {
                guard case .mounted = try await client.mount(blob.digest, from: source, into: target) else {
                    Issue.record("not mounted from \(source) into \(target)")
                    return
                }
            }
            // In the registry, but not in this repository.
            guard case .session = try await client.mount(blob.digest, from: "team/third", into: "team/third") else {
                Issue.record("mounted from a repository that does not have it")
                return
            }
        }
    }

    @Test("field 17: a broken body loses the session, which is noticed and costs one new upload")
    func brokenBody() async throws {
        try await Self.with { registry, client, directory in
            let bytes = [UInt8](repeating: 1, count: 128 << 20)
            let file = try directory.write(bytes, to: "large")
            let (digest, size) = (Digest(of: bytes), Int64(bytes.count))
            let keeper = Keeper()
            let progress = TransferProgress()
            @Sendable func upload(_ session: UploadSession?) async throws -> BlobUploadResult {
                try await client.upload(
                    BlobUpload(
                        repository: "team/app", digest: digest, size: size, file: try ReadableFile(opening: file),
                        session: session,
                        progress: progress, sessionChanged: { keeper.sessions.add($0) },
                        learned: { keeper.facts.add($0) }))
            }
            let broken = Task { try await upload(nil) }
            while progress.bytesSent == 0 { await Task.yield() }
            broken.cancel()
            await #expect(throws: CancellationError.self) { try await broken.value }
            try await registry.process.waitForOutput("client disconnected")
            _ = try await upload(keeper.session)
            #expect(keeper.facts.values == [.brokenBody(losesSession: true)])
            #expect(try await client.readBlob("team/app", digest, size: size) == digest)
        }
    }

    @Test("field 17: between two finished chunks an upload can be left and gone on with")
    func leftBetweenChunks() async throws {
        try await Self.with { _, client, directory in
            let blob = try TestBlob(size: 3 << 20, seed: 3, in: directory)
            let keeper = Keeper()
            await #expect(throws: CancellationError.self) {
                try await client.upload(
                    blob, keeper: keeper, style: .chunked(1 << 20), isStopping: { keeper.session?.offset == 1 << 20 })
            }
            let result = try await client.upload(blob, keeper: keeper, style: .chunked(1 << 20))
            #expect(result.bytesSent == 2 << 20)
            #expect(try await client.readBlob("team/app", blob.digest, size: blob.size) == blob.digest)
        }
    }

    @Test("manifests are put, found and read; what is missing is told apart")
    func manifests() async throws {
        try await Self.with { _, client, directory in
            let config = try directory.write(Array("{}".utf8), to: "config")
            let digest = Digest(of: Array("{}".utf8))
            let text = """
                {"schemaVersion": 2, "mediaType": "\(MediaType.ociManifest)", "layers": [],
                 "config": {"mediaType": "\(MediaType.ociConfig)", "digest": "\(digest)", "size": 2}}
                """
            let bytes = Array(text.utf8)
            func put(_ reference: ManifestReference) async throws {
                try await client.putManifest(
                    "team/app", reference, bytes: bytes, mediaType: .ociManifest, digest: Digest(of: bytes))
            }
            #expect(try await client.manifestHead("team/app", .tag("v1")) == nil)
            let missing = try await registryError { try await put(.tag("v1")) }
            #expect(missing?.cause == .referencesMissing)
            _ = try await client.upload(
                BlobUpload(repository: "team/app", digest: digest, size: 2, file: try ReadableFile(opening: config)))
            try await put(.digest(Digest(of: bytes)))
            try await put(.tag("v1"))
            #expect(try await client.manifestHead("team/app", .tag("v1"))?.digest == Digest(of: bytes))
            #expect(try await client.manifest("team/app", .tag("v1"))?.bytes == bytes)
        }
    }
}
