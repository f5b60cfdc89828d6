import TestSupport
import Testing

@Suite("pushctl status on a real terminal")
struct OutageScreenTests {
    /// Starts a command on a terminal of 80 columns and 14 rows.
    private func onTerminal(_ words: String, _ machine: Machine) throws -> ProcessRunner {
        let program = try builtProduct("pushctl")
        let line = "stty cols 80 rows 14; exec \(program) \(words)"
        return try ProcessRunner(
            "/usr/bin/script", ["-qfec", line, "/dev/null"],
            environment: machine.environment.merging(["LANG": "C.UTF-8", "TERM": "xterm"]) { $1 })
    }

    @Test("shows an outage on one screen, names no job's repository to others, and --watch ends with its jobs")
    func outage() async throws {
        try await Machine.with { machine in
            let builder = try LayoutBuilder(directory: machine.layout)
            try builder.addImage(layers: [try builder.addLayer(size: 3000, seed: 1)], name: "app:1")
            try builder.writeIndexJSON()
            try await TestRegistry.with { registry in
                let host = registry.address
                registry.pause()
                try await machine.withDaemon("retry: { base: '1h', cap: '1h' }") { daemon in
                    let destinations = (10..<40).map { "\(host)/team\($0)/secret:1" }
                    let push = try await machine.pushctl(["push", "-d", "app:1"] + destinations)
                    #expect(push.status == 0, "\(push.errors)")
                    let ids = push.output.split(separator: "\n")
                        .compactMap { $0.split(separator: " ").dropFirst().first }
                    #expect(ids.count == 30)
                    // One has met the trouble, and so all wait for the registry.
                    try await daemon.waitForOutput("connection refused")

                    let screen = try await onTerminal("status", machine).wait()
                    let lines = screen.output.split(separator: "\r\n").map { plain($0) }
                    #expect(screen.status == 0 && lines.count <= 13, "\(lines)")
                    #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
                    #expect(lines.first?.hasPrefix("30 jobs: ") == true, "\(lines)")
                    let head = lines.prefix { !$0.hasPrefix("JOB") }.joined(separator: " ")
                    #expect(head.contains("\(host) is ") && head.contains("connection refused"), "\(head)")
                    #expect(!head.contains("secret"), "\(head)")
                    for line in lines where line.contains("secret") {
                        #expect(line.split(separator: "secret").count == 2, "it names itself only: \(line)")
                    }
                    #expect(lines.last?.hasSuffix(" more, waiting for \(host)") == true, "\(lines)")

                    let watch = try onTerminal("status --watch", machine)
                    try await watch.waitForOutput("more, waiting for \(host)")
                    #expect(try await machine.pushctl(["cancel"] + ids.map(String.init)).status == 0)
                    let watched = try await watch.wait()
                    #expect(watched.status == 0)
                    #expect(watched.output.contains("30 jobs: 30 canceled"))
                }
            }
        }
    }

    /// Without what steers the terminal.
    private func plain(_ text: some StringProtocol) -> String {
        var result = ""
        var isSequence = false
        for character in text {
            if character == "\u{1B}" {
                isSequence = true
            } else if isSequence {
                isSequence = !character.isLetter
            } else {
                result.append(character)
            }
        }
        return result
    }
}
