/// Tells when OCI layouts have changed and are complete again.
public actor LayoutWatcher {
    /// Directories of layouts that have changed, came or went; each once at the start if it exists.
    ///
    /// For one listener. A directory that changes again before it was taken is told once.
    public nonisolated var changes: AsyncStream<String> { AsyncStream { $0.finish() } }

    /// - Parameters:
    ///   - directories: absolute paths of layouts, which need not exist.
    ///   - settle: silence after the last write before a layout is read.
    ///   - rescan: how often every layout is looked at, events or not: heals what events have missed.
    public init(directories: [String], settle: Duration = .milliseconds(200), rescan: Duration = .seconds(5)) {}

    /// Watches until its task is cancelled. Call it once.
    public func run() async {}

    /// Watches these layouts from now on.
    public func setDirectories(_ directories: [String]) {}
}
