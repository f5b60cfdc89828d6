internal import Control
internal import FoundationEssentials

/// Answers a shell that asks what could stand at the cursor: `pushctl __complete -- WORD… CURRENT`.
///
/// The shells' scripts only pass words on, so that all three offer the same. A person waits for the answer: what the
/// daemon doesn't answer in half a second is left out, and no error is ever printed.
@MainThread
struct Completer {
    let console: Console
    let around: Surroundings
    /// Of all that the daemon is asked.
    var patience: Duration = .milliseconds(500)

    /// What marks a command line as a shell's question.
    nonisolated static let command = "__complete"

    /// Prints a line for each candidate: the word, and after a tab what it is.
    func answer(_ arguments: [String]) async throws(OutputError) {
        let words = arguments.first == "--" ? Array(arguments.dropFirst()) : arguments
        guard let current = words.last else { return }
        let plan = CompletionPlan(Array(words.dropLast()), current: current, commands: CommandSpec.all)
        var seen = plan.taken
        for candidate in await candidates(plan) {
            let value = candidate.value
            // A word that could steer the terminal is no help.
            guard value.hasPrefix(plan.begun), value == value.printable, seen.insert(value).inserted else { continue }
            let note = candidate.note.printable
            try console.write(Array((plan.prefix + value + (note.isEmpty ? "" : "\t" + note) + "\n").utf8))
        }
    }

    private func candidates(_ plan: CompletionPlan) async -> [Candidate] {
        var candidates: [Candidate] = []
        let asked = await knowledge(for: plan)
        for source in plan.sources {
            switch source {
            case .fixed(let fixed): candidates += fixed
            case .files(let onlyDirectories): candidates += files(plan.begun, onlyDirectories: onlyDirectories)
            case .jobs:
                candidates += asked.jobs.map {
                    Candidate(value: String($0.id), note: "\($0.state), \($0.destination)")
                }
            case .images:
                candidates += asked.images.map { Candidate(value: $0.name, note: $0.size.map(formatBytes) ?? "") }
            case .references:
                candidates += asked.jobs.filter { $0.hidden != true }.map { Candidate(value: $0.destination) }
            case .repositories:
                candidates += asked.jobs.filter { $0.hidden != true }
                    .map { Candidate(value: Self.repository(of: $0.destination)) }
            case .registries(let ending):
                let hosts = asked.registries + asked.jobs.map { String($0.destination.prefix { $0 != "/" }) }
                candidates += hosts.map { Candidate(value: $0 + ending) }
            }
        }
        return candidates
    }

    // MARK: The daemon

    private struct Knowledge: Sendable {
        var jobs: [JobInfo] = []
        var images: [LocalImageInfo] = []
        var registries: [String] = []
    }

    private func knowledge(for plan: CompletionPlan) async -> Knowledge {
        var wanted = (jobs: false, images: false, registries: false)
        for source in plan.sources {
            switch source {
            case .jobs, .references, .repositories: wanted.jobs = true
            case .registries: (wanted.jobs, wanted.registries) = (true, true)
            case .images: wanted.images = true
            case .fixed, .files: break
            }
        }
        var known = Knowledge()
        guard wanted.jobs || wanted.images || wanted.registries else { return known }
        let places = SocketPlaces(user: around.userID, environment: around.environment)
        let daemon = Daemon(sockets: socketCandidates(named: plan.socket, around, places))
        let deadline = ContinuousClock.now + patience
        guard let client = try? await daemon.connect(timeout: patience) else { return known }
        /// Nil also where the time is up, or an older daemon does not have the method.
        func ask<M: Method>(_ method: M.Type, _ input: M.Input) async -> M.Output? {
            try? await client.call(method, input, timeout: max(deadline - .now, .zero))
        }
        if wanted.jobs {
            let states = plan.jobStates.map { Array($0) }
            known.jobs = await ask(List.self, List.Input(states: states, limit: 500))?.jobs ?? []
        }
        if wanted.images { known.images = await ask(Images.self, Images.Input())?.images ?? [] }
        if wanted.registries {
            known.registries = await ask(Registries.self, Registries.Input(brief: true))?.registries.map(\.name) ?? []
        }
        return known
    }

    private static func repository(of reference: String) -> String {
        let name = reference.prefix { $0 != "@" }
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return String(name) }
        return String(name[..<colon])
    }

    // MARK: The file system

    /// What there is below the directory that `begun` names, as far as it goes on like `begun`.
    private func files(_ begun: String, onlyDirectories: Bool) -> [Candidate] {
        let (typed, name): (Substring, Substring) =
            if let slash = begun.lastIndex(of: "/") {
                (begun[...slash], begun[begun.index(after: slash)...])
            } else {
                ("", begun[...])
            }
        var directory = typed.hasPrefix("/") ? String(typed) : around.directory + "/" + typed
        if typed.hasPrefix("~/"), let home = around.environment["HOME"] { directory = home + typed.dropFirst(1) }
        let manager = FileManager.default
        guard let names = try? manager.contentsOfDirectory(atPath: directory) else { return [] }
        return names.sorted().filter { $0.hasPrefix(name) && (name.hasPrefix(".") || !$0.hasPrefix(".")) }.prefix(1000)
            .compactMap { entry in
                var isDirectory = false
                guard manager.fileExists(atPath: directory + "/" + entry, isDirectory: &isDirectory) else { return nil }
                if !isDirectory { return onlyDirectories ? nil : Candidate(value: typed + entry) }
                // A layout is what was looked for, not a step on the way.
                let isLayout = onlyDirectories && manager.fileExists(atPath: directory + "/" + entry + "/oci-layout")
                return Candidate(value: typed + entry + (isLayout ? "" : "/"), note: isLayout ? "an image layout" : "")
            }
    }
}
