internal import Control

extension Session {
    func show(_ id: Int) async throws -> Int32 {
        let output = try await call(Show.self, Show.Input(job: id))
        if json {
            try console.printJSON(ShowDocument(job: JobDocument(output.job), attempts: output.attempts))
        } else {
            let report = JobReport(
                job: output.job, attempts: output.attempts, now: console.now(), localTime: console.localTime)
            try console.print(report.lines(width: console.isTerminal ? console.size().width : nil))
        }
        return ExitStatus.done
    }

    private struct ShowDocument: Encodable {
        let job: JobDocument
        let attempts: [AttemptInfo]
    }
}
