import HTTP
import OCI
import Registry
import Synchronization
import System
import TestSupport

/// A client and the registry that it speaks to, with everything that the client tells on the way.
struct Bench {
    let registry: TestRegistry
    let client: RegistryClient
    let directory: TemporaryDirectory
    let waits: Recorder<Duration>
    let clock: TestClock

    static func with<Result>(
        _ profile: TestRegistry.Profile = .distribution3, authentication: TestAuthentication = .none,
        credentials: any CredentialProvider = NoCredentials(), settings: RegistrySettings = RegistrySettings(),
        receiveBuffer: Int? = nil, _ body: (Bench) async throws -> Result
    ) async throws -> Result {
        try await TemporaryDirectory.with { directory in
            try await TestRegistry.with(
                profile: profile, authentication: authentication, receiveBuffer: receiveBuffer
            ) { registry in
                try await withClient(registry.address, credentials: credentials, settings: settings) {
                    client, waits, clock in
                    try await body(
                        Bench(registry: registry, client: client, directory: directory, waits: waits, clock: clock))
                }
            }
        }
    }

    /// Waits are noted instead of waited.
    static func withClient<Result>(
        _ address: String, credentials: any CredentialProvider = NoCredentials(),
        settings: RegistrySettings = RegistrySettings(),
        _ body: (RegistryClient, Recorder<Duration>, TestClock) async throws -> Result
    ) async throws -> Result {
        var settings = settings
        settings.plainHTTP = settings.plainHTTP ?? true  // nothing is asked to find that out
        let http = HTTPClient()
        let waits = Recorder<Duration>()
        let clock = TestClock()
        let client = try RegistryClient(
            domain: address, settings: settings, http: http, credentials: credentials, sleep: { waits.add($0) },
            clock: { clock.now })
        do {
            let result = try await body(client, waits, clock)
            await http.shutdown()
            return result
        } catch {
            await http.shutdown()
            throw error
        }
    }

    func blob(_ size: Int, seed: UInt64 = 7) throws -> TestBlob {
        try TestBlob(size: size, seed: seed, in: directory)
    }

    /// The methods of all requests, and the number of token requests left out.
    var methods: [String] { registry.requests.filter { $0.kind != .token }.map(\.method) }
}

/// A blob in a file.
struct TestBlob: Sendable {
    let bytes: [UInt8]
    let digest: Digest
    let file: String
    var size: Int64 { Int64(bytes.count) }

    init(size: Int, seed: UInt64, in directory: TemporaryDirectory) throws {
        bytes = PseudoRandomBytes.make(size: size, seed: seed)
        digest = Digest(of: bytes)
        file = try directory.write(bytes, to: "blob-\(seed)-\(size)")
    }
}

/// What a client told, in order.
final class Recorder<Value: Sendable>: Sendable {
    private let list = Mutex<[Value]>([])

    func add(_ value: Value) { list.withLock { $0.append(value) } }
    var values: [Value] { list.withLock { $0 } }
}

/// What a publisher keeps between two attempts.
final class Keeper: Sendable {
    let sessions = Recorder<UploadSession?>()
    let facts = Recorder<RegistryFact>()
    let looksAtTheFile = Recorder<Bool>()

    /// As it comes out of a database: nothing but place and offset.
    var session: UploadSession? {
        (sessions.values.last ?? nil).map { UploadSession(location: $0.location, offset: $0.offset) }
    }
}

extension Bench {
    /// One attempt to upload, into `keeper` and from what it keeps.
    @discardableResult
    func upload(
        _ blob: TestBlob, keeper: Keeper = Keeper(), session: UploadSession? = nil, style: UploadStyle = .whole,
        to repository: String = "team/app", isIntact: Bool = true, progress: TransferProgress = TransferProgress(),
        isStopping: @escaping @Sendable () -> Bool = { false }
    ) async throws -> BlobUploadResult {
        try await client.upload(
            blob, keeper: keeper, session: session, style: style, to: repository, isIntact: isIntact,
            progress: progress, isStopping: isStopping)
    }
}

extension RegistryClient {
    @discardableResult
    func upload(
        _ blob: TestBlob, keeper: Keeper = Keeper(), session: UploadSession? = nil, style: UploadStyle = .whole,
        to repository: String = "team/app", isIntact: Bool = true, progress: TransferProgress = TransferProgress(),
        isStopping: @escaping @Sendable () -> Bool = { false }
    ) async throws -> BlobUploadResult {
        try await upload(
            BlobUpload(
                repository: repository, digest: blob.digest, size: blob.size,
                file: try ReadableFile(opening: blob.file),
                session: session ?? keeper.session, style: style, progress: progress,
                sessionChanged: { keeper.sessions.add($0) }, learned: { keeper.facts.add($0) },
                isStopping: isStopping,
                localBlobIsIntact: {
                    keeper.looksAtTheFile.add(isIntact)
                    return isIntact
                }))
    }
}

/// The error that `body` throws; nil if it throws none.
func registryError(_ body: () async throws -> Void) async throws -> RegistryError? {
    do { try await body() } catch let error as RegistryError { return error }
    return nil
}
