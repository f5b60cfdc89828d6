public import PushQueue

/// Where a reader of events begins.
public enum EventStart: Sendable, Equatable {
    /// With the oldest that is kept.
    case oldest
    /// With the first event that is stored from now on.
    case now
    /// With the next after the event of this number.
    case after(Int64)
    /// With the first event at or after this time, in milliseconds since 1970.
    case since(Int64)
}

/// The number in ``EventStart/after(_:)`` is higher than that of the latest event.
public struct EventAhead: Error, Sendable, CustomStringConvertible {
    public let id: Int64
    public let latest: Int64

    public var description: String {
        latest == 0
            ? "there is no event \(id): none has happened yet" : "there is no event \(id): the latest is \(latest)"
    }
}

/// Stored events, and new ones as they are stored, for one reader: each once, in order.
///
/// They are read from the queue as the reader asks for them, so a slow reader delays no other, and misses only events
/// that were pruned meanwhile. Events are numbered without gaps, so a gap in the numbers is a loss.
public actor EventReader {
    public enum Item: Sendable, Equatable {
        case event(QueueEvent)
        /// Pruned events are missing here, up to this number. `at` is the time of the next stored event, else now, or
        /// the time that the reader began with, in milliseconds since 1970. `count` is nil where it is not known.
        case lost(count: Int64?, upTo: Int64, at: Int64)
    }

    private static let pageSize = 256

    private let queue: JobStore
    /// Signals new events; nil: the reader ends with the latest event of its beginning.
    private let bell: AsyncStream<Void>?
    /// The number of the last event to return; nil: without end.
    private let end: Int64?
    /// The highest number that was returned, or counted as lost.
    private var last: Int64
    private var page: ArraySlice<QueueEvent> = []
    /// Returned before the first event.
    private var note: Item?
    private let now: @Sendable () -> Int64

    /// - Throws: ``EventAhead``, `QueueError`.
    init(
        queue: JobStore, from start: EventStart, follow: Bool,
        now: @escaping @Sendable () -> Int64 = Clocks.machine.wall
    ) async throws {
        self.queue = queue
        self.now = now
        bell = follow ? queue.eventBell() : nil
        let (first, latest) = try await queue.eventNumbers()
        end = follow ? nil : latest
        switch start {
        case .oldest: last = first - 1
        case .now: last = latest
        case .after(let id):
            guard id <= latest else { throw EventAhead(id: id, latest: latest) }
            last = id
        case .since(let time):
            let before = try await queue.lastEvent(before: time)
            last = before ?? first - 1
            // Events between that time and the oldest stored one may have been pruned.
            if before == nil, first > 1 { note = .lost(count: nil, upTo: first - 1, at: time) }
        }
    }

    /// The next item; nil at the end, and where the caller is cancelled.
    ///
    /// - Throws: `QueueError`.
    public func next() async throws -> Item? {
        if let note {
            self.note = nil
            return note
        }
        while true {
            if let event = page.first {
                if let end, event.id > end { return rest(upTo: end, at: event.at) }
                let missing = event.id - last - 1
                if missing > 0 {
                    last = event.id - 1
                    return .lost(count: missing, upTo: last, at: event.at)
                }
                page.removeFirst()
                last = event.id
                return .event(event)
            }
            page = try await queue.events(after: last, limit: Self.pageSize)[...]
            guard page.isEmpty else { continue }
            if let end { return rest(upTo: end, at: now()) }
            if await !hasMore() { return nil }
        }
    }

    /// What is left where no more events are stored up to the end: they were pruned.
    private func rest(upTo end: Int64, at time: Int64) -> Item? {
        guard last < end else { return nil }
        defer { last = end }
        return .lost(count: end - last, upTo: end, at: time)
    }

    private func hasMore() async -> Bool {
        guard let bell else { return false }
        var iterator = bell.makeAsyncIterator()
        return await iterator.next() != nil
    }
}
