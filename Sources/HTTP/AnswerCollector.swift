/// Puts an answer together from the lines and pieces that libcurl hands over, within the request's limits.
struct AnswerCollector {
    /// 0 until the first status line.
    private(set) var status = 0
    private(set) var headers = HTTPHeaders()
    private(set) var body: [UInt8] = []
    /// Whether status and headers of the final answer are there: what comes after are trailers, which are dropped.
    private(set) var isHeadComplete = false

    /// Whether any byte of an answer came.
    var hasBegun: Bool { headerBytes > 0 }

    private let limits: HTTPLimits
    private let sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?
    private let hasBody: Bool
    private let codedBodies: CodedBodies
    private var headerBytes = 0
    private var bodyBytes = 0

    /// - Parameter hasBody: false for HEAD.
    init(
        limits: HTTPLimits, hasBody: Bool, codedBodies: CodedBodies,
        sink: (@Sendable (UnsafeRawBufferPointer) -> Void)?
    ) {
        self.limits = limits
        self.codedBodies = codedBodies
        self.hasBody = hasBody
        self.sink = sink
    }

    /// Whether the body goes into a sink.
    var isStreamed: Bool { sink != nil && isSuccess }

    var isSuccess: Bool { (200...299).contains(status) }

    /// Whether the whole answer is known to be there; false also where its end is only known to libcurl.
    var isKnownComplete: Bool {
        guard isHeadComplete else { return false }
        if !hasBody || status == 204 || status == 304 { return true }
        return headers.contentCoding == nil && headers["Content-Length"].flatMap { Int($0) } == bodyBytes
    }

    /// Takes a line as it came: status line, header, folded header, or the empty line that ends a head.
    ///
    /// - Throws: ``TransferFailure`` with `headersTooLarge` or `malformedResponse`.
    mutating func takeLine(_ line: UnsafeRawBufferPointer) throws(TransferFailure) {
        headerBytes += line.count
        guard headerBytes <= limits.headerBytes else { throw TransferFailure(cause: .headersTooLarge) }
        guard !isHeadComplete else { return }
        let text = Self.trimmed(line[...])
        if text.isEmpty {
            isHeadComplete = status >= 200
        } else if line.starts(with: "HTTP/".utf8) {
            guard let status = Self.status(String(decoding: text, as: UTF8.self)) else {
                throw TransferFailure(cause: .malformedResponse(reason: "a status line without a status"))
            }
            self.status = status
            headers = HTTPHeaders()  // those of an interim answer are not the final one's
        } else if let first = line.first, Self.isBlank(first) {
            headers.extendLast(with: String(decoding: text, as: UTF8.self))
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            let name = Self.trimmed(text[..<colon])
            let value = Self.trimmed(text[text.index(after: colon)...])
            headers.add(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
    }

    /// Takes a piece as libcurl decoded it.
    ///
    /// - Throws: ``TransferFailure`` with `responseTooLarge` or `contentCoding`.
    mutating func takeBody(_ piece: UnsafeRawBufferPointer) throws(TransferFailure) {
        if bodyBytes == 0, isSuccess, codedBodies == .refused, let coding = headers.contentCoding {
            throw TransferFailure(cause: .contentCoding(coding))
        }
        bodyBytes += piece.count
        if let sink, isStreamed {
            // Here and not in the sink: a small coded body may decode to a thousand times its size in one go.
            if let most = limits.streamedBytes, Int64(bodyBytes) > most {
                throw TransferFailure(cause: .responseTooLarge(limit: Int(clamping: most)))
            }
            sink(piece)
            return
        }
        guard bodyBytes <= limits.responseBytes else {
            throw TransferFailure(cause: .responseTooLarge(limit: limits.responseBytes))
        }
        body.append(contentsOf: piece)
    }

    /// From `HTTP/1.1 200 OK`; 100...999.
    private static func status(_ line: String) -> Int? {
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[1].utf8.count == 3, let status = Int(parts[1]), status >= 100 else { return nil }
        return status
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var bytes = bytes.drop(while: isBlank)
        while let last = bytes.last, isBlank(last) { bytes = bytes.dropLast() }
        return bytes
    }

    /// Space, tab and line ends.
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
