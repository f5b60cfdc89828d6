import ImageStore
import PushQueue

extension ContentSources {
    /// Where a job's bytes are: pinned in the spool, or else still in the store that they came from.
    init(of job: Job, spool: Spool) {
        // A job's source is its store's id.
        let origin = job.source.hasPrefix("oci:/") ? [OCILayout(directory: String(job.source.dropFirst(4)))] : []
        self.init([spool] + origin)
    }
}
