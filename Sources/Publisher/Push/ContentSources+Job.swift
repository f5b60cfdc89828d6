import ImageStore
import PushQueue

extension ContentSources {
    /// Where a job's bytes are: pinned in the spool, or else still in the store that they came from, opened with the
    /// rights that the job acts with.
    init(of job: Job, spool: Spool, userFiles: UserFiles) {
        // A job's source is its store's id.
        let rights = StoreRights(of: job.actsAs, by: userFiles)
        let origin =
            job.source.hasPrefix("oci:/") ? [OCILayout(directory: String(job.source.dropFirst(4)), rights: rights)] : []
        self.init([spool] + origin)
    }
}
