internal import Glibc

/// What happens on one connection.
extension ServerLoop {
    /// Does what the kernel says can be done.
    func serve(_ connection: Connection, _ ready: Epoll.Interest) {
        if !ready.isDisjoint(with: .hangUp) {
            // The other end is closed for good. What was sent before is still there to be read.
            return connection.isRefused ? drop(connection) : abandon(connection)
        }
        if ready.contains(.input), wantsInput(connection) {
            let arrival = connection.input.read(from: connection.socket.number)
            if connection.isRefused { connection.input = MessageReader(limit: limits.messageBytes) }  // not listened to
            if arrival == .end { connection.inputEnded = true }
            if case .failed = arrival { return connection.isRefused ? drop(connection) : abandon(connection) }
        }
        flush(connection)
    }

    /// Whether bytes are read at present: not while a call waits for others to end, or for the client to read.
    func wantsInput(_ connection: Connection) -> Bool {
        switch connection.phase {
        case .open: !connection.inputEnded && connection.held == nil && hasRoom(connection)
        case .refused: !connection.inputEnded
        case .finishing, .abandoned: false
        }
    }

    /// Begins the calls that may begin, writes what can be written, and ends the connection when nothing is left.
    func flush(_ connection: Connection) {
        var progress = OutputQueue.Progress.drained
        var hasBegun = false
        repeat {
            connection.settle()
            hasBegun = beginCalls(connection)
            guard connection.phase != .abandoned else { break }
            let before = connection.output.count
            progress = connection.output.write(to: connection.socket.number)
            if connection.output.count != before { connection.outputMoved = .now }
            if case .failed = progress { return connection.isRefused ? drop(connection) : abandon(connection) }
        } while hasBegun && progress == .drained
        if connection.output.count < limits.outputBytes { connection.resumeWaiting(true) }
        if connection.isOver { end(connection) } else { updateWatch(connection) }
    }

    private func hasRoom(_ connection: Connection) -> Bool {
        connection.output.count < limits.outputBytes && connection.calls.count < limits.callsInFlight
    }

    // MARK: Calls

    /// Returns whether any call was taken from what has arrived.
    private func beginCalls(_ connection: Connection) -> Bool {
        var hasBegun = false
        while stopDeadline == nil, connection.takesCalls, hasRoom(connection) {
            guard let message = connection.held ?? nextMessage(connection) else { break }
            connection.held = message
            guard begin(message, connection) else { break }
            connection.held = nil
            hasBegun = true
        }
        return hasBegun
    }

    private func nextMessage(_ connection: Connection) -> CallMessage? {
        do {
            while true {
                if let message = try connection.input.next(CallMessage.init(parsing:)) { return message }
                // No other code reads what an abandoned connection still holds.
                guard connection.phase == .abandoned,
                    connection.input.read(from: connection.socket.number) == .bytes
                else { return nil }
            }
        } catch {
            // Where the next message begins can't be trusted any more.
            answer(connection, method: "", with: ControlError(error))
            if connection.phase == .open { connection.phase = .finishing }
            connection.mustLinger = true
            connection.inputEnded = true
            return nil
        }
    }

    /// Begins a call, or answers it at once. Returns false if it must wait for the earlier calls to be answered.
    private func begin(_ message: CallMessage, _ connection: Connection) -> Bool {
        if connection.phase == .abandoned && !message.oneway { return true }
        let handler: MethodHandler
        do {
            handler = try table.handler(for: message)
        } catch {
            if !message.oneway { answer(connection, method: message.method, with: error) }
            return true
        }
        guard connection.allows(overlapping: handler.overlaps, method: message.method) else { return false }
        lastCall += 1
        let port = ReplyPort(
            mailbox: mailbox, connection: connection.id, call: lastCall, wantsReply: !message.oneway,
            replyLimit: limits.replyBytes)
        let task = Task { [caller = connection.caller] in await handler.run(message, caller, port) }
        connection.calls.append(
            Connection.Call(
                number: lastCall, method: message.method, isStream: handler.isStream, wantsReply: !message.oneway,
                task: task))
        return true
    }

    private func answer(_ connection: Connection, method: String, with error: ControlError) {
        lastCall += 1
        connection.calls.append(
            Connection.Call(
                number: lastCall, method: method, isStream: false, wantsReply: true, reply: ReplyMessage.bytes(error)))
        connection.settle()
    }

    // MARK: What the calls' tasks tell

    func readNotes() {
        mailbox.wakeUp.clear()
        var touched: [UInt64: Connection] = [:]
        for note in mailbox.takeAll() {
            switch note {
            case .finished(let id, let call, let reply):
                guard let connection = connections[id],
                    let index = connection.calls.firstIndex(where: { $0.number == call })
                else { continue }
                connection.calls[index].reply = reply
                touched[id] = connection
            case .part(let id, _, let reply, let room):
                guard let connection = connections[id], connection.phase != .abandoned else {
                    room.resume(returning: false)
                    continue
                }
                // A stream never runs beside other calls, so it is at the front.
                connection.write(reply)
                connection.waiting.append(room)
                touched[id] = connection
            case .stop: beginStop()
            }
        }
        for connection in touched.values { flush(connection) }
    }

    // MARK: Ends

    /// The client is gone, or reads too slowly: cancels the calls that want a reply, and lets the others run.
    func abandon(_ connection: Connection) {
        connection.phase = .abandoned
        stopWatching(connection)
        shutdown(connection.socket.number, Int32(SHUT_RDWR))
        connection.output.removeAll()
        connection.resumeWaiting(false)
        for call in connection.calls where call.wantsReply { call.task?.cancel() }
        if connection.held?.oneway == false { connection.held = nil }
        flush(connection)
    }

    private func end(_ connection: Connection) {
        guard connection.mustLinger, connection.phase == .finishing else { return drop(connection) }
        // Closing now would fail a client that is still writing before it has read why.
        connection.mustLinger = false
        connection.inputEnded = false
        connection.phase = .refused(until: .now + limits.refusalGrace)
        updateWatch(connection)
    }

    func drop(_ connection: Connection) {
        stopWatching(connection)
        connection.resumeWaiting(false)
        connections[connection.id] = nil
    }
}
