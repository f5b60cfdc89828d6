internal import Control

extension Session {
    /// How long one question may take: a daemon that is being started by its socket reads its configuration first.
    private static let patience: Duration = .seconds(5)

    /// Asks the daemon who it is, again and again until it answers or `wait` is over.
    func ping(wait: Duration?) async throws -> Int32 {
        let deadline = ContinuousClock.now + (wait ?? .zero)
        var pause = Duration.milliseconds(20)
        while true {
            do {
                let left = wait == nil ? Self.patience : max(deadline - .now, .milliseconds(1))
                let client = try await daemon.connect(timeout: left)
                let info = try await client.call(GetInfo.self, GetInfo.Input(), timeout: left)
                if json {
                    try console.printJSON(PingDocument(version: info.version, socket: client.path))
                } else {
                    try console.print(Line("\(info.product) \(info.version) answers at \(client.path)"))
                }
                return ExitStatus.done
            } catch let error as OutputError {
                throw error
            } catch let error as ControlClientError where error.code == "socket-invalid" {
                throw error  // waiting does not make the path shorter
            } catch {
                try Task.checkCancellation()
                guard ContinuousClock.now + pause < deadline else {
                    let failure = Failure(error)
                    // For the caller every reason means the same: no daemon answers.
                    throw Failure(
                        failure.message, advice: failure.advice, status: ExitStatus.noDaemon, code: failure.code)
                }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(500))
        }
    }

    private struct PingDocument: Encodable {
        let version: String
        let socket: String
    }
}
