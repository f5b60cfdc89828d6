import Glibc

/// Where things are, for the system's daemon and for a user's own.
struct Places: Equatable {
    let configuration: String
    let stateDirectory: String
    let socket: String

    /// - Throws: ``UsageError`` where the environment does not say and no option does.
    init(_ arguments: Arguments, environment: [String: String], isRoot: Bool) throws(UsageError) {
        func home(_ variable: String, _ fallback: String) -> String? {
            if let path = environment[variable], path.hasPrefix("/") { return path }
            return environment["HOME"].map { $0 + "/" + fallback }
        }
        func place(
            _ given: String?, system: String, user: String?, option: String
        ) throws(UsageError) -> String {
            if let given { return given }
            if isRoot { return system }
            guard let user else { throw UsageError(reason: "neither \(option) nor the environment says where to go") }
            return user
        }
        // Under systemd the unit's own directories count, whoever it runs as.
        let unitState = environment["STATE_DIRECTORY"].flatMap { $0.split(separator: ":").first.map(String.init) }
        let unitRun = environment["RUNTIME_DIRECTORY"].flatMap { $0.split(separator: ":").first.map(String.init) }
        let unitConfiguration = environment["CONFIGURATION_DIRECTORY"]
            .flatMap { $0.split(separator: ":").first.map(String.init) }
        configuration = try place(
            arguments.configuration ?? unitConfiguration.map { $0 + "/pushd.json5" }, system: "/etc/pushd/pushd.json5",
            user: home("XDG_CONFIG_HOME", ".config").map { $0 + "/pushd/pushd.json5" }, option: "--config")
        stateDirectory = try place(
            arguments.stateDirectory ?? unitState, system: "/var/lib/pushd",
            user: home("XDG_STATE_HOME", ".local/state").map { $0 + "/pushd" }, option: "--state-dir")
        socket = try place(
            arguments.socket ?? unitRun.map { $0 + "/pushd.sock" }, system: "/run/pushd/pushd.sock",
            user: environment["XDG_RUNTIME_DIR"].map { $0 + "/pushd/pushd.sock" }, option: "--socket")
    }
}
