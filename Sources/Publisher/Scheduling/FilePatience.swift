/// How long a push waits for a local file that is being written again: a short series of growing waits, and an end.
///
/// Without jitter: nobody but this machine is asked.
struct FilePatience: Sendable, Equatable {
    /// The first wait; each further one doubles it.
    var first: Duration = .seconds(1)
    var longest: Duration = .seconds(60)
    /// Waits in a row; ten minutes in all.
    var waits = 15

    /// - Parameter earlier: failures of this kind in a row before the present one.
    /// - Returns: nil where the file has been waited for long enough.
    func wait(after earlier: Int) -> Duration? {
        guard earlier < waits else { return nil }
        return min(first * (1 << min(earlier, 20)), longest)
    }

    /// How many of a job's latest attempts failed for a local file, one after the other.
    ///
    /// - Parameters:
    ///   - codes: what the attempts failed with, the oldest first; nil for those that did not.
    ///   - failures: failures in a row, the present one included: where a person retried the job, or it got on meanwhile,
    ///     the series begins anew.
    static func series(_ codes: [String?], failures: Int) -> Int {
        let inRow = codes.compactMap(\.self).reversed().prefix { aboutFiles.contains($0) }.count
        return min(inRow, max(failures - 1, 0))
    }

    /// Of the errors that say so; `digest-mismatch` of a registry ends a job at once and is never followed.
    private static let aboutFiles: Set<String> = [
        "file-changed", "file-unreadable", "blob-size", "blob-damaged", "blob-missing", "platforms-missing",
        "digest-mismatch", "index-unreadable", "link-unproven",
    ]
}
