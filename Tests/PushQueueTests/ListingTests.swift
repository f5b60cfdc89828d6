import Testing

@testable import PushQueue

@Suite("Listing jobs")
struct ListingTests {
    /// Ten jobs at two registries: 1, 3, 5… at a, 2, 4, 6… at b; the first four have ended.
    private func withTen(_ body: (JobStore) async throws -> Void) async throws {
        try await withStore { store in
            for number in 1...10 {
                let registry = number % 2 == 1 ? "a.example" : "b.example"
                _ = try await store.accept(one: .push(to: "\(registry)/app:\(number)"))
            }
            for _ in 1...4 {
                let claim = try #require(await store.claim(at: 1))
                if claim.job.id % 4 < 2 {
                    try await store.succeed(claim, verified: nil, now: 2)
                } else {
                    try await store.fail(claim, error: .outage, now: 2)
                }
            }
            try await body(store)
        }
    }

    @Test("obeys each part of the filter and all together, newest first")
    func filters() async throws {
        try await withTen { store async throws in
            #expect(try await store.numbers(JobFilter()) == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
            #expect(try await store.numbers(JobFilter(limit: 3)) == [10, 9, 8])
            #expect(try await store.numbers(JobFilter(before: 8, limit: 3)) == [7, 6, 5])
            #expect(try await store.numbers(JobFilter(states: [.succeeded, .failed])) == [4, 3, 2, 1])
            #expect(try await store.numbers(JobFilter(states: [.succeeded])) == [4, 1])
            #expect(
                try await store.numbers(JobFilter(states: [.queued, .failed], before: 8, limit: 4)) == [7, 6, 5, 3])
            #expect(try await store.numbers(JobFilter(registry: "b.example", limit: 4)) == [10, 8, 6, 4])
            #expect(try await store.numbers(JobFilter(states: [.succeeded], registry: "b.example")) == [4])
            #expect(try await store.numbers(JobFilter(ids: [3, 99, 5, 3], registry: "a.example")) == [5, 3])
            #expect(try await store.numbers(JobFilter(states: [.queued], ids: [3, 5, 6], before: 6)) == [5])
            #expect(try await store.numbers(JobFilter(states: [])).isEmpty)
            #expect(try await store.numbers(JobFilter(limit: 0)).isEmpty)
        }
    }

    @Test("counts every state")
    func counts() async throws {
        try await withTen { store in
            let counts = try await store.counts()
            #expect(Set(counts.keys) == Set(JobState.allCases))
            #expect((counts[.queued], counts[.succeeded], counts[.failed], counts[.running]) == (6, 2, 2, 0))
        }
    }

    @Test("has nothing to say of an unknown job")
    func unknown() async throws {
        try await withStore { store async throws in
            #expect(try await store.job(1) == nil)
            #expect(try await store.blobs(of: 1).isEmpty)
            #expect(try await store.attempts(of: 1).isEmpty)
        }
    }
}

extension JobStore {
    fileprivate func numbers(_ filter: JobFilter) async throws -> [JobID] { try await jobs(filter).map(\.id) }
}
