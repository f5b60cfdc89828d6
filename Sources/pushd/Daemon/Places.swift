import Control

/// Where things are, for the system's daemon and for a user's own.
struct Places: Equatable {
    let configuration: String
    let stateDirectory: String
    let socket: String

    /// - Parameter workingDirectory: what a relative `PUSHD_SOCKET` is taken from, as pushctl takes it.
    /// - Throws: ``UsageError`` where the environment does not say and no option does.
    init(
        _ arguments: Arguments, environment: [String: String], workingDirectory: String, isRoot: Bool,
        sockets: SocketPlaces
    ) throws(UsageError) {
        // Relative ones are ignored, as the XDG Base Directory Specification demands.
        func absolute(_ variable: String) -> String? {
            environment[variable].flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        func home(_ variable: String, _ fallback: String) -> String? {
            if let path = absolute(variable) { return path }
            return absolute("HOME").map { $0 + "/" + fallback }
        }
        func place(
            _ given: String?, of what: String, system: String, user: String?, variable: String, option: String
        ) throws(UsageError) -> String {
            if let given { return given }
            if isRoot { return system }
            guard let user else { throw UsageError(reason: "\(what) has no place: set \(variable), or give \(option)") }
            return user
        }
        // Under systemd the unit's own directories count, for every user.
        let unitState = environment["STATE_DIRECTORY"].flatMap { $0.split(separator: ":").first.map(String.init) }
        let unitRun = environment["RUNTIME_DIRECTORY"].flatMap { $0.split(separator: ":").first.map(String.init) }
        let unitConfiguration = environment["CONFIGURATION_DIRECTORY"]
            .flatMap { $0.split(separator: ":").first.map(String.init) }
        configuration = try place(
            arguments.configuration ?? unitConfiguration.map { $0 + "/pushd.json5" }, of: "the configuration",
            system: "/etc/pushd/pushd.json5",
            user: home("XDG_CONFIG_HOME", ".config").map { $0 + "/pushd/pushd.json5" }, variable: "HOME",
            option: "--config")
        stateDirectory = try place(
            arguments.stateDirectory ?? unitState, of: "the state", system: "/var/lib/pushd",
            user: home("XDG_STATE_HOME", ".local/state").map { $0 + "/pushd" }, variable: "HOME",
            option: "--state-dir")
        let named = environment["PUSHD_SOCKET"].flatMap { path in
            path.isEmpty ? nil : path.hasPrefix("/") ? path : workingDirectory + "/" + path
        }
        socket =
            arguments.socket ?? named ?? unitRun.map { $0 + "/pushd.sock" } ?? sockets.own
    }
}
