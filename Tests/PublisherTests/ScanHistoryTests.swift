import ImageStore
import Testing

@testable import Publisher

@Suite("What is reported of a store's scans")
struct ScanHistoryTests {
    private struct Trouble: Error, CustomStringConvertible { let description: String }

    private let unfinished = ImageStoreError(.indexUnreadable(reason: "it is being written"), subject: "oci:/x")

    @Test("are images that were not left out before, each once while it stays so")
    func leftOut() {
        var history = ScanHistory()
        let (one, two) = (UnpublishedImage("a:1", code: "c", "why"), UnpublishedImage("b:1", code: "c", "why"))
        #expect(history.newlyLeftOut([one]) == [one])
        #expect(history.newlyLeftOut([one, two]) == [two])
        #expect(history.newlyLeftOut([two]) == [])
        #expect(history.newlyLeftOut([one, two]) == [one], "it was in order meanwhile")
    }

    @Test("is each image's failure by its name, once; of an image that may be unfinished only after many scans")
    func failures() {
        var history = ScanHistory()
        let broken: ScanFindings.Failure = ("a:1", Trouble(description: "no space"))
        #expect(history.newFailures([broken, ("b:1", unfinished)]) == ["a:1: no space"])
        for _ in 2..<26 { #expect(history.newFailures([broken, ("b:1", unfinished)]) == []) }
        #expect(history.newFailures([broken, ("b:1", unfinished)]) == ["b:1: \(unfinished)"])
        #expect(history.newFailures([(nil, Trouble(description: "gone"))]) == ["gone"])
        #expect(history.newFailures([]) == [])
        #expect(history.newFailures([broken]) == ["a:1: no space"], "it has failed anew")
    }

    @Test("waits a little between looks at first, then longer, and is soon again for an image that is new")
    func pauses() {
        #expect((1...20).allSatisfy { ScanHistory.pause(after: $0) == .milliseconds(50) })
        #expect(ScanHistory.pause(after: 22) == .milliseconds(200))
        #expect(ScanHistory.pause(after: .max) == .milliseconds(50 << 17))
        var history = ScanHistory()
        #expect(history.pause == nil)
        let broken: ScanFindings.Failure = ("a:1", Trouble(description: "no space"))
        for _ in 0..<22 { _ = history.newFailures([broken]) }
        #expect(history.pause == .milliseconds(200))
        _ = history.newFailures([broken, ("b:1", unfinished)])
        #expect(history.pause == .milliseconds(50))
    }
}
