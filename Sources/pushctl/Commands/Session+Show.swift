internal import Control

extension Session {
    /// Shows each job whole, in the order in which they were named. One of several that is not there does not keep the
    /// others from being shown.
    func show(_ ids: [Int]) async throws -> Int32 {
        let client = try await daemon.connect()
        var left: [LeftJob] = []
        var shown = 0
        for id in ids {
            do {
                let output = try await client.call(Show.self, Show.Input(job: id))
                try show(output, after: shown)
                shown += 1
            } catch let error as ControlError where error.kind == .jobNotFound && ids.count > 1 {
                left.append(LeftJob(job: id, error: JobErrorInfo(error)))
                if json { try console.printJSON(LeftDocument(left[left.count - 1])) }
            }
        }
        return json ? status(of: left) : complain(of: left)
    }

    private func show(_ output: Show.Output, after shown: Int) throws {
        if json {
            let attempts = output.attempts.map(AttemptDocument.init)
            try console.printJSON(ShowDocument(job: JobDocument(output.job), attempts: attempts))
        } else {
            let report = JobReport(
                job: output.job, attempts: output.attempts, now: console.now(), localTime: console.localTime)
            let lines = report.lines(width: console.isTerminal ? console.size().width : nil)
            try console.print(shown == 0 ? lines : [Line("")] + lines)
        }
    }

    private struct ShowDocument: Encodable {
        let job: JobDocument
        let attempts: [AttemptDocument]
    }
}
