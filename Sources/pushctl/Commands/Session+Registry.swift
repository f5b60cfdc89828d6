internal import Control
internal import FoundationEssentials

/// Commands that look at what a registry has.
extension Session {
    func verify(
        _ reference: String, against: String?, deep: Bool, _ login: Command.PushLogin
    ) async throws -> Int32 {
        let (client, own) = try await connect(with: login, for: "verify")
        var input = Verify.Input(reference: reference, against: against, level: deep ? "deep" : nil)
        (input.login, input.loginFiles) = try own.parameters(for: [registry(of: reference)])
        let report = try await client.call(Verify.self, input).report
        if json { try console.printJSON(report) } else { try console.print(lines(report, against: against)) }
        return report.verified ? ExitStatus.done : ExitStatus.failed
    }

    private func lines(_ report: VerifyReport, against: String?) -> [Line] {
        var verdict = Line(report.reference + "  ", .bold)
        if report.verified {
            verdict.append("verified", .good)
            if let against { verdict.append(": it is \(against)") }
        } else {
            let count = report.problems.count
            verdict.append(count == 1 ? "differs: 1 problem" : "differs: \(count) problems", .bad)
        }
        let checked =
            switch report.level {
            case "manifest": "manifests checked"
            case "blobs": "manifests checked, and that every blob is there in its size"
            case "deep": "manifests checked, every blob downloaded and hashed"
            default: "checked at level \(report.level)"
            }
        let blobs = "\(report.blobs) \(report.blobs == 1 ? "blob" : "blobs"), \(formatBytes(report.bytes))"
        var lines = [verdict, "  \(report.digest)", Line("  \(blobs): \(checked)", .dim)]
        for problem in report.problems {
            var line = Line("  " + problem.kind, .bad)
            line.append("  \(shortDigest(problem.digest))  \(problem.message)")
            lines.append(line)
        }
        return lines
    }

    /// The registry of a reference, which comes first in it.
    func registry(of reference: String) -> String { String(reference.prefix { $0 != "/" }) }

    func inspect(_ reference: String, raw: Bool, _ login: Command.PushLogin) async throws -> Int32 {
        let (client, own) = try await connect(with: login, for: "inspect")
        var input = Inspect.Input(reference: reference, raw: raw ? true : nil)
        (input.login, input.loginFiles) = try own.parameters(for: [registry(of: reference)])
        let output = try await client.call(Inspect.self, input)
        if raw {
            guard let bytes = Data(base64Encoded: output.manifest) else {
                throw Failure("cannot print the manifest: the daemon's answer is not Base64", status: ExitStatus.failed)
            }
            try console.write(Array(bytes))
        } else if json {
            try console.printJSON(output)
        } else {
            var lines: [Line] = [
                Line(output.reference, .bold),
                "  digest      \(output.digest)",
                "  media type  \(output.mediaType)",
                "  manifest    \(formatBytes(output.size))",
            ]
            let column = output.platforms.reduce(0) { max($0, $1.platform.displayWidth) } + 2
            for (index, platform) in output.platforms.enumerated() {
                let name = (index == 0 ? "platforms" : "").padding(to: 12)
                // The one manifest of an image for one machine is named above.
                let isRoot = platform.digest == output.digest
                let text = isRoot ? platform.platform : platform.platform.padding(to: column) + platform.digest
                lines.append("  \(name)\(text)")
            }
            try console.print(lines)
        }
        return ExitStatus.done
    }

    func tags(_ repository: String, limit: Int?, _ login: Command.PushLogin) async throws -> Int32 {
        let (client, own) = try await connect(with: login, for: "tags")
        var input = Tags.Input(repository: repository, limit: limit)
        (input.login, input.loginFiles) = try own.parameters(for: [registry(of: repository)])
        for try await reply in client.stream(Tags.self, input) {
            try show(reply.tags, as: "tag")
        }
        return ExitStatus.done
    }

    func repos(_ registry: String, limit: Int?, _ login: Command.PushLogin) async throws -> Int32 {
        let (client, own) = try await connect(with: login, for: "repos")
        var input = Repositories.Input(registry: registry, limit: limit)
        (input.login, input.loginFiles) = try own.parameters(for: [registry])
        for try await reply in client.stream(Repositories.self, input) {
            try show(reply.repositories, as: "repository")
        }
        return ExitStatus.done
    }

    /// A line each, at once: what comes later may take a while.
    private func show(_ names: [String], as key: String) throws {
        guard json else { return try console.print(names.map { Line($0) }) }
        for name in names { try console.printJSON([key: name]) }
    }
}
