internal import Synchronization

/// How much of a body has been sent, to be looked at from anywhere while the request runs.
///
/// Counted are the bytes that the operating system took for sending; what still waits in its buffers is included
/// (megabytes at most). The client only adds what its request sends, so that one object can follow a blob through
/// several requests; it takes back what it sends a second time. After a broken request the owner sets it to what the
/// registry holds.
public final class TransferProgress: Sendable {
    private let sent = Atomic<Int64>(0)
    private let start = Atomic<Int64>(-1)

    public init() {}

    public var bytesSent: Int64 { sent.load(ordering: .relaxed) }

    /// - Parameter bytes: negative where a body starts anew.
    public func add(_ bytes: Int64) { sent.add(bytes, ordering: .relaxed) }

    public func reset(to bytes: Int64) {
        start.store(bytes, ordering: .relaxed)
        sent.store(bytes, ordering: .relaxed)
    }

    /// What it was last set to: from there the owner sends. Nil before the first time.
    public var startedFrom: Int64? {
        let bytes = start.load(ordering: .relaxed)
        return bytes < 0 ? nil : bytes
    }
}
