import Synchronization
import Testing

@testable import HTTP

@Suite("A bandwidth limit")
struct BandwidthTests {
    private let start = ContinuousClock.now

    @Test("lets so many bytes go each second, whoever asks")
    func rate() {
        var pace = SendingPace(bytesPerSecond: 1000)
        var last = start
        for _ in 0..<100 { last = pace.reserve(100, now: start) }
        #expect(last - start == .milliseconds(9900))
    }

    @Test("makes up for short delays, and saves nothing over a rest")
    func rest() {
        var pace = SendingPace(bytesPerSecond: 1000)
        _ = pace.reserve(1000, now: start)
        let afterRest = start + .seconds(60)
        #expect(pace.reserve(100, now: afterRest) == afterRest - .milliseconds(50))
        #expect(pace.reserve(100, now: afterRest) == afterRest + .milliseconds(50))
    }

    @Test("deals out small pieces where it is low, and whole buffers where there is none")
    func pieces() {
        #expect(SendingPace(bytesPerSecond: 10_000).pieceSize(atMost: 131_072) == 1000)
        #expect(SendingPace(bytesPerSecond: 1).pieceSize(atMost: 131_072) == 512)
        #expect(SendingPace(bytesPerSecond: 1 << 40).pieceSize(atMost: 131_072) == 131_072)
        #expect(SendingPace(bytesPerSecond: nil).pieceSize(atMost: 131_072) == 131_072)
    }

    @Test("no longer holds back what was reserved under an older, lower one")
    func change() {
        var pace = SendingPace(bytesPerSecond: 1)
        _ = pace.reserve(1000, now: start)
        pace.change(to: 1000)
        #expect(pace.reserve(1000, now: start) <= start)
        pace.change(to: nil)
        #expect(pace.reserve(1 << 40, now: start) == start)
    }

    @Test("holds for a body while it is sent, and can be lifted then")
    func lifted() async throws {
        let file = TestFile(pattern(3_000_000))
        let path = file.path
        let received = Atomic(0)
        let begun = Event()
        try await withServer { connection in
            _ = connection.readHead()
            received.add(connection.read(512).count, ordering: .relaxed)
            begun.happen()
            received.add(connection.read(3_000_000 - 512).count, ordering: .relaxed)
            connection.answer("201 Created")
        } body: { server, client in
            let url = try server.url()
            let limit = BandwidthLimit(bytesPerSecond: 1000)
            let progress = TransferProgress()
            async let answer = {
                var request = HTTPRequest(
                    method: .put, url: url, body: .file(try FileRange(path: path, offset: 0, length: 3_000_000)),
                    progress: progress)
                request.bandwidth = [BandwidthLimit(), limit]
                return try await client.send(request)
            }()
            await begun.wait()
            // At 1000 bytes a second the whole body would take most of an hour.
            #expect(progress.bytesSent < 1_000_000)
            limit.bytesPerSecond = nil
            let status = try await answer.status
            #expect(status == 201)
            #expect(received.load(ordering: .relaxed) == 3_000_000)
        }
    }

    @Test("shared by several bodies gives each its part")
    func shared() async throws {
        let file = TestFile(pattern(40_000))
        let path = file.path
        let order = Record<Int>()
        try await withServer { connection in
            let head = connection.readHead()
            let number = head.contains("/1 ") ? 1 : 2
            for _ in 0..<4 {
                _ = connection.read(10_000)
                order.append(number)
            }
            connection.answer("201 Created")
        } body: { server, client in
            let limit = BandwidthLimit(bytesPerSecond: 100_000)
            let urls = [try server.url("/1"), try server.url("/2")]
            try await withThrowingTaskGroup(of: Int.self) { group in
                for url in urls {
                    group.addTask {
                        var request = HTTPRequest(
                            method: .put, url: url, body: .file(try FileRange(path: path, offset: 0, length: 40_000)))
                        request.bandwidth = [limit]
                        return try await client.send(request).status
                    }
                }
                for try await status in group { #expect(status == 201) }
            }
            // Neither was done before the other had begun.
            #expect(Set(order.all.prefix(4)).count == 2)
        }
    }

    @Test("a body that waits for its turn has not stalled")
    func notStalled() async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.answer("201 Created")
        } body: { server, client in
            let limit = BandwidthLimit(bytesPerSecond: 1000)
            var request = HTTPRequest(
                method: .put, url: try server.url(), body: .bytes(pattern(1500)),
                limits: HTTPLimits(stall: .milliseconds(300)))
            request.bandwidth = [limit]
            // 512 bytes each half second: longer than the limit of a stall.
            let start = ContinuousClock.now
            let response = try await client.send(request)
            #expect(response.status == 201)
            #expect(ContinuousClock.now - start >= .milliseconds(900), "the limit was not kept")
        }
    }
}
