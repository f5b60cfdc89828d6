import Testing

@testable import Publisher

@Suite("The patience with a local file")
struct FilePatienceTests {
    @Test("is a series of growing waits, of ten minutes in all, and has an end")
    func waits() {
        let patience = FilePatience()
        let waits = (0..<100).compactMap { patience.wait(after: $0) }
        #expect(waits.prefix(8).map(\.inMilliseconds) == [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000])
        #expect(waits.count == 15)
        #expect(waits.reduce(.zero, +) == .seconds(603))
        #expect(patience.wait(after: 15) == nil)
        #expect(patience.wait(after: .max) == nil)
    }

    @Test("counts what follows each other, from the latest, and no other trouble")
    func series() {
        let mixed = ["file-changed", "timed-out", "blob-size", "file-changed", nil]
        #expect(FilePatience.series(mixed, failures: 5) == 2)
        #expect(FilePatience.series(["timed-out", nil], failures: 2) == 0)
        #expect(FilePatience.series(["blob-missing", "blob-missing", nil], failures: 3) == 2)
    }

    @Test("begins anew after a person's retry, and where the job got on")
    func anew() {
        let many = ["file-changed", "file-changed", "file-changed", nil]
        #expect(FilePatience.series(many, failures: 1) == 0)
        #expect(FilePatience.series(many, failures: 2) == 1)
    }
}
