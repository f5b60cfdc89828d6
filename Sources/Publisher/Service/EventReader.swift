public import PushQueue

/// Where a reader of events begins.
public enum EventStart: Sendable, Equatable {
    /// With the oldest that is kept.
    case oldest
    /// With what happens from now on.
    case now
    /// With the next after the event of this number.
    case after(Int64)
    /// With what has happened since this time, in milliseconds since 1970.
    case since(Int64)
}

/// A reader asks for what comes after an event that there has not been yet.
public struct EventAhead: Error, Sendable, CustomStringConvertible {
    public let id: Int64
    public let latest: Int64

    public var description: String {
        latest == 0
            ? "there is no event \(id): none has happened yet" : "there is no event \(id): the latest is \(latest)"
    }
}

/// What has happened, and what happens from then on, for one reader: each event once, in order.
///
/// They are read from the queue as the reader asks for them, so a slow one holds up no other and misses nothing but what
/// was pruned meanwhile. Events are numbered without gaps, so a gap is a loss.
public actor EventReader {
    public enum Item: Sendable, Equatable {
        case event(QueueEvent)
        /// Events are missing here, up to this number; the next of them is not later than `at`, in milliseconds since
        /// 1970. `count` is nil where those that nobody asked for are among them.
        case lost(count: Int64?, upTo: Int64, at: Int64)
    }

    private static let pageSize = 256

    private let queue: JobStore
    /// Rings when there is more; nil: what there was at the beginning is all.
    private let bell: AsyncStream<Void>?
    /// The last event to be told; nil: without end.
    private let end: Int64?
    /// The number of the event that was told, or counted as lost, last.
    private var last: Int64
    private var page: ArraySlice<QueueEvent> = []
    /// Told first.
    private var note: Item?

    /// - Throws: ``EventAhead``, `QueueError`.
    init(queue: JobStore, from start: EventStart, follow: Bool) async throws {
        self.queue = queue
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
            // What happened between that time and the oldest event that is kept is not known.
            if before == nil, first > 1 { note = .lost(count: nil, upTo: first - 1, at: time) }
        }
    }

    /// The next item; nil where nothing more comes, or the caller is cancelled.
    ///
    /// - Throws: `QueueError`.
    public func next() async throws -> Item? {
        if let note {
            self.note = nil
            return note
        }
        while true {
            if let event = page.first {
                if let end, event.id > end { return nil }
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
            if page.isEmpty, await !hasMore() { return nil }
        }
    }

    private func hasMore() async -> Bool {
        guard let bell else { return false }
        var iterator = bell.makeAsyncIterator()
        return await iterator.next() != nil
    }
}
