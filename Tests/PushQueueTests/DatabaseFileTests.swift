import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import PushQueue

@Suite("The queue's file")
struct DatabaseFileTests {
    private func mode(_ path: String) -> mode_t? {
        var facts = stat()
        return stat(path, &facts) == 0 ? facts.st_mode & 0o777 : nil
    }

    /// What opening `path` is refused with.
    private func refusal(_ path: String) throws -> QueueError {
        try #require(throws: QueueError.self) { try JobStore(path: path) }
    }

    @Test("is readable for its owner alone, whatever it was before", arguments: [nil, 0o644, 0o666] as [mode_t?])
    func permissions(before: mode_t?) async throws {
        try await withFile { path in
            if let before {
                _ = try JobStore(path: path)
                #expect(chmod(path, before) == 0)
            }
            let store = try JobStore(path: path)
            _ = try await store.accept(one: .push())
            for suffix in ["", "-wal", "-shm"] { #expect(mode(path + suffix) == 0o600, "\(suffix)") }
        }
    }

    @Test("is never reached through a link, and is a regular file")
    func unsafe() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("queue.db")
            try directory.write(Array("precious".utf8), to: "target")
            #expect(symlink(directory.file("target"), path) == 0)
            #expect(try refusal(path).cause == .unsafeFile(reason: "it is a symbolic link"))
            #expect(FileManager.default.contents(atPath: directory.file("target")) == Data("precious".utf8))
            let folder = try directory.makeDirectory("folder")
            #expect(try refusal(folder).cause == .unsafeFile(reason: "it is no regular file"))
            #expect(try refusal(folder).advice != nil)
        }
    }

    @Test("needs a directory that exists")
    func missing() async throws {
        try await TemporaryDirectory.with { directory in
            let error = try refusal(directory.file("none/queue.db"))
            guard case .notWritable = error.cause else { Issue.record("\(error)"); return }
            #expect(error.description.hasPrefix("cannot open the queue: \(directory.path)/none/queue.db"))
        }
    }

    @Test("is refused untouched when a newer pushd wrote it, its unmerged commits too")
    func tooNew() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("queue.db")
            let newer = directory.file("newer.db")
            do {
                let store = try JobStore(path: path)
                _ = try await store.accept(one: .push())
                try await store.read("play a newer pushd") { store in
                    try store.database.execute("PRAGMA user_version = 99")
                }
                for suffix in ["", "-wal"] {
                    try FileManager.default.copyItem(atPath: path + suffix, toPath: newer + suffix)
                }
            }
            let before = ["", "-wal"].map { FileManager.default.contents(atPath: newer + $0) }
            try #require(before.allSatisfy { $0?.isEmpty == false })
            let error = try refusal(newer)
            #expect(error.cause == .tooNew(found: 99, known: Int64(Migration.all.count)))
            #expect(error.advice?.contains("newer pushd") == true)
            #expect(["", "-wal"].map { FileManager.default.contents(atPath: newer + $0) } == before)
        }
    }

    @Test("is refused untouched when it is another program's")
    func foreign() async throws {
        try await withFile { path in
            do {
                let other = try Database.open(path)
                try other.execute("CREATE TABLE song (title TEXT); PRAGMA user_version = 1")
            }
            let before = FileManager.default.contents(atPath: path)
            #expect(try refusal(path).cause == .foreign)
            #expect(FileManager.default.contents(atPath: path) == before)
        }
    }

    @Test("is refused when it is no database", arguments: ["this is not a database, it is a long text", "SQLite form"])
    func garbage(text: String) async throws {
        try await TemporaryDirectory.with { directory in
            let bytes = Array(String(repeating: text, count: 500).utf8)
            let path = try directory.write(bytes, to: "queue.db")
            let error = try refusal(path)
            guard case .corrupt = error.cause else { Issue.record("\(error)"); return }
            #expect(error.advice?.contains("move") == true)
            #expect(FileManager.default.contents(atPath: path) == Data(bytes))
        }
    }

    @Test("is taken as new when a crash left it empty")
    func empty() async throws {
        try await TemporaryDirectory.with { directory in
            let store = try JobStore(path: directory.write([], to: "queue.db"))
            #expect(try await store.counts()[.queued] == 0)
        }
    }

    @Test("that is damaged inside gives an error, not a wrong answer")
    func damaged() async throws {
        try await TemporaryDirectory.with { directory in
            let path = directory.file("queue.db")
            do {
                let store = try JobStore(path: path)
                let jobs = try (0..<500).map { try NewJob.push(to: "r1.example/app:\($0)") }
                _ = try await store.accept(jobs, now: 0)
            }
            // The store may still be closing: until it has closed, the file's content lies in the log.
            try Database.open(path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
            var bytes = Array(FileManager.default.contents(atPath: path) ?? Data())
            try #require(bytes.count > 8192)
            for place in 8192..<bytes.count { bytes[place] = 0xA5 }
            try directory.write(bytes, to: "queue.db")
            let error = await #expect(throws: QueueError.self) {
                let store = try JobStore(path: path)
                _ = try await store.jobs(JobFilter())
            }
            guard case .corrupt = error?.cause else { Issue.record("\(String(describing: error))"); return }
        }
    }

    @Test("that another program has locked is reported as such")
    func locked() async throws {
        try await withFile { path in
            let store = try JobStore(path: path)
            let other = try Database.open(path)
            try other.execute("BEGIN IMMEDIATE")
            let error = await #expect(throws: QueueError.self) { try await store.accept(one: .push()) }
            #expect(error?.cause == .locked)
            try other.execute("ROLLBACK")
            #expect(try await store.accept(one: .push()) == 1)
        }
    }

    @Test("is migrated step by step, and a step that fails is not half there")
    func migrates() async throws {
        try await withFile { path in
            _ = try JobStore(path: path)
            let database = try Database.open(path)
            let known = Migration.all.last?.version ?? 0
            let good = Migration(version: known + 1, sql: "ALTER TABLE job ADD COLUMN note TEXT")
            let bad = Migration(
                version: known + 2, sql: "CREATE TABLE extra (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1)")
            #expect(throws: QueueError.Cause.self) { try database.migrate(Migration.all + [good, bad]) }
            #expect(try database.row("PRAGMA user_version") { $0.int64(0) } == known + 1)
            #expect(try database.row("SELECT 1 FROM sqlite_schema WHERE name = 'extra'") { _ in true } == nil)
            #expect(try database.row("SELECT count(note) FROM job") { $0.int(0) } == 0)
        }
    }

    @Test("waits for the disk at each commit, and checks its references")
    func settings() async throws {
        try await withStore { store in
            #expect(try await store.count("PRAGMA synchronous") == 2)
            #expect(try await store.count("PRAGMA foreign_keys") == 1)
            #expect(try await store.count("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'") == 1)
            let strict = try await store.count(
                "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'"
            )
            #expect(strict == 0)
        }
    }

    @Test("has an error for each answer of SQLite that a person can do something about")
    func causes() {
        func cause(_ code: Int32, _ errno: Int32 = 0) -> QueueError.Cause {
            SQLiteError(code: code, message: "m", systemError: errno).cause
        }
        #expect(cause(13) == .diskFull)
        #expect(cause(778, ENOSPC) == .diskFull)  // SQLITE_IOERR_WRITE
        #expect(cause(778, EDQUOT) == .diskFull)
        #expect(cause(778, EIO) == .inputOutput(reason: "m (Input/output error)"))
        #expect(cause(8) == .notWritable(reason: "m"))
        #expect(cause(14, EACCES) == .notWritable(reason: "m (Permission denied)"))
        #expect(cause(11) == .corrupt(reason: "m"))
        #expect(cause(26) == .corrupt(reason: "m"))
        #expect(cause(5) == .locked)
        #expect(cause(517) == .locked)  // SQLITE_BUSY_SNAPSHOT
        #expect(cause(19) == .sqlite(code: 19, message: "m"))
    }
}
