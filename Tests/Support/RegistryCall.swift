internal import OCI

/// One request on its way through a test registry: the exchange, what it names, and what is to go wrong with it.
final class RegistryCall {
    /// Ends the service of a request from the middle of its body.
    enum Interruption: Error {
        case cut(Exchange.CutKind)
        case answer(Answer)
    }

    enum Stop {
        case cut(Exchange.CutKind)
        case answer(Answer)
        case stall(TestGate)
    }

    let exchange: Exchange
    let route: RegistryRoute
    let kind: RequestKind
    var stops: [(place: Int64, stop: Stop)] = []
    var bytesPerSecond: Int64?
    var corruptByte: Int64?
    var hiddenLooks = 0
    var claimedSize: Int64?
    var expiresSession = false
    /// When the body is ended, and the answer then.
    var end: (at: ContinuousClock.Instant, answer: Answer)?
    private(set) var corrupted = false

    var head: RequestHead { exchange.head }
    /// Whether the request is addressed to another name than 127.0.0.1.
    var host: String { head.header("Host") ?? "" }

    init(_ exchange: Exchange) {
        self.exchange = exchange
        route = RegistryRoute(path: exchange.head.path)
        kind = RequestKind(route, method: exchange.head.method, target: exchange.head.target)
    }

    /// Takes in what shapes the request's service; the rest is for its answer.
    func prepare(_ actions: [Fault.Action]) {
        for action in actions {
            switch action {
            case .cut(let place, let kind): stops.append((place, .cut(kind)))
            case .answerEarly(let place, let answer): stops.append((place, .answer(answer)))
            case .stall(let place, let gate): stops.append((place, .stall(gate)))
            case .slow(let speed): bytesPerSecond = speed
            case .corrupt(let place): corruptByte = place
            case .hideCommit(let looks): hiddenLooks = looks
            case .claimPresent(let size): claimedSize = size
            case .expireSession: expiresSession = true
            default: break
            }
        }
        stops.sort { $0.place < $1.place }
    }

    /// Reads the whole body, through all that was arranged for it.
    ///
    /// - Throws: ``Interruption``; an error when the peer goes away; what `use` throws.
    func readBody(_ use: (UnsafeRawBufferPointer) throws -> Void = { _ in }) throws {
        for (place, stop) in stops {
            try readUp(to: min(place, head.contentLength ?? 0), use)
            switch stop {
            case .cut(let kind): throw Interruption.cut(kind)
            case .answer(let answer): throw Interruption.answer(answer)
            case .stall(let gate): try exchange.wait(for: gate)
            }
        }
        stops = []
        try readUp(to: head.contentLength ?? 0, use)
    }

    private func readUp(to place: Int64, _ use: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let speed = bytesPerSecond else { return try readPieces(place - exchange.bodyBytes, use) }
        while exchange.bodyBytes < place {
            try readPieces(min(max(speed / 20, 1), place - exchange.bodyBytes), use)
            try exchange.delay(.milliseconds(50))
        }
    }

    private func readPieces(_ count: Int64, _ use: (UnsafeRawBufferPointer) throws -> Void) throws {
        var offset = exchange.bodyBytes
        try exchange.readBody(atMost: max(count, 0)) { piece in
            if let place = corruptByte, place >= offset, place < offset + Int64(piece.count) {
                var changed = Array(piece)
                changed[Int(place - offset)] ^= 1
                corrupted = true
                try changed.withUnsafeBytes(use)
            } else {
                try use(piece)
            }
            offset += Int64(piece.count)
            if let end, end.at <= .now, offset < head.contentLength ?? 0 { throw Interruption.answer(end.answer) }
        }
    }

    /// A small body, through all that was arranged for it.
    func collectBody() throws -> [UInt8] {
        var bytes: [UInt8] = []
        try readBody { bytes.append(contentsOf: $0) }
        return bytes
    }
}

extension Answer {
    /// A refusal in the registry's own form.
    ///
    /// Source: OCI distribution-spec 1.1, "Error Codes".
    public static func refusal(
        _ status: Int, _ code: String, _ message: String = "", headers: [(String, String)] = []
    ) -> Answer {
        let text = message.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return Answer(
            status, headers: [("Content-Type", "application/json; charset=utf-8")] + headers,
            #"{"errors":[{"code":"\#(code)","message":"\#(text)","detail":null}]}"# + "\n")
    }

    /// What a proxy in front of a registry says: a page for people.
    public static func proxyPage(_ status: Int, _ title: String) -> Answer {
        Answer(
            status, headers: [("Content-Type", "text/html")],
            "<html>\r\n<head><title>\(status) \(title)</title></head>\r\n<body>\r\n<center><h1>\(status) \(title)</h1>"
                + "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
    }
}
