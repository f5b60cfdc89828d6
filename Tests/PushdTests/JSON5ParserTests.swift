import Testing

@testable import pushd

@Suite("JSON5")
struct JSON5ParserTests {
    private func parse(_ text: String) throws -> ConfigurationValue { try JSON5Parser.parse(Array(text.utf8)) }

    @Test(
        "is read in all its forms",
        arguments: [
            ("{}", .object([:])),
            ("[]", .list([])),
            ("\u{FEFF} { } // end", .object([:])),
            ("[1, 2,]", .list([.number(1), .number(2)])),
            (
                "{ a: 1, 'b': 2, \"c\": 3, $d_1: null, ключ: true, }",
                .object(["a": .number(1), "b": .number(2), "c": .number(3), "$d_1": .null, "ключ": .bool(true)])
            ),
            ("{ null: false }", .object(["null": .bool(false)])),
            ("/* a\n * b **/ [ // c\r\n 'x' /**/ ]\u{A0}", .list([.text("x")])),
            (
                "['it\\'s', \"\\\"\", 'a\\\nb', 'a\\\r\nb', '\\x41\\u00e9\\uD83D\\uDE00', '\\q\\/']",
                .list([.text("it's"), .text("\""), .text("ab"), .text("ab"), .text("Aé😀"), .text("q/")])
            ),
            (
                "[+1, -2, .5, 5., 1.5e3, 1E-2, 0x1F, 0, -0.25, 1e999, -Infinity]",
                .list([
                    .number(1), .number(-2), .number(0.5), .number(5), .number(1500), .number(0.01), .number(31),
                    .number(0), .number(-0.25), .number(.infinity), .number(-.infinity),
                ])
            ),
        ] as [(String, ConfigurationValue)])
    func reads(text: String, value: ConfigurationValue) throws {
        #expect(try parse(text) == value)
    }

    @Test("NaN is a number too") func nan() throws {
        guard case .number(let number) = try parse("NaN") else {
            Issue.record("no number")
            return
        }
        #expect(number.isNaN)
    }

