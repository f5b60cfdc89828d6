internal import Glibc
public import System

/// The process that opens files for the daemon as the users who push from them.
///
/// It is a program of its own, so that the daemon, which speaks to the network, need not have the right to become other
/// users. For each connection it makes a process that becomes the user for good, by its own system calls, and opens what
/// that user may open. It reads nothing, and hands out descriptors for reading only.
public enum FileServer {
    /// The option by which the program is this server.
    public static let option = "--open-files-for"
    /// Connections at once; each is a process.
    private static let maximumConnections = 64

    /// Serves a listening socket until this process is ended. There must be no second thread.
    ///
    /// - Parameters:
    ///   - listener: a Unix socket of packets.
    ///   - client: the only user, besides root, whose connections are taken.
    ///   - lifeline: the end of a pipe, whose other end's closing ends it; nil: it returns after a minute without work.
    public static func serve(_ listener: Int32, for client: UInt32, lifeline: Int32?) {
        var children: Set<pid_t> = []
        while true {
            while case let ended = waitpid(-1, nil, WNOHANG), ended > 0 { children.remove(ended) }
            var waiting = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            if let lifeline { waiting.append(pollfd(fd: lifeline, events: 0, revents: 0)) }
            // At the limit a new one waits for an old one to end.
            if children.count >= maximumConnections { waiting[0].events = 0 }
            // Children are collected now and then, also where no connection comes.
            let count = poll(&waiting, nfds_t(waiting.count), children.isEmpty ? 60_000 : 1000)
            if waiting.count > 1, waiting[1].revents != 0 { return }
            if count == 0, children.isEmpty, lifeline == nil { return }
            guard count > 0, waiting[0].revents != 0, let connection = Packets.accept(listener) else { continue }
            defer { close(connection) }
            guard let user = Packets.user(of: connection), user == client || user == 0 else { continue }
            let child = ChildProcess.fork()
            if child == 0 {
                close(listener)
                ChildProcess.endWithParent()
                answer(connection)
                _exit(0)
            }
            if child > 0 { children.insert(child) }
        }
    }

    /// Answers one connection to its end, in a process of its own.
    ///
    /// - Parameter become: takes the user's place, and returns 0 or an error number; for tests, which remain who they are.
    public static func answer(_ connection: Int32, becoming become: (UserIdentity) -> Int32 = { $0.become() }) {
        guard let first = receive(connection), first.descriptor == nil,
            let identity = OpenerMessage.identity(from: first.bytes)
        else { return }
        let failure = become(identity)
        send(failure == 0 ? .absent : .failed(failure), connection)
        guard failure == 0 else { return }
        // A connection that is not used for a while ends, and with the last one the server where it was activated.
        Packets.limitWaiting(connection, seconds: 60)
        while let (bytes, directory) = receive(connection) {
            defer { if let directory { close(directory) } }
            guard let (step, isBelow) = OpenerMessage.step(from: bytes), isBelow == (directory != nil) else { return }
            let outcome = step.take(in: directory ?? AT_FDCWD)
            send(outcome, connection)
            if case .opened(let descriptor, _) = outcome { close(descriptor) }
        }
    }

    private static func receive(_ connection: Int32) -> (bytes: [UInt8], descriptor: Int32?)? {
        Packets.receive(from: connection, limit: OpenerMessage.maximumSize)
    }

    private static func send(_ outcome: OpenStep.Outcome, _ connection: Int32) {
        var file: Int32?
        if case .opened(let descriptor, _) = outcome { file = descriptor }
        _ = Packets.send(OpenerMessage.bytes(of: outcome), file, over: connection)
    }
}
