internal import PushQueue

/// What has happened, and what happens from then on, for one reader.
///
/// A slow reader holds up nobody: beyond what is kept for it, it loses the oldest, and is told how many at the place
/// where they are missing. Events are numbered without gaps, so a gap is a loss.
public actor EventReader {
    public enum Item: Sendable {
        case event(PublisherEvent)
        /// So many are missing here, the next of them not later than `at`, in milliseconds since 1970.
        case lost(count: Int64, at: Int64)
    }

    private var past: ArraySlice<PublisherEvent>
    private let future: AsyncStream<PublisherEvent>?
    /// The number of the event that was told, or counted as lost, last.
    private var last: Int64
    /// Comes after the loss that was just told.
    private var held: PublisherEvent?

    /// - Parameters:
    ///   - past: told first.
    ///   - future: what comes afterwards; nil: nothing.
    ///   - last: the number of the latest event that is not in `future`.
    init(past: [PublisherEvent], future: AsyncStream<PublisherEvent>?, last: Int64) {
        self.past = past[...]
        self.future = future
        self.last = last
    }

    /// The next item; nil where nothing more comes, or the caller is cancelled.
    public func next() async -> Item? {
        if let event = past.popFirst() ?? take() { return .event(event) }
        guard let future else { return nil }
        var iterator = future.makeAsyncIterator()
        guard let event = await iterator.next() else { return nil }
        let missing = event.number - last - 1
        last = event.number
        guard missing > 0 else { return .event(event) }
        held = event
        return .lost(count: missing, at: event.at)
    }

    private func take() -> PublisherEvent? {
        defer { held = nil }
        return held
    }
}
