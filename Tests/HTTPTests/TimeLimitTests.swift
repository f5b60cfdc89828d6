import Glibc
import HTTP
import Synchronization
import Testing

@Suite("Limits of time")
struct TimeLimitTests {
    /// So long that it can't be the one that ends the request.
    private let never = Duration.seconds(3600)

    @Test("a TLS handshake that does not come about is a connection that timed out")
    func connect() async throws {
        try await withServer {
            $0.waitForClose()
        } body: { server, client in
            let limits = HTTPLimits(connect: .milliseconds(200), response: never, stall: never)
            let url = try server.url(scheme: "https")
            #expect(
                try await cause { try await client.send(HTTPRequest(url: url, limits: limits)) } == .connectTimedOut)
        }
    }

    @Test("a limit of a month is taken")
    func month() async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.answer("200 OK")
        } body: { server, client in
            let limits = HTTPLimits(connect: .seconds(30 * 86_400))
            let url = try server.url()
            #expect(try await client.send(HTTPRequest(url: url, limits: limits)).status == 200)
        }
    }

    @Test("no answer after the request is an answer that timed out", arguments: [HTTPMethod.get, .put])
    func response(method: HTTPMethod) async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.waitForClose()
        } body: { server, client in
            let limits = HTTPLimits(connect: never, response: .milliseconds(200), stall: never)
            let request = HTTPRequest(
                method: method, url: try server.url(), body: method == .put ? .bytes(pattern(100_000)) : .none,
                limits: limits)
            #expect(try await cause { try await client.send(request) } == .responseTimedOut)
        }
    }

    @Test("interim answers and headers that trickle in do not stretch the time for an answer")
    func trickle() async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: ")
            while connection.write("y") { usleep(10_000) }
        } body: { server, client in
            let limits = HTTPLimits(connect: never, response: .milliseconds(300), stall: .milliseconds(300))
            let url = try server.url()
            #expect(
                try await cause { try await client.send(HTTPRequest(url: url, limits: limits)) } == .responseTimedOut)
        }
    }

    @Test("a body that the peer does not read is a stall, even if all of it waits in this system's buffers")
    func stalledSending() async throws {
        let size = 300_000  // more than the peer's system takes, less than ours does
        try await withServer(receiveBuffer: 4096) { connection in
            _ = connection.readHead()
            connection.waitUntilInterrupted()
        } body: { server, client in
            let limits = HTTPLimits(connect: never, response: .milliseconds(10), stall: .milliseconds(1200))
            let url = try server.url()
            let error = try await failure {
                try await client.send(
                    HTTPRequest(method: .put, url: url, body: .bytes(pattern(size)), limits: limits))
            }
            #expect(error.cause == .stalled(seconds: 1))
        }
    }

    @Test("a peer that reads slowly is no stall, and its answer's time starts when it has all")
    func slowSending() async throws {
        try await withServer(receiveBuffer: 4096) { connection in
            _ = connection.readHead()
            var left = 300_000
            while left > 0 {  // slower than the limits for the whole, faster than them for each step
                let piece = connection.read(min(left, 6000)).count
                if piece == 0 { return }
                left -= piece
                usleep(40_000)
            }
            connection.answer("201 Created")
        } body: { server, client in
            let limits = HTTPLimits(connect: never, response: .milliseconds(700), stall: .milliseconds(700))
            let request = HTTPRequest(
                method: .put, url: try server.url(), body: .bytes(pattern(300_000)), limits: limits)
            #expect(try await client.send(request).status == 201)
        }
    }

    @Test("an answer that stops in its middle is a stall")
    func stalledReceiving() async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
            connection.waitForClose()
        } body: { server, client in
            let limits = HTTPLimits(connect: never, response: never, stall: .milliseconds(1600))
            let url = try server.url()
            #expect(
                try await cause { try await client.send(HTTPRequest(url: url, limits: limits)) } == .stalled(seconds: 1)
            )
        }
    }

    @Test("an answer that trickles ends in time, and so does one that goes on for too long")
    func trickledBody() async throws {
        for (stall, leastRate, expected) in [
            (Duration.milliseconds(300), 1_000_000, nil), (never, 1, HTTPError.Cause.answerTooSlow),
        ] as [(Duration, Int, HTTPError.Cause?)] {
            let written = Mutex<Int64>(0)
            try await withServer { connection in
                _ = connection.readRequest()
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
                written.withLock { $0 = Int64(head.utf8.count + 1) }
                connection.write(head)
                while connection.write("y") {
                    written.withLock { $0 += 1 }
                    usleep(10_000)
                }
            } body: { server, client in
                let limits = HTTPLimits(
                    connect: never, response: never, answer: expected == nil ? never : .milliseconds(300),
                    stall: stall, leastRate: leastRate)
                let url = try server.url()
                let cause = try await cause { try await client.send(HTTPRequest(url: url, limits: limits)) }
                if let expected {
                    #expect(cause == expected)
                } else {
                    guard case .tooSlow(let moved, seconds: 0) = cause else { throw UnexpectedCause(cause: cause) }
                    #expect(moved > 0 && moved <= written.withLock { $0 }, "each byte counts once")
                }
            }
        }
    }

    @Test("a body that the peer takes up by the byte is too slow, also where it writes meanwhile")
    func trickledUpload() async throws {
        try await withServer(receiveBuffer: 4096) { connection in
            _ = connection.readHead()
            connection.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: ")
            while connection.read(1).count == 1, connection.write("y") { usleep(10_000) }
        } body: { server, client in
            let limits = HTTPLimits(connect: never, response: never, stall: .milliseconds(1200))
            let url = try server.url()
            let error = try await failure {
                try await client.send(
                    HTTPRequest(method: .put, url: url, body: .bytes(pattern(6_000_000)), limits: limits))
            }
            switch error.cause {
            case .stalled, .tooSlow: break
            default: throw error
            }
        }
    }

    @Test("a body that a limit of ours holds back is not too slow")
    func limitedUpload() async throws {
        try await withServer { connection in
            _ = connection.readRequest()
            connection.answer("201 Created")
        } body: { server, client in
            var request = HTTPRequest(method: .put, url: try server.url(), body: .bytes(pattern(3000)))
            request.limits = HTTPLimits(
                connect: never, response: never, stall: .milliseconds(400), leastRate: 1_000_000)
            request.bandwidth = [BandwidthLimit(bytesPerSecond: 1500)]
            #expect(try await client.send(request).status == 201)
        }
    }

    @Test("waiting for a free connection does not count")
    func waiting() async throws {
        try await withServer(.init(maxConnectionsPerHost: 1)) { connection in
            while connection.readRequest() != nil {
                usleep(150_000)
                connection.answer("200 OK")
            }
        } body: { server, client in
            let limits = HTTPLimits(
                connect: .milliseconds(400), response: .milliseconds(400), stall: .milliseconds(400))
            let url = try server.url()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await client.send(HTTPRequest(url: url, limits: limits)).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(server.connectionCount == 1)
        }
    }
}
