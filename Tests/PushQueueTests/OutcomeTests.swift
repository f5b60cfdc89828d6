import Testing

@testable import PushQueue

@Suite("What became of a job's blobs")
struct OutcomeTests {
    @Test("is added up in the job")
    func sums() async throws {
        try await withStore { store in
            let layers: [JobBlob] = [
                .layer("a", size: 1), .layer("b", size: 20), .layer("c", size: 300), .layer("d", size: 4000),
                .layer("e", size: 50_000, isSent: false),
            ]
            let id = try await store.accept(one: .push(layers: layers))
            let claim = try #require(await store.claim(at: 1))
            try await store.setOutcomes(
                claim,
                [
                    BlobReport(digest: .of("a"), outcome: .uploaded, bytesSent: 1),
                    BlobReport(digest: .of("b"), outcome: .mounted, detail: "from team/base"),
                    BlobReport(digest: .of("c"), outcome: .existing),
                    BlobReport(digest: .of("d"), outcome: .shared, detail: "job 12"),
                    BlobReport(digest: .of("e"), outcome: .skipped),
                ])
            let job = try #require(await store.job(id))
            #expect((job.bytesUploaded, job.bytesMounted, job.bytesExisting) == (1, 20, 4300))
            let blobs = try await store.blobs(of: id)
            #expect(blobs.map(\.outcome) == [.pending, .uploaded, .mounted, .existing, .shared, .skipped, .pending])
            #expect(blobs.map(\.detail) == [nil, nil, "from team/base", nil, "job 12", nil, nil])
        }
    }

    @Test("may change when the registry changes its mind")
    func changes() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(layers: [.layer("a", size: 70)]))
            let claim = try #require(await store.claim(at: 1))
            for outcome in [BlobOutcome.existing, .uploaded, .uploaded] {
                try await store.setOutcome(claim, digest: .of("a"), outcome: outcome, detail: nil, bytesSent: 70)
            }
            let job = try #require(await store.job(id))
            #expect((job.bytesUploaded, job.bytesExisting) == (70, 0))
            #expect(try await store.attempts(of: id)[0].bytesSent == 70)
        }
    }

    @Test("counts the bytes of all attempts, and stays uploaded where the next attempt finds it there")
    func attempts() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push(layers: [.layer("a", size: 70)]))
            let first = try #require(await store.claim(at: 1))
            try await store.setOutcome(first, digest: .of("a"), outcome: .pending, detail: nil, bytesSent: 30)
            try await store.setOutcome(first, digest: .of("a"), outcome: .pending, detail: nil, bytesSent: 40)
            try await store.retryLater(first, at: 1, error: .outage, madeProgress: true, now: 1)
            let second = try #require(await store.claim(at: 2))
            try await store.setOutcome(second, digest: .of("a"), outcome: .uploaded, detail: nil, bytesSent: 35)
            try await store.retryLater(second, at: 2, error: .outage, madeProgress: true, now: 2)
            let third = try #require(await store.claim(at: 3))
            try await store.setOutcome(third, digest: .of("a"), outcome: .existing, detail: nil, bytesSent: 0)

            let blob = try #require(await store.blobs(of: id).first { $0.blob.digest == .of("a") })
            #expect((blob.outcome, blob.bytesSent) == (.uploaded, 75))
            #expect(try await store.attempts(of: id).map(\.bytesSent) == [40, 35, 0])
            let job = try #require(await store.job(id))
            #expect((job.bytesUploaded, job.bytesExisting) == (70, 0))
        }
    }

    @Test("is refused for a blob that the job does not have, and nothing of the report is kept")
    func unknown() async throws {
        try await withStore { store in
            let id = try await store.accept(one: .push())
            let claim = try #require(await store.claim(at: 1))
            let reports = [
                BlobReport(digest: .of("base"), outcome: .mounted), BlobReport(digest: .of("?"), outcome: .mounted),
            ]
            await #expect(throws: QueueError.self) { try await store.setOutcomes(claim, reports) }
            #expect(try await store.job(id)?.bytesMounted == 0)
        }
    }
}
