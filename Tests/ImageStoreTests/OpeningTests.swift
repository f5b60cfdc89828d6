import Dispatch
import Glibc
import OCI
import Synchronization
import System
import TestSupport
import Testing

@testable import ImageStore

@Suite("What the process that opens files is asked")
struct OpenerMessageTests {
    @Test("is read as it was written")
    func roundTrip() throws {
        let user = UserIdentity(uid: 1000, gid: 100, groups: [4, 27, 1000])
        #expect(OpenerMessage.identity(from: OpenerMessage.bytes(of: user)) == user)
        for isBelow in [true, false] {
            let step = OpenStep(
                path: isBelow ? "blobs" : "/srv/app", isDirectory: true, followsLink: isBelow, refusesLink: !isBelow)
            let read = try #require(OpenerMessage.step(from: OpenerMessage.bytes(of: step, isBelow: isBelow)))
            #expect(read.step == step && read.isBelow == isBelow)
        }
        for outcome in [OpenStep.Outcome.absent, .unproven, .failed(EACCES), .opened(7, isLinked: true)] {
            #expect(OpenerMessage.outcome(from: OpenerMessage.bytes(of: outcome), 7) == outcome)
        }
        #expect(OpenerMessage.outcome(from: OpenerMessage.bytes(of: .opened(7, isLinked: false)), -1) == nil)
    }

    @Test("is refused where it names root, no user, or other groups than it counts")
    func identities() {
        func bytes(_ numbers: UInt32...) -> [UInt8] {
            numbers.flatMap { number in withUnsafeBytes(of: number) { Array($0) } }
        }
        #expect(OpenerMessage.identity(from: bytes(1000, 100, 0)) != nil)
        for wrong in [
            bytes(0, 100, 0), bytes(.max, 100, 0), bytes(1000, .max, 0), bytes(1000, 100, 1), bytes(1000, 100, 0, 4),
            bytes(1000, 100), [], [1, 2, 3], bytes(1000, 100, .max), bytes(1000, 100, 0) + [0],
        ] { #expect(OpenerMessage.identity(from: wrong) == nil, "\(wrong)") }
    }

    @Test(
        "is refused where a name leads out of its directory, or a path begins nowhere",
        arguments: [
            (true, ".."), (true, "a/b"), (true, "/etc"), (false, "etc/passwd"), (true, ""), (false, ""), (true, "a\0b"),
        ])
    func steps(isBelow: Bool, path: String) {
        let step = OpenStep(path: path, isDirectory: false, followsLink: true, refusesLink: false)
        #expect(OpenerMessage.step(from: OpenerMessage.bytes(of: step, isBelow: isBelow)) == nil)
        #expect(OpenerMessage.step(from: [255, 97]) == nil)
    }
}

@Suite("What users hand in")
struct HandedInTests {
    /// A store of a user, as this process may open it.
    private struct UsersStore: ContentSource, BlobOpening {
        let layout: OCILayout
        var label: String { layout.label }
        var mustBeHashed: Bool { true }
        func file(for digest: Digest) -> String? { layout.file(for: digest) }
        func openBlob(_ content: Descriptor) throws(ImageStoreError) -> OpenFile? { try layout.openBlob(content) }
    }

    private static func code(_ body: () async throws -> Void) async throws -> String? {
        do { try await body() } catch let error as ImageStoreError { return error.code }
        return nil
    }

