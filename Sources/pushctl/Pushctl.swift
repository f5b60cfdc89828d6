internal import Control
internal import Glibc

@main
enum Pushctl {
    static func main() {
        // A reader or a daemon that goes away is an error to report, not a reason to be killed.
        signal(SIGPIPE, SIG_IGN)
        let surroundings = Surroundings.ofThisProcess()
        let console = Console.standard(surroundings.environment)
        let arguments = Array(CommandLine.arguments.dropFirst())
        Task { @MainThread in exit(await run(arguments, in: surroundings, console: console)) }
        MainThread.shared.loop.run()
    }

    /// Everything that pushctl does, without touching the process: what tests call.
    ///
    /// - Parameter arguments: without the program's name.
    /// - Returns: the exit status.
    @MainThread
    static func run(_ arguments: [String], in surroundings: Surroundings, console: Console) async -> Int32 {
        do {
            if arguments.isEmpty {
                var text = ""
                for line in helpText(of: CommandSpec.groups) { text += line.rendered(color: console.errorColor) + "\n" }
                try console.writeError(Array(text.utf8))
                return ExitStatus.usage
            }
            if arguments.first == Completer.command {
                try await Completer(console: console, around: surroundings).answer(Array(arguments.dropFirst()))
                return ExitStatus.done
            }
            let invocation = try Invocation(arguments, in: surroundings)
            let places = SocketPlaces(user: surroundings.userID, environment: surroundings.environment)
            let daemon = Daemon(sockets: socketCandidates(named: invocation.socket, surroundings, places))
            return try await Session(console: console, daemon: daemon, json: invocation.json).run(invocation.command)
        } catch let error as OutputError where error.number == EPIPE {
            return Session.status(ofSignal: SIGPIPE)  // quietly: `pushctl status | head` has what it wants
        } catch let error as OutputError {
            console.complain("cannot write the output: \(String(cString: strerror(error.number)))", advice: nil)
            return ExitStatus.failed
        } catch {
            let failure = Failure(error)
            // Also of a command line that could not be understood: a script that reads JSON gets nothing else.
            if arguments.prefix(while: { $0 != "--" }).contains("--json") {
                try? console.printJSON(ErrorDocument(failure))
            } else {
                console.complain(failure.message, advice: failure.advice)
            }
            return failure.status
        }
    }
}

extension Surroundings {
    static func ofThisProcess() -> Surroundings {
        let names = [
            "PUSHD_SOCKET", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "HOME", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG",
            "NO_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG",
        ]
        var environment: [String: String] = [:]
        for name in names {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        var directory = "/"
        if let path = getcwd(nil, 0) {  // allocated in the size needed
            directory = String(cString: path)
            free(path)
        }
        return Surroundings(environment: environment, directory: directory, userID: geteuid())
    }
}
