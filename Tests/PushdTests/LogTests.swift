import Testing

@testable import pushd

@Suite("A line of the log")
struct LogTests {
    @Test("holds no control character that a terminal could obey, those above U+007F among them")
    func clean() {
        #expect(Log.clean("a\nb\u{1B}c\u{7F}d\u{9B}2Je\u{80}é日") == "a b c d 2Je é日")
    }
}
