/// How long a push waits for a local file that is being written again: waits that double, up to a fixed number.
///
/// Without jitter: the wait is for a local file, and loads no registry.
struct FilePatience: Sendable, Equatable {
    /// The first wait; each further one doubles it.
    var first: Duration = .seconds(1)
    var longest: Duration = .seconds(60)
    /// Waits in a row; ten minutes in all.
    var waits = 15

    /// - Parameter earlier: failures of this kind in a row before the present one.
    /// - Returns: nil after the last wait: the job fails.
    func wait(after earlier: Int) -> Duration? {
        guard earlier < waits else { return nil }
        return min(first * (1 << min(earlier, 20)), longest)
    }

    /// How many of a job's latest attempts failed for a local file, one after the other.
    ///
    /// - Parameters:
    ///   - codes: the attempts' error codes, the oldest first; nil for an attempt without an error.
    ///   - failures: failures in a row, the present one included. After `pushctl retry` or progress the series begins
    ///     anew.
    static func series(_ codes: [String?], failures: Int) -> Int {
        let inRow = codes.compactMap(\.self).reversed().prefix { aboutFiles.contains($0) }.count
        return min(inRow, max(failures - 1, 0))
    }

    /// Codes of errors about local files. A `digest-mismatch` from a registry ends the job, so no attempt follows it.
    private static let aboutFiles: Set<String> = [
        "file-changed", "file-unreadable", "blob-size", "blob-damaged", "blob-missing", "platforms-missing",
        "digest-mismatch", "index-unreadable", "link-unproven",
    ]
}
