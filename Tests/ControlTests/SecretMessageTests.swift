import Testing

@testable import Control

@Suite("Messages with secrets")
struct SecretMessageTests {
    @Test("show none where they are printed")
    func hidden() {
        let input = Push.Input(
            image: "a", login: JobLogin(user: "me", password: "sesame"),
            loginFiles: [LoginFile(path: "/f", content: "sesame")])
        var dumped = ""
        dump(input, to: &dumped)
        for text in ["\(input)", String(reflecting: input), dumped] {
            #expect(!text.contains("sesame"))
            #expect(text.contains("me") && text.contains("/f"), "\(text)")
        }
    }
}
