internal import Control

/// Where the daemon may listen, the first choice first: see ``SocketPlaces``.
///
/// - Parameter named: what `--socket` says; it excludes all others, and so does `PUSHD_SOCKET`.
func socketCandidates(named: String?, _ around: Surroundings, _ places: SocketPlaces) -> [String] {
    if let named { return [absolute(named, around.directory)] }
    if let named = around.environment["PUSHD_SOCKET"], !named.isEmpty { return [absolute(named, around.directory)] }
    return places.candidates
}

private func absolute(_ path: String, _ directory: String) -> String {
    path.hasPrefix("/") ? path : directory + "/" + path
}
