internal import CLinux
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
/// An eventfd that stays readable, which every poll sees: a thread waits for the gate and for its peer's farewell at
/// once.
public final class TestGate: Sendable {
    /// Readable once the gate is open.
    let descriptor: Int32
    private let isOpened = Mutex(false)
    private let arrivalCount = Mutex(0)
    private let signal = TestSignal()

    public init() {
        descriptor = linux_eventfd()
        precondition(descriptor >= 0, "cannot make an eventfd: errno \(errno)")
    }

    deinit { close(descriptor) }

    /// Lets everyone through, now and later.
    public func open() {
        isOpened.withLock { isOpened in
            isOpened = true
            var one: UInt64 = 1
            _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
        }
    }

    public var isOpen: Bool { isOpened.withLock { $0 } }

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