    @Test("is neither linked nor left in place, whatever is configured", arguments: PinPolicy.allCases)
    func copied(policy: PinPolicy) async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: policy)
            let contents = try await fixture.contents()
            let pinned = try await spool.pin(contents, from: UsersStore(layout: fixture.layout))
            #expect(pinned == Set(contents.all))
            for layer in fixture.layers {
                let own = try #require(FileStatus(of: fixture.builder.path(of: layer.digest)))
                let path = try #require(spool.file(for: layer.digest))
                let kept = try #require(FileStatus(of: path))
                #expect(own.links == 1 && kept.inode != own.inode && kept.links == 1)
            }
        }
    }

    @Test("has the digest of its name, or is refused, also where the spool has the blob", arguments: [true, false])
    func zeros(isKnown: Bool) async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            if isKnown { try await spool.pin(contents, from: fixture.layout) }
            // Zeros of the right name and size.
            let layer = fixture.layers[0]
            let path = fixture.builder.path(of: layer.digest)
            #expect(unlink(path) == 0)
            let file = open(path, O_WRONLY | O_CREAT, 0o600)
            #expect(ftruncate(file, off_t(layer.size)) == 0)
            close(file)
            let store = UsersStore(layout: fixture.layout)
            #expect(try await Self.code { _ = try await spool.pin(contents, from: store) } == "digest-mismatch")
            if isKnown {
                let path = try #require(spool.file(for: layer.digest))
                let kept = try ReadableFile(opening: path)
                #expect(try await rehash(kept, expecting: layer.digest), "what others pushed stays")
            } else {
                #expect(spool.file(for: layer.digest) == nil, "no others' push meets it")
            }
        }
    }

    @Test("is hashed again once it was written to, also under its old time")
    func writtenAgain() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            let store = UsersStore(layout: fixture.layout)
            try await spool.pin(contents, from: store)
            try await spool.pin(contents, from: store)
            let path = fixture.builder.path(of: fixture.layers[0].digest)
            let before = try #require(FileStatus(of: path))
            let file = open(path, O_WRONLY)
            #expect(pwrite(file, "x", 1, 5) == 1)
            var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 0, tv_nsec: 0)]
            times[1].tv_sec = Int(before.modified / 1_000_000_000)
            times[1].tv_nsec = Int(before.modified % 1_000_000_000)
            #expect(futimens(file, &times) == 0)
            close(file)
            #expect(try #require(FileStatus(of: path)).isSameContent(as: before), "only the inode's own time tells")
            #expect(try await Self.code { _ = try await spool.pin(contents, from: store) } == "digest-mismatch")
        }
    }

    @Test("is taken from its store again, and hashed again, where the spool's file is damaged")
    func damaged() async throws {
        try await TemporaryDirectory.with { temporary in
            let fixture = try SpoolFixture(temporary.file("app"))
            let spool = try Spool(directory: temporary.file("spool"), acrossFileSystems: .link)
            let contents = try await fixture.contents()
            let store = UsersStore(layout: fixture.layout)
            try await spool.pin(contents, from: store)
            let layer = try #require(contents.blobs.first { $0.descriptor.digest == fixture.layers[0].digest })
            let kept = try #require(spool.file(for: layer.descriptor.digest))
            let file = open(kept, O_WRONLY)
            #expect(pwrite(file, "xyz", 3, 9) == 3)
            close(file)
            spool.doubt(layer.descriptor.digest)
            let sent = try #require(try await ContentSources([spool, store]).fileToSend(layer))
            #expect(try await rehash(sent, expecting: layer.descriptor.digest))
        }
    }
}

@Suite("Files opened as other users")
struct UserFilesTests {
    private static let user = UserIdentity(uid: 4711, gid: 4711)
    private static let step = OpenStep(path: "/", isDirectory: true, followsLink: false, refusesLink: false)

    private static func isOpened(by files: UserFiles) throws -> Bool {
        guard case .opened(let descriptor, _) = try files.take(step, in: nil, as: user) else { return false }
        close(descriptor)
        return true
    }

    @Test("wait for their turn, however many are asked for at once")
    func many() async throws {
        let files = UserFiles.ofTheTest
        let opened = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 {
                group.addTask { await FileWork.run(.quick) { _ in (try? Self.isOpened(by: files)) ?? false } }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(opened == 200)
    }

    @Test("are asked for once more where a connection that was kept has ended")
    func endedConnection() throws {
        let made = Mutex<[Int32]>([])
        let files = UserFiles { () throws(UserFiles.Failure) in
            let ends = UserFiles.connectionOfTheTest()
            made.withLock { $0.append(ends) }
            return ends
        }
        #expect(try Self.isOpened(by: files))
        #expect(try Self.isOpened(by: files))
        #expect(made.withLock { $0.count } == 1, "the connection is kept")
        // As when the server was restarted.
        shutdown(made.withLock { $0[0] }, Int32(SHUT_RDWR))
        #expect(try Self.isOpened(by: files))
        #expect(made.withLock { $0.count } == 2)
    }

    @Test("are refused with the reason where there is no process that opens them")
    func none() throws {
        let error = #expect(throws: ImageStoreError.self) { try Self.isOpened(by: .none) }
        #expect(error?.code == "not-opened-as-caller")
    }

    @Test("a turn that does not come in time is taken from the line, and the next one gets it")
    func turns() {
        let turns = UserTurns(limit: 1, patience: .milliseconds(1))
        #expect(turns.take(for: Self.user))
        #expect(!turns.take(for: Self.user))
        #expect(turns.take(for: UserIdentity(uid: 1, gid: 1)), "another user's are others")
        turns.giveBack(for: Self.user)
        #expect(turns.take(for: Self.user))
    }
}
