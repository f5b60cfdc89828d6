import Testing

@testable import pushd

@Suite("News of the network")
struct NetworkNewsTests {
    @Test("are told once a burst has settled")
    func settles() {
        var news = NetworkNews()
        #expect(news.due == nil)
        var told: [Int64] = []
        for time in Int64(0)...3000 {
            if (1000...1500).contains(time), time % 50 == 0 { news.heard(now: time) }
            if time == 1500 { #expect(news.due == 1700) }
            if news.take(now: time) { told.append(time) }
        }
        #expect(told == [1700])
    }

    @Test("are told in time where they never end, and not again and again")
    func endless() {
        var news = NetworkNews()
        var told: [Int64] = []
        for time in stride(from: 0, through: 20_000, by: 100) {
            news.heard(now: Int64(time))
            if news.take(now: Int64(time)) { told.append(Int64(time)) }
        }
        #expect(told == [1000, 6000, 11_000, 16_000])
    }

    private func message(_ type: UInt16, flags: UInt32 = 0, size: UInt32 = 32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        withUnsafeBytes(of: size) { bytes.replaceSubrange(0..<4, with: $0) }
        withUnsafeBytes(of: type) { bytes.replaceSubrange(4..<6, with: $0) }
        withUnsafeBytes(of: flags) { bytes.replaceSubrange(24..<28, with: $0) }
        return bytes
    }

    private func opens(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { NetworkNews.opensWay($0) } }

    @Test("are an address, a route, or a link that runs")
    func kinds() {
        #expect(opens(message(20)))
        #expect(opens(message(24)))
        #expect(opens(message(16, flags: 0x41)))
        #expect(!opens(message(16, flags: 0x1)), "a cable is missing")
        #expect(!opens(message(17, flags: 0x41)), "it is taken away")
        #expect(!opens(message(21)))
        #expect(opens(message(21) + message(24)))
    }

    @Test("are not read from what is too short or says a wrong length", arguments: [0, 8, 15, 33, UInt32.max])
    func broken(size: UInt32) {
        #expect(!opens(message(24, size: size)))
        #expect(!opens(Array(message(24).prefix(15))))
        #expect(!opens([]))
    }
}
