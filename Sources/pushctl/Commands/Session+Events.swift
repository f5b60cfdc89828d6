internal import Control

extension Session {
    /// Prints events; with `follow` each once and in order, also across a restart of the daemon.
    func events(follow: Bool, since: Command.EventStart?) async throws -> Int32 {
        let began = Timestamp(milliseconds: console.now())
        var input = Events.Input(follow: follow ? true : nil)
        switch since {
        case .after(let id): input.after = id
        case .ago(let span): input.since = Timestamp(milliseconds: began.milliseconds - Int64(span.inSeconds * 1000))
        case .time(let time): input.since = Timestamp(milliseconds: time)
        case nil: break
        }
        var client = try await daemon.connect()
        while true {
            do {
                for try await reply in client.stream(Events.self, input) {
                    guard let event = reply.event else { break }
                    if json { try console.printJSON(event) } else { try console.print(line(event)) }
                    (input.after, input.since) = (event.id, nil)
                }
                return ExitStatus.done
            } catch let error where follow && isDaemonAway(error) {}
            // Nothing has come yet: what happens while the daemon is away is not to be missed.
            if input.after == nil, input.since == nil { input.since = began }
            client = try await daemon.connectAgain(within: Follower.patience)
        }
    }

    private func line(_ event: EventInfo) -> Line {
        var line = Line(console.isTerminal ? console.localTime(event.at.milliseconds) : event.at.description, .dim)
        line.append("  #\(event.id)", .dim)
        if let job = event.job { line.append("  job \(job)") }
        if let destination = event.destination { line.append("  " + destination) }
        if let state = event.state {
            line.append("  " + state, style(of: state))
        } else {
            line.append("  " + event.kind)
        }
        if let registry = event.registry { line.append("  " + registry) }
        // Who asked for a job, its other lines say.
        if event.job == nil, let asker = event.askedBy { line.append("  by \(describeAsker(asker))", .dim) }
        if let message = event.message { line.append((event.state == nil ? "  " : ": ") + message) }
        return line
    }
}