    @Test(
        "a fault is shown at its line and column",
        arguments: [
            ("", "line 1, column 1: it is empty; { } is the least"),
            (" \n// nothing\n", "line 3, column 1: it is empty; { } is the least"),
            ("{\n  a: 1\n  b: 2\n}", "line 3, column 3: a comma or } is wanted, not \"b\""),
            ("{\r\n  a: 1\r\n  b: 2}", "line 3, column 3: a comma or } is wanted, not \"b\""),
            ("{\r  a: 1\r  b: 2}", "line 3, column 3: a comma or } is wanted, not \"b\""),
            ("{ \"ä\": 1 b }", "line 1, column 10: a comma or } is wanted, not \"b\""),
            ("{ a: 1; b: 2 }", "line 1, column 7: a comma or } is wanted, not \";\""),
            ("[1 2]", "line 1, column 4: a comma or ] is wanted, not \"2\""),
            ("[1, 2}", "line 1, column 6: a comma or ] is wanted, not \"}\""),
            ("[1,,2]", "line 1, column 4: a value is wanted, not \",\""),
            ("[,]", "line 1, column 2: a value is wanted, not \",\""),
            ("{,}", "line 1, column 2: a key is wanted, not \",\""),
            ("{ a 1 }", "line 1, column 5: a colon is wanted after \"a\", not \"1\""),
            ("{ a = 1 }", "line 1, column 5: a colon is wanted after \"a\", not \"=\""),
            ("{ foo-bar: 1 }", "line 1, column 6: a colon is wanted after \"foo\", not \"-\""),
            ("{ a", "line 1, column 4: a colon is wanted after \"a\", not the end"),
            ("{ a:", "line 1, column 5: a value is missing"),
            ("{ a: }", "line 1, column 6: a value is wanted, not \"}\""),
            ("{ a: yes }", "line 1, column 6: \"yes\" is no value; a text stands in quotes"),
            ("stores: ['oci:/x']", "line 1, column 1: \"stores\" is no value; a text stands in quotes"),
            ("{\n  stores: [\n    'oci:/x'", "line 2, column 11: this [ is never closed"),
            ("{\n  a: { b: 1 },\n", "line 1, column 1: this { is never closed"),
            ("{ a: 'x\n' }", "line 1, column 6: this quote is not closed on its line"),
            ("{ a: \"x' }", "line 1, column 6: this quote is not closed on its line"),
            ("'x\\", "line 1, column 1: this quote is not closed on its line"),
            ("{} x", "line 1, column 4: the document has ended before \"x\""),
            ("{}}", "line 1, column 3: the document has ended before \"}\""),
            ("{ a: 1, 'a': 2 }", "line 1, column 9: \"a\" stands here twice"),
            ("{ /* a ", "line 1, column 3: this comment is never closed"),
            ("{ / a }", "line 1, column 3: a comment begins with // or /*"),
            ("# pushd\n{}", "line 1, column 1: a comment begins with //, not #"),
            ("[1.2.3]", "line 1, column 2: \"1.2.3\" is not a number"),
            ("[010]", "line 1, column 2: \"010\" is not a number"),
            ("[0x]", "line 1, column 2: \"0x\" is not a number"),
            ("[-]", "line 1, column 2: \"-\" is not a number"),
            ("[.]", "line 1, column 2: \".\" is not a number"),
            ("[1e]", "line 1, column 2: \"1e\" is not a number"),
            ("[30s]", "line 1, column 2: \"30s\" is not a number"),
            ("['\\u12']", "line 1, column 3: \\u is followed by four hexadecimal digits"),
            ("['\\x+1']", "line 1, column 3: \\x is followed by two hexadecimal digits"),
            ("['\\uD83Dx']", "line 1, column 3: half a surrogate pair"),
            ("['\\uDE00']", "line 1, column 3: half a surrogate pair"),
            ("['\\1']", "line 1, column 3: \\1 means nothing in a text"),
            ("['a\u{0}b']", "line 1, column 4: a control character in a text"),
            ("['a\\0']", "line 1, column 4: a control character in a text"),
            ("['\\u0000']", "line 1, column 3: a control character in a text"),
            ("['a\tb']", "line 1, column 4: a control character in a text"),
            ("\u{1}", "line 1, column 1: a value is wanted, not a control character"),
        ])
    func faults(text: String, message: String) {
        let fault = #expect(throws: JSON5Fault.self) { try parse(text) }
        #expect(fault?.description == message)
    }

    @Test("what is not UTF-8 is refused with its line") func notUTF8() {
        let fault = #expect(throws: JSON5Fault.self) { try JSON5Parser.parse(Array("{\n".utf8) + [0xFF, 0x7D]) }
        #expect(fault?.description == "line 2: it is not UTF-8")
    }

    @Test("nesting is read up to its limit and refused beyond it, however deep", arguments: ["[", "{a:"])
    func depth(open: String) throws {
        let close = open == "[" ? "]" : "}"
        func nested(_ depth: Int) -> String {
            String(repeating: open, count: depth) + (open == "[" ? "" : "1") + String(repeating: close, count: depth)
        }
        _ = try parse(nested(JSON5Parser.depthLimit))
        for depth in [JSON5Parser.depthLimit + 1, 100_000] {
            let fault = #expect(throws: JSON5Fault.self) { try parse(nested(depth)) }
            #expect(fault?.reason == "it is nested deeper than 32 levels")
        }
    }

    @Test("a document of the largest size is read in a moment", .timeLimit(.minutes(1))) func large() throws {
        let start = ContinuousClock.now
        let items = Configuration.maximumSize / 2 - 2
        guard case .list(let list) = try parse("[" + String(repeating: "1,", count: items) + "]") else {
            Issue.record("no list")
            return
        }
        #expect(list.count == items)
        #expect(ContinuousClock.now - start < .seconds(20), "an unoptimised build on a busy machine takes two")
    }
}
