public import OCI
internal import Synchronization

/// A container registry in this process, at 127.0.0.1 and a port of its own: honest, strict, and able to misbehave.
///
/// It implements the distribution API far enough to be pushed to and pulled from. What a client does against the
/// protocol is refused and stands in ``violations``; ``faults`` make the registry fail; ``requests`` tells all
/// that was asked. Nothing in a test needs to sleep: ``waitUntil(_:timeout:_:)`` wakes with each event.
///
/// ```swift
/// try await TestRegistry.with(profile: .distribution2) { registry in
///     registry.faults.add(Fault(.uploadBody, .cut(afterBodyBytes: 9 << 20)))
///     … push to registry.address …
///     #expect(registry.content(of: digest) == bytes)
///     #expect(registry.violations.isEmpty)
/// }
/// ```
public final class TestRegistry: Sendable {
    public typealias Profile = RegistryProfile

    public let server: ScriptedServer
    let core: RegistryCore

    /// Listens at once.
    ///
    /// - Parameters:
    ///   - verifiesDigests: false where speed is measured: what a PUT says is believed.
    ///   - keepsContent: false to count (and hash) blobs without storing them; they read as zeros then.
    ///   - receiveBuffer: bytes that the kernel takes in while a fault makes the registry stall; nil: megabytes.
    ///   - beside: what else the server has; returns whether it has answered.
    public init(
        profile: Profile = .distribution3, authentication: TestAuthentication = .none, verifiesDigests: Bool = true,
        keepsContent: Bool = true, receiveBuffer: Int? = nil,
        beside: @escaping @Sendable (Exchange) throws -> Bool = { _ in false }
    ) throws {
        let core = RegistryCore(
            profile: profile, authentication: authentication, verifiesDigests: verifiesDigests,
            keepsContent: keepsContent)
        self.core = core
        server = try ScriptedServer(receiveBuffer: receiveBuffer) { if try !beside($0) { try core.handle($0) } }
    }

    /// Runs `body` with a registry that is stopped afterwards, whatever happens.
    public static func with<Result>(
        profile: Profile = .distribution3, authentication: TestAuthentication = .none, verifiesDigests: Bool = true,
        keepsContent: Bool = true, receiveBuffer: Int? = nil,
        beside: @escaping @Sendable (Exchange) throws -> Bool = { _ in false },
        _ body: (TestRegistry) async throws -> Result
    ) async throws -> Result {
        let registry = try TestRegistry(
            profile: profile, authentication: authentication, verifiesDigests: verifiesDigests,
            keepsContent: keepsContent, receiveBuffer: receiveBuffer, beside: beside)
        do {
            let result = try await body(registry)
            await registry.stop()
            return result
        } catch {
            await registry.stop()
            throw error
        }
    }

    /// `127.0.0.1:PORT`: the registry's part of an image's name.
    public var address: String { server.address }
    public var port: Int { server.port }
    public var faults: FaultPlan { core.faults }

    /// Ends all connections and returns when the last thread is gone.
    public func stop() async { await server.stop() }

    /// Refuses connections and breaks the open ones, until ``resume()``: an outage. Contents and uploads stay.
    public func pause() { server.pause() }

    /// Ends an outage, at the same port.
    public func resume() throws { try server.resume() }

    /// Returns as soon as `predicate` holds. It is asked again after each recorded event.
    ///
    /// - Throws: ``TestSupportError`` naming `what` after `timeout`, which is a guard against hanging, not a pace.
    public func waitUntil(
        _ what: String = "the condition", timeout: Duration = .seconds(20), _ predicate: @escaping @Sendable () -> Bool
    ) async throws {
        try await server.waitUntil(what, timeout: timeout, predicate)
    }
}

/// What was asked.
extension TestRegistry {
    /// Everything that was asked, token requests included, in the order of arrival; the last may be unfinished.
    public var requests: [RecordedRequest] { server.requests }

    /// The methods of all requests, in order.
    public var methods: [String] { requests.map(\.method) }

    /// Those of one kind. ``RequestKind/uploadStart`` includes the mounts.
    public func requests(
        _ kind: RequestKind, method: String? = nil, repository: String? = nil
    ) -> [RecordedRequest] {
        requests.filter {
            kind.covers($0.kind) && (method ?? $0.method) == $0.method && (repository ?? $0.repository) == $0.repository
        }
    }

    public func count(of kind: RequestKind, method: String? = nil, repository: String? = nil) -> Int {
        requests(kind, method: method, repository: repository).count
    }

    /// What clients did against the protocol. A test of a good push expects none.
    public var violations: [Violation] {
        let malformed = server.problems.map { Violation(kind: .framing, description: $0) }
        return core.state.withLock { $0.violations } + malformed
    }

    /// Bytes that were received for a blob, in all requests, also in those that broke off; known once a PUT named it.
    public func bodyBytes(for digest: Digest) -> Int64 { core.state.withLock { $0.receivedBytes[digest] ?? 0 } }

    /// Bytes of all upload bodies, broken ones included.
    public var uploadedBytes: Int64 { requests(.uploadBody).reduce(0) { $0 + $1.bodyBytes } }

    /// The most bodies of blobs that came in at one time.
    public var peakUploads: Int { core.state.withLock { $0.peakBodies } }
    /// The most requests that were being served at one time.
    public var peakRequests: Int { server.peakRequests }
    public var connectionsAccepted: Int { server.connectionsAccepted }
}
