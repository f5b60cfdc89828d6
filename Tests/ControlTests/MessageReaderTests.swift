import Testing

@testable import Control

@Suite("The message reader")
struct MessageReaderTests {
    @Test("cuts at zero bytes, however the bytes arrive", arguments: [1, 2, 3, 5, 100_000])
    func cuts(piece: Int) throws {
        let messages = ["{}", "", "a", String(repeating: "x", count: 70_000), "ä"]
        let bytes = Array(messages.joined(separator: "\0").utf8) + [0]
        var reader = MessageReader(limit: 70_000)
        var found: [String] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let arrived = Array(bytes[start..<min(start + piece, bytes.count)])
            arrived.withUnsafeBytes { reader.append($0) }
            while let message = try text(&reader) { found.append(message) }
        }
        #expect(found == messages)
        #expect(reader.isEmpty)
    }

    @Test("keeps what is not whole yet")
    func partial() throws {
        var reader = MessageReader(limit: 10)
        Array("abc".utf8).withUnsafeBytes { reader.append($0) }
        #expect(try text(&reader) == nil)
        #expect(!reader.isEmpty)
        [0].withUnsafeBytes { reader.append(UnsafeRawBufferPointer(rebasing: $0[..<1])) }
        #expect(try text(&reader) == "abc")
    }

    @Test("refuses what is too long, whole or not", arguments: [true, false])
    func tooLong(isWhole: Bool) throws {
        var reader = MessageReader(limit: 10)
        let bytes: [UInt8] = Array(repeating: 0x20, count: 11) + (isWhole ? [0] : [])
        bytes.withUnsafeBytes { reader.append($0) }
        #expect(throws: MessageFault.tooLong(limit: 10)) { try text(&reader) }

        var exact = MessageReader(limit: 11)
        bytes.withUnsafeBytes { exact.append($0) }
        #expect(try text(&exact)?.count == (isWhole ? 11 : nil))
    }

    private func text(_ reader: inout MessageReader) throws(MessageFault) -> String? {
        try reader.next { bytes throws(MessageFault) in String(decoding: bytes, as: UTF8.self) }
    }
}
