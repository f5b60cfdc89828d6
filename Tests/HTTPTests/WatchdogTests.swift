import Testing

@testable import HTTP

@Suite("The watchdog")
struct WatchdogTests {
    private let start = ContinuousClock.now
    private let limits = HTTPLimits(
        connect: .seconds(3), response: .seconds(5), answer: .seconds(20), stall: .seconds(7), leastRate: 100)

    private func watchdog(in phase: Watchdog.Phase) -> Watchdog {
        var watchdog = Watchdog(limits: limits, now: start)
        watchdog.enter(phase, now: start)
        return watchdog
    }

    @Test(
        "ends each phase at its own limit, with its own cause",
        arguments: [
            (Watchdog.Phase.connecting, 3, HTTPError.Cause.connectTimedOut), (.sending, 7, .stalled(seconds: 7)),
            (.awaitingAnswer, 5, .responseTimedOut), (.receiving(isDocument: true), 7, .stalled(seconds: 7)),
            (.receiving(isDocument: false), 7, .stalled(seconds: 7)),
        ])
    func limit(phase: Watchdog.Phase, seconds: Int, cause: HTTPError.Cause) {
        let watchdog = watchdog(in: phase)
        #expect(watchdog.deadline == start + .seconds(seconds))
        #expect(watchdog.overdue(now: start + .seconds(seconds) - .nanoseconds(1)) == nil)
        #expect(watchdog.overdue(now: start + .seconds(seconds)) == cause)
    }

    @Test(
        "lets a body go on as long as bytes move, for hours",
        arguments: [Watchdog.Phase.sending, .receiving(isDocument: false)])
    func movement(phase: Watchdog.Phase) {
        var watchdog = watchdog(in: phase)
        var now = start
        for step in 1...100 {
            now += .seconds(6)
            watchdog.observe(traffic: Int64(step) * 700, now: now)
            #expect(watchdog.overdue(now: now) == nil)
        }
        watchdog.observe(traffic: 70_000, now: now + .seconds(6))
        #expect(watchdog.overdue(now: now + .seconds(7)) == .stalled(seconds: 7))
    }

    @Test(
        "ends a body that only trickles, however many bytes have moved before",
        arguments: [Watchdog.Phase.sending, .receiving(isDocument: true), .receiving(isDocument: false)])
    func trickle(phase: Watchdog.Phase) {
        var watchdog = watchdog(in: phase)
        watchdog.observe(traffic: 10_000_000, now: start + .seconds(1))
        for second in 2...7 {
            watchdog.observe(traffic: 10_000_000 + Int64(second), now: start + .seconds(second))
            #expect(watchdog.overdue(now: start + .seconds(second)) == nil)
        }
        #expect(watchdog.overdue(now: start + .seconds(8)) == .tooSlow(7, seconds: 7))
    }

    @Test("ends a document that goes on and on, and no download")
    func longAnswer() {
        for isDocument in [true, false] {
            var watchdog = watchdog(in: .awaitingAnswer)
            watchdog.enter(.receiving(isDocument: isDocument), now: start + .seconds(4))
            for second in 5..<20 {
                watchdog.observe(traffic: Int64(second) * 1000, now: start + .seconds(second))
                #expect(watchdog.overdue(now: start + .seconds(second)) == nil)
            }
            #expect(watchdog.overdue(now: start + .seconds(20)) == (isDocument ? .answerTooSlow : nil))
        }
    }

    @Test("ends an answer of which not even the head is there when the whole was due")
    func headTooSlow() {
        var watchdog = Watchdog(limits: HTTPLimits(response: .seconds(60), answer: .seconds(20)), now: start)
        watchdog.enter(.awaitingAnswer, now: start)
        #expect(watchdog.overdue(now: start + .seconds(19)) == nil)
        #expect(watchdog.overdue(now: start + .seconds(20)) == .responseTimedOut)
    }

    @Test("does not count the time in which a body is held back by a limit of ours")
    func heldBack() {
        var watchdog = watchdog(in: .sending)
        for second in 1...100 {  // far less than the least rate
            watchdog.observe(traffic: Int64(second), now: start + .seconds(second))
            watchdog.waited(until: start + .seconds(second))
            #expect(watchdog.overdue(now: start + .seconds(second)) == nil)
        }
        #expect(watchdog.deadline == start + .seconds(107))
    }

    @Test("takes a count that starts anew with another connection for no movement backwards")
    func countAnew() {
        var watchdog = watchdog(in: .sending)
        watchdog.observe(traffic: 5_000_000, now: start + .seconds(1))
        watchdog.observe(traffic: 10, now: start + .seconds(2))
        watchdog.observe(traffic: 710, now: start + .seconds(3))
        #expect(watchdog.deadline == start + .seconds(10))
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
