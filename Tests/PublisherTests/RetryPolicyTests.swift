import Testing

@testable import Publisher

@Suite("Retry policy")
struct RetryPolicyTests {
    private let policy = RetryPolicy(base: .seconds(1), cap: .seconds(60))

    @Test(
        "spreads a wait over the whole of a bound that doubles up to the cap",
        arguments: [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (1_000_000, 60)])
    func doubles(failures: Int, bound: Int) {
        #expect(policy.delay(failures: failures, random: 0) == .zero)
        #expect(policy.delay(failures: failures, random: 0.5) == .seconds(bound) * 0.5)
        #expect(policy.delay(failures: failures, random: 0.999) <= .seconds(bound))
    }

    @Test("never comes back before the registry allows it, and then not all at once")
    func obeysRetryAfter() {
        #expect(policy.delay(failures: 1, retryAfter: .seconds(1800), random: 0) == .seconds(1800))
        #expect(policy.delay(failures: 1, retryAfter: .seconds(1800), random: 0.5) == .seconds(1890))
        #expect(policy.delay(failures: 9, retryAfter: .seconds(1), random: 0.9) == .seconds(54))
    }

    @Test("waits no longer than is configured, whatever the registry says", arguments: [0, 0.5, 0.999])
    func bounded(random: Double) {
        var policy = policy
        #expect(policy.delay(failures: 1, retryAfter: .seconds(999_999_999), random: random) == .seconds(3600))
        #expect(policy.longestWait == .seconds(3600))
        policy.maximumRetryAfter = .seconds(10)
        #expect(policy.delay(failures: 1, retryAfter: .seconds(3600), random: random) == .seconds(10))
        #expect(policy.longestWait == .seconds(60))
    }

    @Test("gives up after the configured failures or time, and without limits never")
    func givesUp() {
        var limited = policy
        limited.maximumFailures = 3
        limited.giveUpAfter = .seconds(10)
        #expect(limited.allowsRetry(failures: 2, tried: 9_999))
        #expect(!limited.allowsRetry(failures: 3, tried: 0))
        #expect(!limited.allowsRetry(failures: 1, tried: 10_000))
        limited.maximumFailures = nil
        limited.giveUpAfter = nil
        #expect(limited.allowsRetry(failures: 1_000_000, tried: .max / 2))
    }
}
