import Testing

@testable import HTTP

@Suite("Servers that break the connections which they promised to keep")
struct ConnectionBreakersTests {
    private let now = ContinuousClock.now
    private func origin(_ port: Int) -> HTTPOrigin { HTTPOrigin(scheme: .http, host: "a", port: port) }

    @Test("are remembered for a time, each by itself")
    func remembered() {
        var breakers = ConnectionBreakers()
        #expect(!breakers.holds(origin(1), now: now))
        breakers.note(origin(1), now: now)
        #expect(breakers.holds(origin(1), now: now))
        #expect(!breakers.holds(origin(2), now: now))
        #expect(breakers.holds(origin(1), now: now + ConnectionBreakers.memory - .nanoseconds(1)))
        #expect(!breakers.holds(origin(1), now: now + ConnectionBreakers.memory))
        breakers.note(origin(1), now: now + .seconds(500))
        #expect(breakers.holds(origin(1), now: now + ConnectionBreakers.memory))
    }

    @Test("are remembered up to a bound")
    func bounded() {
        var breakers = ConnectionBreakers()
        for port in 1...ConnectionBreakers.limit + 1 { breakers.note(origin(port), now: now) }
        #expect(breakers.holds(origin(ConnectionBreakers.limit + 1), now: now))
        #expect((1...ConnectionBreakers.limit + 1).filter { breakers.holds(origin($0), now: now) }.count <= 1000)
    }
}
