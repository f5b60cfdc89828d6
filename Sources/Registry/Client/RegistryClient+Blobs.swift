internal import HTTP
public import OCI
internal import Synchronization

/// Reading blobs.
extension RegistryClient {
    /// Asks whether a blob is in a repository.
    ///
    /// - Parameter size: in bytes. A blob that is there with another size counts as absent.
    /// - Throws: ``RegistryError`` where there is no answer to that: nothing follows from it about the blob.
    public func blobPresence(
        _ repository: String, _ digest: Digest, size: Int64
    ) async throws -> BlobPresence {
        let attempt = attempt(
            .readBlob, "look for blob \(digest.shortened) in \(repository)", repository, digest)
        let url = try url("/v2/\(repository)/blobs/\(digest)", for: attempt)
        var call = Courier.Call(method: .head, url: url, scopes: [.pull(repository)], attempt: attempt)
        do {
            let response = try await read(repository, call, courier.ask)
            // A signature for GET does not hold for HEAD at some storages.
            let isElsewhere = response.url.origin != courier.endpoint.origin
            if [405, 501].contains(response.status) || (isElsewhere && response.status == 403) {
                call.method = .get
                return try await presenceByReading(call, size: size)
            }
            guard response.status == 200 else { return try presence(refused: response, attempt) }
            // A portal's page says yes to everything; storage may call a blob what it likes.
            if !isElsewhere, ServerAnswer.isPage(response) || Digest.contradicting(digest, in: response) != nil {
                throw attempt.misfit(ServerAnswer(response), "HTTP status 200, and not for the blob")
            }
            let length = response.lengthOfContent
            // Zero is also what registries say that don't know.
            return length == nil || length == 0 || length == size ? .present : .absent
        } catch let error as RegistryError where error.cause == .denied && error.status == 403 {
            return .unknown(error)
        }
    }

    /// Reads the first byte and throws it away.
    private func presenceByReading(_ call: Courier.Call, size: Int64) async throws -> BlobPresence {
        var call = call
        call.headers["Range"] = "bytes=0-0"
        call.responseBytes = 4096
        let response: HTTPResponse
        do {
            response = try await read(call.attempt.repository ?? "", call, courier.send)
        } catch let error as HTTPError {
            // The whole blob comes: a registry that knows no ranges.
            if case .responseTooLarge = error.cause { return .present }
            throw call.attempt.error(error)
        }
        switch response.status {
        case 200: return Int64(response.body.count) == size ? .present : .absent
        case 206:
            let isCoded = response.headers.contentCoding != nil
            let range = isCoded ? nil : response.headers["Content-Range"]
            let total = range?.split(separator: "/").last.flatMap { Int64($0) }
            return total == nil || total == size ? .present : .absent
        case 416 where size == 0: return .present
        default: return try presence(refused: response, call.attempt)
        }
    }

    /// Absent only where a registry says so, or the storage that it redirects reads to.
    private func presence(refused response: HTTPResponse, _ attempt: Attempt) throws -> BlobPresence {
        let answer = ServerAnswer(response)
        if response.status == 404, response.url.origin != courier.endpoint.origin { return .absent }
        if response.status == 404, isAbsence(response, answer) { return .absent }
        throw response.status == 404
            ? attempt.misfit(answer, "a 404 that does not come from a registry")
            : attempt.error(answer)
    }

    /// Whether a 404 was said by a registry, and not by a web server or proxy that knows nothing of registries.
    ///
    /// The answer to a HEAD has no body to look at; there it is enough that nothing speaks against it.
    func isAbsence(_ response: HTTPResponse, _ answer: ServerAnswer) -> Bool {
        if answer.isFromRegistry { return true }
        let type = response.headers["Content-Type"]?.lowercased() ?? ""
        return type.isEmpty || type.hasPrefix("application/json") || type.hasPrefix("application/octet-stream")
    }

    /// Reads a small blob, a configuration for example, and checks its digest.
    ///
    /// - Parameter limit: in bytes; a larger answer is an error.
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/contentMissing`` for a blob that is not there and
    ///   ``RegistryError/Cause/digestMismatch(found:)`` for other bytes.
    public func smallBlob(_ repository: String, _ digest: Digest, limit: Int) async throws -> [UInt8] {
        let attempt = readAttempt(repository, digest)
        var call = Courier.Call(
            method: .get, url: try url("/v2/\(repository)/blobs/\(digest)", for: attempt), scopes: [.pull(repository)],
            attempt: attempt)
        call.responseBytes = limit
        let response = try await read(repository, call, courier.ask)
        guard response.status == 200 else { throw attempt.error(ServerAnswer(response)) }
        let found = Digest(of: response.body, algorithm: digest.algorithm)
        guard found == digest else { throw attempt.error(.digestMismatch(found: found)) }
        return response.body
    }

