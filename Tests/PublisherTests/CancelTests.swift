import Testing

@testable import Publisher

@Suite("A push that is canceled")
struct CancelTests {
    @Test("is known to be so if that was while the queue handed it out, and only then")
    func window() {
        var window = ClaimWindow()
        window.abandon([1])
        window.open()
        #expect(!window.wasAbandoned(1), "it was not handed out then")
        window.abandon([2, 3])
        window.abandon([4])
        #expect([1, 2, 3, 4, 5].filter { window.wasAbandoned($0) } == [2, 3, 4])
        window.close()
        #expect(!window.wasAbandoned(2), "a later life of the job is another matter")
        window.open()
        #expect(!window.wasAbandoned(3))
    }
}
