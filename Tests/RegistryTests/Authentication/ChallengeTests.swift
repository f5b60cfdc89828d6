import Testing

@testable import Registry

@Suite("WWW-Authenticate")
struct ChallengeTests {
    static let cases: [(lines: [String], expected: [Challenge])] = [
        (
            [#"Bearer realm="https://a.example/t",service="r",scope="repository:a/b:pull,push""#],
            [.init("bearer", ["realm": "https://a.example/t", "service": "r", "scope": "repository:a/b:pull,push"])]
        ),
        ([#"BEARER Realm="x" , SERVICE = "y""#], [.init("bearer", ["realm": "x", "service": "y"])]),
        ([#"bearer realm=https://a/t?x,service=y"#], [.init("bearer", ["realm": "https://a/t?x", "service": "y"])]),
        ([#"Bearer realm="a" service="b""#], [.init("bearer", ["realm": "a", "service": "b"])]),
        ([#"Bearer realm="say \"hi\", \\o",x="=,""#], [.init("bearer", ["realm": #"say "hi", \o"#, "x": "=,"])]),
        ([#"Basic realm="first",realm="second""#], [.init("basic", ["realm": "first"])]),
        (["Basic"], [.init("basic", [:])]),
        (["Basic, Bearer realm=x"], [.init("basic", [:]), .init("bearer", ["realm": "x"])]),
        (
            [#"Negotiate YII==, NTLM, Basic realm="r""#],
            [.init("negotiate", [:]), .init("ntlm", [:]), .init("basic", ["realm": "r"])]
        ),
        (
            [#"Negotiate a/b+c=,Bearer realm="x",error="invalid_token", Basic realm="y""#],
            [
                .init("negotiate", [:]), .init("bearer", ["realm": "x", "error": "invalid_token"]),
                .init("basic", ["realm": "y"]),
            ]
        ),
        (
            [#"Bearer realm="x""#, #"Basic realm="y""#],
            [.init("bearer", ["realm": "x"]), .init("basic", ["realm": "y"])]
        ),
        // An unterminated quote takes its own challenge with it, and no other.
        (
            [#"Basic realm="y", Bearer realm="x"#, "Basic realm=z"],
            [.init("basic", ["realm": "y"]), .init("basic", ["realm": "z"])]
        ),
        ([#"Bearer realm="x\"#], []),
        ([""], []), ([",, ,"], []), ([], []), ([#""quoted""#], []),
        ([#"=x, Basic realm=y"#], [.init("basic", ["realm": "y"])]),
        (["Bearer \u{1F512}, Basic realm=y"], [.init("bearer", [:]), .init("basic", ["realm": "y"])]),
    ]

    @Test("is read challenge by challenge", arguments: cases.indices)
    func parses(index: Int) {
        #expect(Challenge.parse(Self.cases[index].lines) == Self.cases[index].expected)
    }

    @Test("names scopes, of which unreadable ones are left out")
    func scopes() {
        let challenge = Challenge("bearer", ["scope": "repository:h:5000/a:push,pull nonsense :x: registry:catalog:*"])
        #expect(challenge.scopes.map(\.description) == ["repository:h:5000/a:pull,push", "registry:catalog:*"])
        let many = Challenge(
            "bearer", ["scope": Array(repeating: "repository:a:pull", count: 99).joined(separator: " ")])
        #expect(many.scopes.count == 8)
        #expect(Challenge("bearer", [:]).scopes.isEmpty)
    }

    @Test("of any bytes at all ends")
    func survivesNoise() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array(#"ab=," \"'/;"#.utf8) + [0x09, 0xC3, 0xFF, 0x00]
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in alphabet.randomElement() ?? 0 }
            let found = Challenge.parse([String(decoding: bytes, as: UTF8.self)])
            #expect(found.count <= 41)
        }
    }
}

extension Challenge {
    fileprivate init(_ scheme: String, _ parameters: [String: String]) {
        self.init(scheme: scheme, parameters: parameters)
    }
}

@Suite("An access scope")
struct AccessScopeTests {
    @Test("is written as type, name and sorted actions")
    func description() {
        #expect(AccessScope.push("team/app").description == "repository:team/app:pull,push")
        #expect(
            AccessScope(repository: "a", actions: ["push", "delete", "push"]).description == "repository:a:delete,push")
    }

    @Test(
        "is refused without type, name or action",
        arguments: ["", "a", "a:b", ":b:c", "a::c", "a:b:", "a:b:,", "a:b c:d", "a:b:\u{e9}"])
    func refuses(text: String) {
        #expect(AccessScope(parsing: text) == nil)
    }

    @Test("joins with another: what is demanded first, one scope for each resource")
    func union() {
        let joined = AccessScope.union(
            [.pull("b"), .init(repository: "a", actions: ["delete"])], [.push("a"), .pull("c")])
        #expect(
            joined.map(\.description) == ["repository:b:pull", "repository:a:delete,pull,push", "repository:c:pull"])
    }
}