    /// Downloads a blob and hashes it; nothing is kept.
    ///
    /// Where it comes in a coding that was not asked for, it is read decoded, and as it comes if that is not the blob:
    /// storage may call a layer `gzip` because that is what its content is.
    ///
    /// - Parameter size: in bytes. As soon as more comes, the download is ended.
    /// - Returns: the digest of what came, to be compared with `digest`.
    /// - Throws: ``RegistryError``, with ``RegistryError/Cause/contentMissing`` for a blob that is not there and
    ///   ``RegistryError/Cause/digestMismatch(found:)`` for one of another size.
    public func readBlob(_ repository: String, _ digest: Digest, size: Int64) async throws -> Digest {
        do {
            return try await readBlob(repository, digest, size: size, .refused)
        } catch let error as HTTPError {
            let attempt = readAttempt(repository, digest)
            guard case .contentCoding(let coding) = error.cause else { throw attempt.error(error) }
            for way in [CodedBodies.decoded, .kept] {
                do {
                    let found = try await readBlob(repository, digest, size: size, way)
                    if found == digest { return found }
                } catch let error as HTTPError {
                    guard case .contentCoding = error.cause else { throw attempt.error(error) }
                } catch let error as RegistryError {
                    guard case .digestMismatch = error.cause else { throw error }
                }
            }
            throw attempt.error(
                .protocolViolation(
                    reason: "the blob comes in the coding \(coding), which was not asked for, and is not its content"))
        }
    }

    private func readAttempt(_ repository: String, _ digest: Digest) -> Attempt {
        attempt(.readBlob, "read blob \(digest.shortened) from \(repository)", repository, digest)
    }

    private func readBlob(
        _ repository: String, _ digest: Digest, size: Int64, _ codedBodies: CodedBodies
    ) async throws -> Digest {
        let attempt = readAttempt(repository, digest)
        let sink = HashingSink(digest.algorithm)
        var call = Courier.Call(
            method: .get, url: try url("/v2/\(repository)/blobs/\(digest)", for: attempt), scopes: [.pull(repository)],
            attempt: attempt)
        call.sink = { sink.take($0) }
        call.streamedBytes = size
        call.codedBodies = codedBodies
        let response: HTTPResponse
        do { response = try await read(repository, call, courier.send) } catch let error as HTTPError {
            if case .responseTooLarge = error.cause { throw attempt.error(.digestMismatch(found: nil)) }
            throw error
        }
        guard response.status == 200 else { throw attempt.error(ServerAnswer(response)) }
        let (count, found) = sink.finish()
        guard count == size else { throw attempt.error(.digestMismatch(found: found)) }
        return found
    }
}

extension HTTPResponse {
    /// What `Content-Length` says of the content's size; nil where it says nothing, or nothing that can be true, or is the
    /// size of a coding of it.
    var lengthOfContent: Int64? {
        guard headers.contentCoding == nil, let length = headers["Content-Length"].flatMap({ Int64($0) }) else {
            return nil
        }
        return (0...Descriptor.maximumSize).contains(length) ? length : nil
    }
}

/// Hashes what a download brings.
private final class HashingSink: Sendable {
    private struct State: ~Copyable {
        var hasher: DigestHasher
        var count: Int64 = 0
    }

    private let state: Mutex<State>
    private let algorithm: Digest.Algorithm

    init(_ algorithm: Digest.Algorithm) {
        state = Mutex(State(hasher: DigestHasher(algorithm)))
        self.algorithm = algorithm
    }

    func take(_ bytes: UnsafeRawBufferPointer) {
        // A lock's content may take up no pointer from outside; a number it may. It is used before this returns.
        let (address, count) = (UInt(bitPattern: bytes.baseAddress), bytes.count)
        state.withLock { state in
            state.count += Int64(count)
            state.hasher.update(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
        }
    }

    /// The number of bytes and their digest. The hasher starts anew.
    func finish() -> (Int64, Digest) {
        state.withLock { state in
            var hasher = DigestHasher(algorithm)
            swap(&hasher, &state.hasher)
            return (state.count, hasher.finish())
        }
    }
}
