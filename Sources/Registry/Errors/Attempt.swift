internal import OCI

/// What is being asked of a registry, for messages and for reading its answer.
struct Attempt: Sendable {
    /// What kind of question it is: the same status means different things to different ones.
    enum Operation: Sendable, Hashable {
        case readBlob, readManifest
        case listTags, listRepositories
        case startUpload, mount
        /// The state of an upload, or a body for it.
        case upload
        case putManifest
        /// A manifest that is put under a tag.
        case putTag
        case createRepository
    }

    let operation: Operation
    /// The end of "cannot …".
    let text: String
    let registry: String
    let repository: String?
    let digest: Digest?
    /// Of the manifest that is put.
    var mediaType: MediaType?

    init(_ operation: Operation, _ text: String, at registry: String, repository: String?, digest: Digest? = nil) {
        self.operation = operation
        self.text = text
        self.registry = registry
        self.repository = repository
        self.digest = digest
    }

    func error(_ cause: RegistryError.Cause) -> RegistryError { RegistryError(cause, self) }

    /// The error of an answer that is no success here.
    func error(_ answer: ServerAnswer) -> RegistryError {
        var cause = RegistryError.Cause(of: answer, to: operation)
        if answer.elsewhere != nil, cause == .loginRejected { cause = .loginMissing }  // none was sent there
        return RegistryError(cause, self, answer: answer)
    }

    /// The error of an answer that should mean success and fits nothing that was asked.
    func misfit(_ answer: ServerAnswer, _ reason: String) -> RegistryError {
        RegistryError(answer.isPage ? .notARegistry : .protocolViolation(reason: reason), self, answer: answer)
    }
}

extension Digest {
    /// As it stands in messages: the algorithm and twelve digits tell blobs apart.
    var shortened: String { "\(algorithm.rawValue):\(hex.prefix(12))…" }
}
