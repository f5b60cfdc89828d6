internal import Dispatch
internal import Glibc

/// Turns Unix signals into calls of a function, until it is stopped.
struct Signals {
    private static let deadly = [SIGINT, SIGTERM, SIGHUP]

    private let sources: [any DispatchSourceSignal]

    /// - Parameter handler: called on a queue of Dispatch, not in the signal's own context.
    init(_ numbers: [Int32], handler: @escaping @Sendable (Int32) -> Void) {
        sources = numbers.map { number in
            if Self.deadly.contains(number) { signal(number, SIG_IGN) }  // else its default action came first
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { handler(number) }
            source.activate()
            return source
        }
    }

    /// Gives the signals their default actions back.
    func stop() {
        for source in sources { source.cancel() }
        for number in Self.deadly { signal(number, SIG_DFL) }
    }
}
