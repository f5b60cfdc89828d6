import FoundationEssentials
import HTTP
import Testing

@testable import Registry

@Suite("A secret")
struct SecretTests {
    static let hidden = "correct-horse"
    static let values: [any Sendable] = [
        Secret(hidden),
        Credential.basic(user: "alice", password: Secret(hidden)),
        Credential.identityToken(Secret(hidden)),
        Credential.bearer(Secret(hidden)),
        FoundCredential(
            credential: .identityToken(Secret(hidden)), fallback: .basic(user: "a", password: Secret(hidden)),
            origin: "file"),
        [Optional(Secret(hidden))],
        ["key": Secret(hidden)],
        try? TokenResponse(body: Array(#"{"token":"\#(hidden)"}"#.utf8), date: nil),
    ]

    @Test("is in no description, mirror or dump of itself or what holds it", arguments: values.indices)
    func showsNothing(index: Int) {
        let value = Self.values[index]
        var dumped = ""
        dump(value, to: &dumped)
        for text in ["\(value)", String(describing: value), String(reflecting: value), dumped, Self.mirrored(value)] {
            #expect(!text.contains("correct") && !text.contains("horse"), "\(text)")
        }
        #expect(!dumped.isEmpty)
    }

    @Test("would be found by these looks if it were shown")
    func looksWork() {
        struct Open { let text: String }
        #expect(Self.mirrored(Open(text: Self.hidden)).contains("horse"))
    }

    @Test("can't be written as JSON")
    func isNotEncodable() {
        let value: Any = Secret(Self.hidden)
        #expect(!(value is any Encodable))
        #expect("text" as Any is any Encodable)
    }

    @Test("stays hidden in an authenticator that holds a header and a token")
    func authenticatorShowsNothing() async throws {
        let wire = AuthenticationWire { request, _ in .json(#"{"token":"correct-horse"}"#, from: request) }
        let authenticator = try wire.authenticator(login: .alice)
        let header = try await authenticator.answer(.refusal(HTTPResponse.bearer), for: [.pull("a")], sent: nil)
        #expect(header == "Bearer correct-horse")
        var dumped = ""
        dump(authenticator, to: &dumped)
        #expect(!dumped.contains("horse") && !dumped.contains("sesame"))
        #expect(dumped.contains("auth.example"))  // the look goes as deep as the token's key
    }

    @Test("is what was put in, for whoever asks by name")
    func reveals() {
        #expect(Secret(Self.hidden).revealed() == Self.hidden)
        #expect(Secret("").isEmpty)
    }

    /// All that reflection reaches, as text.
    private static func mirrored(_ value: Any, depth: Int = 0) -> String {
        guard depth < 8 else { return "" }
        return Mirror(reflecting: value).children.map { "\($0.value) " + mirrored($0.value, depth: depth + 1) }.joined()
    }
}
