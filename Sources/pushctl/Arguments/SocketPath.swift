/// Where the daemon may listen, the first choice first.
///
/// The daemon's own rule is the same: the system service at `/run/pushd`, a user's below `$XDG_RUNTIME_DIR`. Somebody who
/// runs none of their own means the system's.
///
/// - Parameter named: what `--socket` says; it excludes all others, and so does `PUSHD_SOCKET`.
func socketCandidates(named: String?, _ around: Surroundings) -> [String] {
    if let named { return [absolute(named, around.directory)] }
    if let named = around.environment["PUSHD_SOCKET"], !named.isEmpty { return [absolute(named, around.directory)] }
    let system = "/run/pushd/pushd.sock"
    guard around.userID != 0, let runtime = around.environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") else {
        return [system]
    }
    return [runtime + "/pushd/pushd.sock", system]
}

private func absolute(_ path: String, _ directory: String) -> String {
    path.hasPrefix("/") ? path : directory + "/" + path
}
