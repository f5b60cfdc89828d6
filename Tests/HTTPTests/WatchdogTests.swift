import Testing

@testable import HTTP

@Suite("The watchdog")
struct WatchdogTests {
    private let start = ContinuousClock.now
    private let limits = HTTPLimits(connect: .seconds(3), response: .seconds(5), stall: .seconds(7))

    private func watchdog(in phase: Watchdog.Phase) -> Watchdog {
        var watchdog = Watchdog(limits: limits, now: start)
        watchdog.enter(phase, now: start)
        return watchdog
    }

    @Test(
        "ends each phase at its own limit, with its own cause",
        arguments: [
            (Watchdog.Phase.connecting, 3, HTTPError.Cause.connectTimedOut), (.sending, 7, .stalled(seconds: 7)),
            (.awaitingAnswer, 5, .responseTimedOut), (.receiving, 7, .stalled(seconds: 7)),
        ])
    func limit(phase: Watchdog.Phase, seconds: Int, cause: HTTPError.Cause) {
        let watchdog = watchdog(in: phase)
        #expect(watchdog.deadline == start + .seconds(seconds))
        #expect(watchdog.overdue(now: start + .seconds(seconds) - .nanoseconds(1)) == nil)
        #expect(watchdog.overdue(now: start + .seconds(seconds)) == cause)
    }

    @Test("lets a body go on as long as bytes move", arguments: [Watchdog.Phase.sending, .receiving])
    func movement(phase: Watchdog.Phase) {
        var watchdog = watchdog(in: phase)
        var now = start
        for step in 1...100 {
            now += .seconds(6)
            watchdog.observe(traffic: Int64(step), now: now)
            #expect(watchdog.overdue(now: now) == nil)
        }
        watchdog.observe(traffic: 100, now: now + .seconds(6))
        #expect(watchdog.overdue(now: now + .seconds(7)) == .stalled(seconds: 7))
    }

    @Test(
        "does not count bytes while it waits for a connection or an answer",
        arguments: [
            Watchdog.Phase.connecting, .awaitingAnswer,
        ])
    func noMovement(phase: Watchdog.Phase) {
        var watchdog = watchdog(in: phase)
        watchdog.observe(traffic: 1, now: start + .seconds(2))
        #expect(watchdog.overdue(now: start + .seconds(5)) != nil)
    }

    @Test("counts from the beginning of a phase, not from its repetition")
    func repeated() {
        var watchdog = watchdog(in: .sending)
        watchdog.enter(.awaitingAnswer, now: start + .seconds(6))
        watchdog.enter(.awaitingAnswer, now: start + .seconds(8))
        #expect(watchdog.deadline == start + .seconds(11))
    }
}

@Suite("A name that could not be looked up")
struct NameLookupTests {
    @Test(
        "is unknown only if the name servers say so",
        arguments: [
            (Int32(-2), true), (-5, true), (-3, false), (-4, false), (-11, false), (0, false),
        ])
    func cause(code: Int32, isUnknown: Bool) {
        #expect(
            NameLookup.cause(of: code, host: "a") == (isUnknown ? .unresolvable(host: "a") : .resolverFailed(host: "a"))
        )
    }
}
