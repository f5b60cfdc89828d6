import HTTP
import OCI
import Testing

@testable import Registry

@Suite("The machine behind an upload")
struct UploadMachineTests {
    /// A small generator whose numbers are the same everywhere.
    struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
    }

    static let attempt = Attempt(.upload, "upload a blob", at: "registry.test", repository: "team/app")
    static let error = attempt.error(.serverError)

    static func location(_ number: Int) throws -> HTTPURL {
        try HTTPURL(parsing: "https://registry.test/v2/team/app/blobs/uploads/u?state=\(number)")
    }

    @Test("a status beyond what was sent, within the blob's size, is another's upload: a new one is opened")
    func statusBeyondWhatWasSent() throws {
        func afterStatus(of held: Int64) throws -> UploadMachine.Action {
            var machine = UploadMachine(
                size: 100, style: .chunked(40), session: nil, commitPatience: .seconds(60))
            guard case .startSession = machine.start() else { return machine.start() }
            let opened = UploadSession(location: try Self.location(1), offset: 0, chunkMinimum: nil, isFresh: true)
            guard case .send(let body) = machine.next(.started(opened)) else { return machine.start() }
            #expect(body.range == 0..<40)
            guard case .askStatus = machine.next(.offsetRefused(Self.error, wanted: nil), of: body) else {
                Issue.record("the status should be asked")
                return machine.start()
            }
            return machine.next(.held(.bytes(held), at: nil))
        }
        guard case .startSession = try afterStatus(of: 41) else {
            Issue.record("more than was sent was believed")
            return
        }
        guard case .send(let body) = try afterStatus(of: 30) else {
            Issue.record("what was sent was not believed")
            return
        }
        #expect(body.range == 30..<70)
    }

    @Test("ends, whatever the registry does, and keeps its promises on the way", arguments: 0..<300)
    func keepsItsPromises(seed: Int) throws {
        var dice = Dice(state: UInt64(seed))
        let size = Int64.random(in: 0...5000, using: &dice)
        var locations = 0
        func newLocation() throws -> HTTPURL {
            locations += 1
            return try Self.location(locations)
        }
        let style: UploadStyle =
            [.whole, .patched, .chunked(Int64.random(in: 1...3000, using: &dice))]
            .randomElement(using: &dice) ?? .whole
        let kept =
            dice.chance(50)
            ? UploadSession(location: try newLocation(), offset: Int64.random(in: 0...size, using: &dice)) : nil
        var machine = UploadMachine(size: size, style: style, session: kept, commitPatience: .seconds(60))

        // Locations that a body was sent to, with nothing heard since of how far it got.
        var spent: Set<HTTPURL> = []
        var furthestStart: Int64 = 0
        var action = machine.start()
        for _ in 0..<20_000 {
            switch action {
            case .finish, .giveUp: return
            case .startSession:
                furthestStart = 0
                if dice.chance(90) {
                    let minimum = dice.chance(30) ? Int64.random(in: 1...4000, using: &dice) : nil
                    let opened = UploadSession(
                        location: try newLocation(), offset: 0, chunkMinimum: minimum, isFresh: true)
                    action = machine.next(.started(opened))
                } else {
                    action = machine.next(dice.chance(80) ? .startMisfit(Self.error) : .failed(Self.error))
                }
            case .askStatus(let location):
                if dice.chance(70) {
                    spent.remove(location)
                    action = machine.next(.held(Self.range(size, &dice), at: dice.chance(80) ? try newLocation() : nil))
                } else {
                    action = machine.next(dice.chance(80) ? .sessionGone(Self.error) : .failed(Self.error))
                }
            case .send(let body):
                #expect(body.range.lowerBound >= 0 && body.range.upperBound <= size)
                #expect(!spent.contains(body.location), "a body was sent twice to one location")
                #expect(body.range.lowerBound >= furthestStart, "the offset went back within a session")
                #expect(!body.range.isEmpty || body.range.lowerBound == size, "an empty body closes, at the end")
                furthestStart = body.range.lowerBound
                if !body.range.isEmpty { spent.insert(body.location) }
                let event = try Self.event(body, size, &dice, newLocation)
                if case .accepted = event { spent.remove(body.location) }
                if case .offsetRefused(_, .some) = event { spent.remove(body.location) }
                action = machine.next(event, of: body)
                if case .unconfirmed = event {
                    guard case .lookForBlob(.zero) = action else {
                        Issue.record("no look for the blob after a closing request without an answer")
                        return
                    }
                }
            case .lookForBlob(let wait):
                #expect(wait <= .seconds(15))
                action = machine.next(
                    dice.chance(3) ? .blobPresent : dice.chance(90) ? .blobAbsent : .lookFailed(Self.error))
            case .checkLocalBlob: action = machine.next(.localBlob(isIntact: dice.chance(80)))
            }
        }
        Issue.record("the machine did not end")
    }

    private static func range(_ size: Int64, _ dice: inout Dice) -> HeldRange {
        switch Int.random(in: 0..<10, using: &dice) {
        case 0: .untold
        case 1: .unreadable
        case 2: .oneOrNone
        default: .bytes(Int64.random(in: 2...size + 10, using: &dice))
        }
    }

    private static func event(
        _ body: UploadMachine.Body, _ size: Int64, _ dice: inout Dice, _ newLocation: () throws -> HTTPURL
    ) throws -> UploadMachine.Event {
        switch Int.random(in: 0..<13, using: &dice) {
        case 0...4:
            if body.closes { return dice.chance(20) ? .stored : .unconfirmed(error, patiently: dice.chance(50)) }
            let told: HeldRange = dice.chance(70) ? .bytes(body.range.upperBound) : range(size, &dice)
            return .accepted(told, next: dice.chance(80) ? try newLocation() : nil)
        case 5: return .offsetRefused(error, wanted: dice.chance(50) ? Int64.random(in: 0...size, using: &dice) : nil)
        case 6: return .tooLarge(error)
        case 7: return .contentRefused(error)
        case 8: return .refused(error)
        case 9: return .loginRenewed(error)
        case 10: return .sessionGone(error)
        case 11: return .connectionLost(error)
        default: return dice.chance(20) ? .failed(error) : .loginRenewed(error)
        }
    }

    @Test("a session from a mount that nothing was sent into is used without a question")
    func usesFreshSession() throws {
        let fresh = UploadSession(location: try Self.location(1), offset: 0, chunkMinimum: nil, isFresh: true)
        var machine = UploadMachine(size: 10, style: .whole, session: fresh, commitPatience: .zero)
        guard case .send(let body) = machine.start() else {
            Issue.record("it asked")
            return
        }
        #expect(body == UploadMachine.Body(location: fresh.location, range: 0..<10, closes: true))
    }

    @Test("field 23: a chunk's answer is held against what was sent", arguments: [(3, 3), (4, 4), (9, nil), (0, 4)])
    func comparesWithWhatWasSent(held: Int64, goesOnAt: Int64?) throws {
        let fresh = UploadSession(location: try Self.location(1), offset: 0, chunkMinimum: nil, isFresh: true)
        var machine = UploadMachine(size: 10, style: .chunked(4), session: fresh, commitPatience: .zero)
        guard case .send(let body) = machine.start(), body.range == 0..<4 else {
            Issue.record("it did not send the first chunk")
            return
        }
        // 0 stands for 0-0: one byte or none, as of a registry that never moves on.
        let told: HeldRange = held == 0 ? .oneOrNone : .bytes(held)
        switch machine.next(.accepted(told, next: try Self.location(2)), of: body) {
        case .send(let next): #expect(next.range.lowerBound == goesOnAt)
        case .startSession: #expect(goesOnAt == nil, "more than was sent is none of ours")
        default: Issue.record("neither sent nor started anew")
        }
    }

    @Test(
        "field 18: less than was accepted is believed only after the own count was refused", arguments: [false, true])
    func believesOwnCountOnce(ownCountIsRefused: Bool) throws {
        let kept = UploadSession(location: try Self.location(1), offset: 6)
        var machine = UploadMachine(size: 10, style: .chunked(2), session: kept, commitPatience: .zero)
        _ = machine.start()
        guard case .send(let body) = machine.next(.held(.bytes(2), at: try Self.location(2))) else {
            Issue.record("it did not send")
            return
        }
        #expect(body.range == 6..<8)
        guard ownCountIsRefused else { return }
        guard case .askStatus = machine.next(.offsetRefused(Self.error, wanted: nil), of: body) else {
            Issue.record("it did not ask")
            return
        }
        guard case .startSession = machine.next(.held(.bytes(2), at: try Self.location(3))) else {
            Issue.record("it did not start anew")
            return
        }
    }
}

