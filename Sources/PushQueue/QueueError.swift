/// Why the queue could not do something, and what a person can do about it.
public struct QueueError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Cause: Sendable, Hashable {
        /// No space, or the quota is used up.
        case diskFull
        /// The file or its directory cannot be opened or written.
        case notWritable(reason: String)
        /// The path is a link or no regular file, or the file belongs to another user.
        case unsafeFile(reason: String)
        /// The file is damaged, or no database at all.
        case corrupt(reason: String)
        /// It is a database, but another program's.
        case foreign
        /// A newer pushd wrote the file; it is left untouched.
        case tooNew(found: Int64, known: Int64)
        /// Another process holds the database's lock.
        case locked
        /// The disk failed.
        case inputOutput(reason: String)
        /// Any other answer of SQLite, with its extended result code.
        case sqlite(code: Int32, message: String)
        /// The worker no longer has the job: it was cancelled, expired or taken by another.
        case staleClaim(job: JobID, attempt: Int)
        /// The job cannot be stored as it is.
        case invalidJob(reason: String)
        /// A member would have more pending than the configuration allows.
        case quota(MemberQuota.Excess)
    }

    /// What was to be done, as the end of "cannot …": `accept a push`.
    public let attempt: String
    /// The database's file.
    public let path: String
    public let cause: Cause

    public init(attempt: String, path: String, cause: Cause) {
        self.attempt = attempt
        self.path = path
        self.cause = cause
    }

    public var description: String { "cannot \(attempt): \(why)" }

    /// What a person can do; nil where nothing is to be done.
    public var advice: String? {
        switch cause {
        case .diskFull: "free space on the file system of \(path); pushd then continues by itself"
        case .notWritable: "give pushd's user write permission on \(path) and its directory"
        case .unsafeFile:
            "let \(path) be a regular file that belongs to pushd's user, or choose another state directory"
        case .corrupt:
            "stop pushd, move \(path) and its -wal and -shm files away (keep them if jobs matter), and start it again"
        case .foreign: "choose another state directory, or move \(path) away"
        case .tooNew: "install the newer pushd again, or start this one with another state directory"
        case .locked: "end the other program that has \(path) open"
        case .inputOutput: "look at the kernel's log for errors of the disk under \(path)"
        case .sqlite, .staleClaim, .invalidJob: nil
        case .quota(.jobs):
            "wait until some have ended, cancel some, or let an administrator raise control.quotas.jobs in pushd.json5"
        case .quota(.bytes):
            "wait until some have ended, cancel some, or let an administrator raise control.quotas.bytes in pushd.json5"
        }
    }

    private var why: String {
        switch cause {
        case .diskFull: "the disk of \(path) is full"
        case .notWritable(let reason): "\(path) cannot be written: \(reason)"
        case .unsafeFile(let reason): "\(path) is not safe to use: \(reason)"
        case .corrupt(let reason): "\(path) is damaged or not a database: \(reason)"
        case .foreign: "\(path) is another program's database"
        case .tooNew(let found, let known):
            "\(path) was written by a newer pushd (its schema is \(found), this pushd knows \(known)); it is untouched"
        case .locked: "another program has locked \(path)"
        case .inputOutput(let reason): "reading or writing \(path) failed: \(reason)"
        case .sqlite(let code, let message): "SQLite says: \(message) (code \(code))"
        case .staleClaim(let job, let attempt): "job \(job) is no longer held by claim \(attempt)"
        case .invalidJob(let reason): reason
        case .quota(.jobs(let uid, let limit)):
            "user \(uid) would have more than \(limit) jobs that have not ended, which is what control.quotas.jobs allows"
        case .quota(.bytes(let uid, let limit)):
            "user \(uid) would have more than \(limit) bytes in jobs that have not ended, which is what "
                + "control.quotas.bytes allows"
        }
    }
}
