internal import Dispatch
internal import Glibc
internal import Synchronization

/// Something that happened in a watched directory.
enum DirectoryEvent: Sendable, Equatable {
    /// Something happened to an entry.
    case entry(watch: Int32, name: String, EntryChange)
    /// The directory itself was removed, moved or unmounted; the watch is of no more use.
    case gone(watch: Int32)
    /// Events were lost.
    case overflow
}

/// What happened to an entry of a directory.
enum EntryChange: Sendable, Equatable {
    /// It was renamed to this name, or its writer has closed it: it may well be whole.
    case arrived
    /// It was made, and is empty or a directory.
    case made
    case gone
}

/// Where events of directories come from; tests have one of their own.
protocol DirectoryEvents: Sendable {
    /// Watches a directory. One directory has one number, however often it is added.
    ///
    /// - Returns: nil if it cannot be watched: it is not there, or the kernel's limits are reached.
    func add(_ path: String) -> Int32?
    func remove(_ watch: Int32)
    /// What has happened since the last call.
    func take() -> [DirectoryEvent]
    func stop()
}

/// The kernel's own events, read on a thread of their own.
///
/// Source: inotify(7).
final class Inotify: DirectoryEvents {
    private static let mask =
        UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_CREATE) | UInt32(IN_DELETE)
        | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)

    private let descriptor: Int32
    private let wakeUp: (read: Int32, write: Int32)
    private let taken = Mutex<[DirectoryEvent]>([])
    private let hasStopped = Mutex(false)
    private let happened: @Sendable () -> Void

    /// - Parameter happened: called on the reading thread when there is something to take; it must not block.
    /// - Returns: nil if the kernel has no instance to spare.
    init?(happened: @escaping @Sendable () -> Void) {
        self.happened = happened
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        var ends: [Int32] = [-1, -1]
        let piped = descriptor >= 0 ? pipe(&ends) : -1
        wakeUp = (ends[0], ends[1])
        guard descriptor >= 0, piped == 0 else {
            if descriptor >= 0 { close(descriptor) }
            return nil
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        DispatchQueue(label: "pushd.inotify").async { self.read() }
    }

    func add(_ path: String) -> Int32? {
        hasStopped.withLock { stopped in
            if stopped { return nil }
            let watch = inotify_add_watch(descriptor, path, Self.mask)
            return watch >= 0 ? watch : nil
        }
    }

    func remove(_ watch: Int32) {
        hasStopped.withLock { stopped in if !stopped { _ = inotify_rm_watch(descriptor, watch) } }
    }

    func take() -> [DirectoryEvent] {
        taken.withLock { events in
            defer { events = [] }
            return events
        }
    }

    /// The reading thread ends, and closes what it used.
    func stop() {
        hasStopped.withLock { stopped in
            if !stopped { close(wakeUp.write) }
            stopped = true
        }
    }

    private func read() {
        defer {
            close(descriptor)
            close(wakeUp.read)
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            var sources = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wakeUp.read, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&sources, 2, -1)
            if ready < 0, errno != EINTR { return }
            if sources[1].revents != 0 { return }
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            guard count > 0 else { continue }
            keep(Self.parse(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
        }
    }

    private func keep(_ events: [DirectoryEvent]) {
        guard !events.isEmpty else { return }
        taken.withLock { kept in
            // A listener that is far behind gets one event: to look at everything.
            if kept.count + events.count > 4096 { kept = [.overflow] } else { kept += events }
        }
        happened()
    }

    /// `struct inotify_event`: watch, mask, cookie, length of the name, each 4 bytes; then the name, padded with zeros.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [DirectoryEvent] {
        var events: [DirectoryEvent] = []
        var place = 0
        while place + 16 <= bytes.count {
            let watch = bytes.loadUnaligned(fromByteOffset: place, as: Int32.self)
            let mask = bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)
            let length = Int(bytes.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self))
            guard place + 16 + length <= bytes.count else { break }
            let name = bytes[(place + 16)..<(place + 16 + length)].prefix { $0 != 0 }
            place += 16 + length
            let gone = UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_UNMOUNT) | UInt32(IN_IGNORED)
            if mask & UInt32(IN_Q_OVERFLOW) != 0 {
                events.append(.overflow)
            } else if mask & gone != 0 {
                events.append(.gone(watch: watch))
            } else {
                let whole = UInt32(IN_MOVED_TO) | UInt32(IN_CLOSE_WRITE)
                let change: EntryChange =
                    mask & whole != 0 ? .arrived : mask & UInt32(IN_CREATE) != 0 ? .made : .gone
                events.append(.entry(watch: watch, name: String(decoding: name, as: UTF8.self), change))
            }
        }
        return events
    }
}