@Suite("The range that a registry says it holds")
struct HeldRangeTests {
    @Test(
        "is read leniently and never guessed",
        arguments: [
            (nil, HeldRange.untold), ("0-0", .oneOrNone), ("0-1", .bytes(2)), ("bytes=0-5", .bytes(6)),
            ("0-9437183", .bytes(9_437_184)), ("5242880-10485759", .bytes(10_485_760)), ("", .unreadable),
            ("7", .unreadable), ("0-", .unreadable), ("-5", .unreadable), ("5-2", .unreadable), ("0-1-2", .unreadable),
            ("0-99999999999999999999", .unreadable), ("0x0-0x5", .unreadable), ("+0-+5", .unreadable),
        ] as [(String?, HeldRange)])
    func reads(_ header: String?, _ expected: HeldRange) { #expect(HeldRange(header) == expected) }
}

@Suite("The style of an upload")
struct UploadStyleTests {
    @Test(
        "follows from what is known of the registry",
        arguments: [
            (100, [:], .whole), (100, ["broken-body-loses-session": "yes"], .chunked(10)),
            (10, ["broken-body-loses-session": "yes"], .whole), (100, ["maximum-body": "40"], .chunked(40)),
            (100, ["maximum-body": "4", "broken-body-loses-session": "yes"], .chunked(4)),
            (100, ["maximum-body": "junk"], .whole), (100, ["maximum-body": "-1"], .whole),
            (100, ["second-patch-refused": "yes", "maximum-body": "40"], .whole),
            (100, ["whole-put-refused": "yes"], .patched),
        ] as [(Int64, [String: String], UploadStyle)])
    func follows(_ size: Int64, _ facts: [String: String], _ expected: UploadStyle) {
        #expect(UploadStyle(size: size, chunkSize: 10, facts: facts) == expected)
    }

    @Test(
        "every fact has a name and a value to be kept",
        arguments: [
            (RegistryFact.brokenBody(losesSession: true), "broken-body-loses-session", "yes"),
            (.brokenBody(losesSession: false), "broken-body-loses-session", "no"),
            (.minimumChunk(5), "minimum-chunk", "5"),
            (.manifestRate(3), "manifest-rate", "3"),
            (.rangeUnreliable, "range-unreliable", "yes"), (.keepsReferrers(true), "keeps-referrers", "yes"),
            (.keepsReferrers(false), "keeps-referrers", "no"),
            (.maximumBody(7), "maximum-body", "7"), (.secondPatchRefused, "second-patch-refused", "yes"),
            (.wholePutRefused, "whole-put-refused", "yes"), (.loopbackScheme(.https), "loopback-scheme", "https"),
            (.loopbackScheme(.http), "loopback-scheme", "http"),
        ])
    func names(_ fact: RegistryFact, _ name: String, _ value: String) {
        #expect(fact.name == name)
        #expect(fact.value == value)
    }
}
