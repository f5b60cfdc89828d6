import ImageStore

/// What a scan of a store leaves unpublished, though rules name it.
struct ScanFindings: Sendable {
    /// Nil for the store itself, which can't be read.
    typealias Failure = (image: String?, error: any Error)

    /// Images that can't be published until they or the rules change.
    var leftOut: Set<UnpublishedImage> = []
    /// What may succeed in the next scan.
    var failures: [Failure] = []
}

/// An image that a rule names and that can't be published, and why.
struct UnpublishedImage: Hashable, Sendable, CustomStringConvertible {
    /// Its name as rules see it, or its digest.
    let image: String
    /// A short word for programs.
    let code: String
    let reason: String

    /// Names come from index.json, which sets no limit.
    init(_ image: String, code: String, _ reason: String) {
        self.image = String(image.prefix(200))
        self.code = code
        self.reason = String(reason.prefix(500))
    }

    var description: String { "\(image) is not published: \(reason)" }
}

/// What the earlier scans of a store found, so that each trouble is reported once while it lasts.
///
/// Pure.
struct ScanHistory: Sendable {
    private var leftOut: Set<UnpublishedImage> = []
    /// Scans in a row that failed: of each image, by name, and under "" of the store itself.
    private var failures: [String: Int] = [:]
    private var reported: Set<String> = []

    /// - Returns: those that the scan before did not leave out, by name.
    mutating func newlyLeftOut(_ found: Set<UnpublishedImage>) -> [UnpublishedImage] {
        defer { leftOut = found }
        return found.subtracting(leftOut).sorted { ($0.image, $0.reason) < ($1.image, $1.reason) }
    }

    /// - Returns: a line for each failure that is to be reported now. One of an image that is perhaps still being written
    ///   is only after many scans.
    mutating func newFailures(_ found: [ScanFindings.Failure]) -> [String] {
        var (counts, lines) = ([String: Int](), [String]())
        for (image, error) in found {
            let name = image ?? ""
            let count = (failures[name] ?? 0) + 1
            counts[name] = count
            if (error as? ImageStoreError)?.mayBeUnfinished == true, count < Self.patience { continue }
            lines.append(image.map { "\($0.prefix(200)): \(error)" } ?? "\(error)")
        }
        failures = counts
        defer { reported = Set(lines) }
        return lines.filter { !reported.contains($0) }
    }

    /// How long to wait for the next scan; nil: nothing has failed.
    var pause: Duration? { failures.values.min().map(Self.pause) }

    /// 50 ms for the first 20 scans, since missing blobs usually follow right after the index; then twice as long each.
    static func pause(after failures: Int) -> Duration {
        failures <= 20 ? .milliseconds(50) : .milliseconds(50 << min(failures - 20, 17))
    }

    /// Failed scans of an unfinished image, about seven seconds in all, before the failure is reported.
    private static let patience = 26
}
