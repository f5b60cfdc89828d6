import Dispatch
import Glibc

/// The signals that a daemon acts on, as a stream.
enum Signals {
    enum Event: Sendable {
        case stop, reload
    }

    /// SIGTERM and SIGINT stop, SIGHUP reloads; SIGPIPE is ignored for good.
    static func events() -> AsyncStream<Event> {
        signal(SIGPIPE, SIG_IGN)
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        for (number, event) in [(SIGTERM, Event.stop), (SIGINT, .stop), (SIGHUP, .reload)] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            // The handler keeps the source, for as long as the process lives.
            source.setEventHandler { withExtendedLifetime(source) { _ = continuation.yield(event) } }
            source.resume()
        }
        return stream
    }
}
