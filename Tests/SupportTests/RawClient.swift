import Glibc
import TestSupport

/// The plainest client there is: a blocking socket and bytes. What it sends is what the server gets.
final class RawClient {
    struct Reply: Sendable {
        var status: Int
        var headers: [(name: String, value: String)]
        var body: [UInt8]

        func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Failure: Error, Equatable {
        case refused, reset
        /// An orderly end before the answer was complete, with what had come.
        case ended(received: Int)
    }

    private let descriptor: Int32
    private let host: String
    private var received: [UInt8] = []

    /// - Parameter host: what its requests say in `Host`.
    init(port: Int, host: String = "test") throws {
        self.host = host
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard code == 0 else { throw Failure.refused }
    }

    deinit { Glibc.close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))  // not empty
            }
            guard count > 0 else { throw Failure.reset }
            sent += count
        }
    }

    /// - Returns: false at an orderly end.
    private func receive() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure.reset }
        received += buffer[..<count]
        return count > 0
    }

    /// Everything up to the end of the connection.
    func readToEnd() throws -> [UInt8] {
        while try receive() {}
        defer { received = [] }
        return received
    }

    func readReply(toHead: Bool = false) throws -> Reply {
        var end: Int?
        var searched = 0
        while end == nil {
            while end == nil, searched + 4 <= received.count {
                if received[searched..<searched + 4].elementsEqual([13, 10, 13, 10]) {
                    end = searched
                } else {
                    searched += 1
                }
            }
            if end == nil, try !receive() { throw Failure.ended(received: received.count) }
        }
        let lines = String(decoding: received[..<(end ?? 0)], as: UTF8.self).split(separator: "\r\n")
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(parts[0]), value: String(parts[1].drop { $0 == " " }))
        }
        received.removeFirst((end ?? 0) + 4)
        var reply = Reply(status: Int(lines[0].split(separator: " ")[1]) ?? 0, headers: headers, body: [])
        let length = toHead ? 0 : Int(reply.header("Content-Length") ?? "0") ?? 0
        while received.count < length {
            guard try receive() else { throw Failure.ended(received: received.count) }
        }
        reply.body = Array(received[..<length])
        received.removeFirst(length)
        return reply
    }

    /// One request and its answer.
    func ask(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) throws -> Reply {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        try send(Array((head + "\r\n").utf8) + (body ?? []))
        return try readReply(toHead: method == "HEAD")
    }
}
