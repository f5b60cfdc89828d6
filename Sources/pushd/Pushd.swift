import CLinux
import Control
import Glibc
import ImageStore
import PushQueue

/// `pushd`: reads its command line, then is the daemon until a signal ends it.
@main
struct Pushd {
    static func main() {
        // Before there is a second thread, which would keep what it got from this one.
        linux_drop_ambient_capabilities()
        linux_hide_memory()
        if CommandLine.arguments.dropFirst().first == FileServer.option { exit(FileOpener.serve()) }
        let signals = Signals()
        Task.detached {  // the main actor would be this thread, which is about to wait
            await run(signals.events)
            exit(0)
        }
        signals.receive()
    }

    private static func run(_ signals: AsyncStream<Signals.Event>) async {
        // systemd tells root's services no HOME, and root's logins lie there all the same.
        let home = UserDatabase.home(of: geteuid())
        let environment = Self.environment().merging(home.map { ["HOME": $0] } ?? [:]) { $0.isEmpty ? $1 : $0 }
        let sockets = SocketPlaces(user: geteuid(), environment: environment)
        let arguments: Arguments
        let places: Places
        do {
            let directory = getcwd(nil, 0).map { String(cString: $0) } ?? "/"
            arguments = try Arguments(Array(CommandLine.arguments.dropFirst()), workingDirectory: directory)
            if arguments.showHelp { return finish(printing: Arguments.help) }
            if arguments.showVersion { return finish(printing: "pushd \(Daemon.version)\n") }
            places = try Places(
                arguments, environment: environment, workingDirectory: directory, isRoot: geteuid() == 0,
                sockets: sockets)
        } catch {
            fail("\(error)", advice: "pushd --help lists the options", status: 2)
        }
        let daemon = Daemon(
            places: places, sockets: sockets, arguments: arguments, environment: environment,
            manager: ServiceManager(environment: environment), signals: signals)
        do {
            if arguments.checkConfiguration {
                let configuration = try daemon.check()
                let isThere = access(places.configuration, F_OK) == 0
                for warning in configuration.warnings(file: places.configuration) { say("warning: \(warning)\n") }
                return finish(
                    printing: isThere
                        ? "\(places.configuration): no faults found\n"
                        : "there is no \(places.configuration): every setting has its default\n")
            }
            try await daemon.run()
        } catch let faults as Daemon.Faults {
            for fault in faults.list.dropLast() { say("\(fault)\n") }
            fail("\(faults.list[faults.list.count - 1])", advice: nil, status: 2)
        } catch let error as ConfigurationError {
            fail("\(error)", advice: error.advice, status: 2)
        } catch let error as StartError {
            fail("\(error)", advice: error.advice, status: 1)
        } catch let error as QueueError {
            // Its own advice is for a daemon that runs, and waits.
            let isFull = error.cause == .diskFull
            fail(
                "\(error)",
                advice: isFull ? "free space on the file system of \(error.path), and start pushd again" : error.advice,
                status: 1)
        } catch let error as ListenError {
            fail("\(error)", advice: error.advice, status: 1)
        } catch let error as ImageStoreError {
            fail("\(error)", advice: error.advice, status: 1)
        } catch {
            fail("\(error)", advice: nil, status: 1)
        }
    }

    private static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }

    private static func finish(printing text: String) { print(text, terminator: "") }

    private static func fail(_ message: String, advice: String?, status: Int32) -> Never {
        say("\(message)\n" + (advice.map { "  \($0)\n" } ?? ""))
        exit(status)
    }

    private static func say(_ text: String) {
        _ = "pushd: \(text)".withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
}
