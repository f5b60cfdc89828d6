internal import Glibc

/// One request being served: its head, a body that is read as far as the handler likes, and all ways to end it.
///
/// It belongs to the connection's thread, on which the handler runs and may block.
public final class Exchange {
    public enum CutKind: Sendable {
        /// The peer sees "connection reset".
        case reset
        /// The peer sees an orderly end: the last bytes were read, no answer came.
        case fin
    }

    enum Ending {
        case none, answered(keepsConnection: Bool), cut(CutKind)
    }

    /// A body with more unread bytes than this is not waited for after an answer; the connection ends instead.
    /// Go's server, under most registries, has the same rule.
    static let readAfterAnswer: Int64 = 256 << 10

    public let head: RequestHead
    /// Numbers the server's connections from 1.
    public let connection: Int
    /// Body bytes not read yet.
    public private(set) var unread: Int64

    /// Ends the connection after the answer without having said so: the next request on it meets a reset.
    public var endsConnectionUnsaid = false
    private(set) var ending = Ending.none
    private let wire: Wire
    private let log: RequestLog
    private let index: Int
    private var owesContinue: Bool

    init(head: RequestHead, connection: Int, wire: Wire, log: RequestLog, index: Int) {
        self.head = head
        self.connection = connection
        self.wire = wire
        self.log = log
        self.index = index
        unread = head.contentLength ?? 0
        owesContinue = head.header("Expect")?.lowercased() == "100-continue"
    }

    /// Body bytes read so far.
    public var bodyBytes: Int64 { (head.contentLength ?? 0) - unread }

    /// Reads the body, or its next `limit` bytes, handing each piece to `use` while it is valid.
    ///
    /// - Throws: what `use` throws; an error if the peer goes away, which ends the exchange if it is passed on.
    public func readBody(
        atMost limit: Int64 = .max, _ use: (UnsafeRawBufferPointer) throws -> Void = { _ in }
    ) throws {
        if owesContinue {
            owesContinue = false
            try wire.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        var left = min(limit, unread)
        while left > 0 {
            let piece = try wire.next(atMost: left)
            left -= Int64(piece.count)
            unread -= Int64(piece.count)
            let total = bodyBytes
            defer { log.update(index) { $0.bodyBytes = total } }  // whoever is woken finds the piece stored
            try use(piece)
        }
    }

    /// The rest of a small body.
    ///
    /// - Throws: ``TestSupportError`` if it has more than `limit` bytes; as ``readBody(atMost:_:)``.
    public func collectBody(limit: Int = 16 << 20) throws -> [UInt8] {
        guard unread <= limit else { throw TestSupportError("a body of \(unread) bytes where \(limit) are the most") }
        var bytes: [UInt8] = []
        try readBody { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Sends the answer. With body bytes still unread this is an early answer: the connection is closed after it,
    /// unless they are few.
    public func send(_ answer: Answer) throws {
        guard case .none = ending else { throw TestSupportError("\(head.method) \(head.target) was answered twice") }
        let wantsClose = head.header("Connection")?.lowercased() == "close"
        let keeps = !answer.closesConnection && !wantsClose && unread <= Self.readAfterAnswer && !owesContinue
        var text = "HTTP/1.1 \(answer.status) \(Self.reason(answer.status))\r\n"
        if answer.header("Content-Length") == nil, answer.status != 204, answer.status != 304 {
            text += "Content-Length: \(answer.body.length)\r\n"
        }
        for (name, value) in answer.headers { text += "\(name): \(value)\r\n" }
        text += keeps ? "\r\n" : "Connection: close\r\n\r\n"
        log.update(index) { $0.status = answer.status }
        try sendBytes(Array(text.utf8), andBodyOf: answer)
        if answer.truncatedAfter == nil { ending = .answered(keepsConnection: keeps) }
    }

    private func sendBytes(_ head: [UInt8], andBodyOf answer: Answer) throws {
        var left = answer.truncatedAfter ?? .max
        func sendPiece(_ piece: UnsafeRawBufferPointer) throws {
            let count = Int(min(Int64(piece.count), left))
            try wire.send(UnsafeRawBufferPointer(rebasing: piece[..<count]))
            left -= Int64(count)
            if left == 0, answer.truncatedAfter != nil { throw Truncated() }
        }
        if self.head.method == "HEAD" { return try wire.send(head) }
        do {
            switch answer.body {
            case .absent: try wire.send(head)
            case .bytes(let bytes):
                if answer.truncatedAfter == nil {
                    try wire.send(head + bytes)  // one segment, as servers do it
                } else {
                    try wire.send(head)
                    try bytes.withUnsafeBytes(sendPiece)
                }
            case .stream(_, let produce):
                try wire.send(head)
                try produce(sendPiece)
            }
        } catch is Truncated {
            ending = .cut(.fin)
        }
    }

    private struct Truncated: Error {}

    /// Sends bytes as they are and ends the connection: half an answer, or something that is no HTTP.
    public func sendRaw(_ bytes: [UInt8], then kind: CutKind = .fin) throws {
        try wire.send(bytes)
        ending = .cut(kind)
    }

    /// Ends the connection without an answer. A close with unread bytes can't be orderly, so with ``CutKind/fin``
    /// what the peer still sends is taken in and thrown away for a short time.
    public func cut(_ kind: CutKind = .reset) { ending = .cut(kind) }

    /// Waits until the test opens `gate`. Ends with an error if the peer goes away or the server stops before.
    public func wait(for gate: TestGate) throws {
        gate.arrive()
        try wire.wait(for: gate)
    }

    /// Lets time pass, as a slow server does. Ends with an error if the peer goes away or the server stops before.
    public func delay(_ duration: Duration) throws { try wire.wait(for: nil, atMost: duration) }

    /// What is left to do on the wire once the handler is done.
    ///
    /// - Returns: whether the connection can take the next request.
    func conclude(failed: Bool) -> Bool {
        switch ending {
        case .answered(true) where endsConnectionUnsaid:
            _ = try? wire.next(atMost: 1)
            wire.arrangeReset()
            return false
        case .answered(true):
            let rest = unread
            guard (try? readRest()) != nil else { return false }
            if rest > 0 { log.update(index) { $0.discardedBytes = rest } }
            return true
        case .answered(false): discard()
        case .cut(.fin): discard()
        case .cut(.reset): wire.arrangeReset()
        // Nothing was said: a peer that has gone needs no farewell, one that waits sees the end.
        case .none: if failed { wire.arrangeReset() } else { discard() }
        }
        return false
    }

    private func readRest() throws {
        while unread > 0 { unread -= Int64(try wire.next(atMost: unread).count) }
    }

    private func discard() {
        let count = wire.finish()
        log.update(index) { $0.discardedBytes = count }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 307: "Temporary Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 413: "Content Too Large"
        case 416: "Range Not Satisfiable"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Status"
        }
    }
}
