internal import Glibc
internal import Synchronization

/// Holds a server's threads until the test opens it; then it stays open.
///
/// ```swift
/// let gate = TestGate()
/// registry.faults.add(Fault(.uploadBody, .stall(afterBodyBytes: 65_536, until: gate)))
/// …
/// try await gate.waitForArrival()   // the upload is stuck now
/// gate.open()
/// ```
///
/// A pipe, whose closed end every poll sees: a thread waits for the gate and for its peer's farewell at once.
public final class TestGate: Sendable {
    /// Readable (hung up) once the gate is open.
    let readEnd: Int32
    private let writeEnd: Mutex<Int32?>
    private let arrivalCount = Mutex(0)
    private let signal = TestSignal()

    public init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "cannot make a pipe: errno \(errno)")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        readEnd = ends[0]
        writeEnd = Mutex(ends[1])
    }

    deinit {
        open()
        close(readEnd)
    }

    /// Lets everyone through, now and later.
    public func open() {
        writeEnd.withLock { end in
            if let open = end { close(open) }
            end = nil
        }
    }

    public var isOpen: Bool { writeEnd.withLock { $0 == nil } }

    /// How many have come to the gate so far, also after it was opened.
    public var arrivals: Int { arrivalCount.withLock { $0 } }

    /// Returns when `count` requests have come to the gate.
    public func waitForArrival(_ count: Int = 1) async throws {
        try await signal.wait(for: "arrival \(count) at a gate") { self.arrivals >= count }
    }

    func arrive() {
        arrivalCount.withLock { $0 += 1 }
        signal.raise()
    }
}
