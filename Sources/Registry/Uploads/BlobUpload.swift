public import HTTP
public import OCI
public import System

/// One blob to upload into a repository, and the callbacks for its events.
public struct BlobUpload: Sendable {
    public let repository: String
    public let digest: Digest
    /// In bytes; what is sent is never more.
    public let size: Int64
    /// Holds the blob, and stays as it is.
    public let file: ReadableFile
    /// From a mount that became an upload, or kept from an earlier attempt; nil: a new one is opened.
    public let session: UploadSession?
    public let style: UploadStyle
    /// Follows the offset in the blob: goes back where bytes must be sent again.
    public let progress: TransferProgress
    /// The session to keep, so that a later attempt goes on from there; nil: there is none any more. Called, and waited
    /// for, before each body is sent: what is kept then survives any kind of end.
    public let sessionChanged: @Sendable (UploadSession?) async -> Void
    /// What the registry showed of itself.
    public let learned: @Sendable (RegistryFact) async -> Void
    /// Whether no further body is to be begun: the upload then ends with `CancellationError`, its session kept.
    public let isStopping: @Sendable () -> Bool
    /// Reads the local file and compares it with the digest. Asked only when the registry got something else.
    public let localBlobIsIntact: @Sendable () async throws -> Bool

    public init(
        repository: String, digest: Digest, size: Int64, file: ReadableFile, session: UploadSession? = nil,
        style: UploadStyle = .whole, progress: TransferProgress = TransferProgress(),
        sessionChanged: @escaping @Sendable (UploadSession?) async -> Void = { _ in },
        learned: @escaping @Sendable (RegistryFact) async -> Void = { _ in },
        isStopping: @escaping @Sendable () -> Bool = { false },
        localBlobIsIntact: @escaping @Sendable () async throws -> Bool = { true }
    ) {
        precondition(size >= 0, "a blob of negative size")
        self.repository = repository
        self.digest = digest
        self.size = size
        self.file = file
        self.session = session
        self.style = style
        self.progress = progress
        self.sessionChanged = sessionChanged
        self.learned = learned
        self.isStopping = isStopping
        self.localBlobIsIntact = localBlobIsIntact
    }
}

/// How a blob got there.
public struct BlobUploadResult: Sendable, Hashable {
    /// Whether the registry was found to hold the blob although no answer said that this upload had been accepted: it was
    /// stored by a request whose answer got lost, or by another client.
    public let wasFound: Bool
    /// Body bytes sent in this attempt, those included that got lost.
    public let bytesSent: Int64

    public init(wasFound: Bool, bytesSent: Int64) {
        self.wasFound = wasFound
        self.bytesSent = bytesSent
    }
}
