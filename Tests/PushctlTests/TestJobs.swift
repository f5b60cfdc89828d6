import Control

/// 2026-03-04T05:06:07Z, when every test takes place.
let testNow: Int64 = 1_772_600_767_000

/// A layer whose digest begins with `name`, twelve digits at most.
func testLayer(
    _ name: String, size: Int64, _ outcome: String = "pending", done: Int64? = nil, detail: String? = nil,
    role: String = "layer"
) -> BlobInfo {
    let hex = name + String(repeating: "0", count: 64 - name.count)
    return BlobInfo(
        digest: "sha256:" + hex, size: size, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", role: role,
        outcome: outcome, bytesDone: done ?? (outcome == "pending" ? 0 : size), detail: detail)
}

/// A job that came in a minute ago.
func testJob(
    _ id: Int, _ state: String, to destination: String = "registry.example/team/app:1", image: String = "team/app:1",
    attempts: Int = 1, blobs: [BlobInfo]? = nil, configure: (inout JobInfo) -> Void = { _ in }
) -> JobInfo {
    let all = blobs ?? []
    func sum(_ outcome: String) -> Int64 { all.reduce(0) { $0 + ($1.outcome == outcome ? $1.size : 0) } }
    var job = JobInfo(
        id: id, state: state, image: image, source: "oci:/srv/images",
        digest: "sha256:" + String(repeating: "d", count: 64), destination: destination, origin: "command", priority: 0,
        verify: "manifest", attempts: attempts, createdAt: Timestamp(milliseconds: testNow - 60_000),
        updatedAt: Timestamp(milliseconds: testNow - 1000),
        endedAt: ["succeeded", "failed", "canceled", "superseded"].contains(state)
            ? Timestamp(milliseconds: testNow - 8000) : nil,
        bytesTotal: all.reduce(0) { $0 + $1.size }, bytesUploaded: sum("uploaded"), bytesMounted: sum("mounted"),
        bytesExisting: sum("existing"), blobs: blobs)
    configure(&job)
    return job
}
