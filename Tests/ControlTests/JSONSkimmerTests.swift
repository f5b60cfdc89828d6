import FoundationEssentials
import Testing

@testable import Control

@Suite("The JSON skimmer")
struct JSONSkimmerTests {
    @Test("tells where the members stand, without their space around them")
    func members() throws {
        let text = #" { "a" : {"x":[1, {"y":"}"}]} , "b\u0061\"" : -0.5e+7 ,"":"\\" } "#
        let found = try members(of: text)
        #expect(found.map(\.key) == ["a", "ba\"", ""])
        let bytes = Array(text.utf8)
        #expect(
            found.map { String(decoding: bytes[$0.value], as: UTF8.self) } == [
                #"{"x":[1, {"y":"}"}]}"#, "-0.5e+7", #""\\""#,
            ])
    }

    @Test(
        "takes what the grammar allows",
        arguments: [
            "{}", " \t\r\n{ } ", #"{"a":null,"b":true,"c":false,"d":[],"e":{},"f":0,"g":-0,"h":10.25E-3}"#,
            #"{"a":"\"\\\/\b\f\n\r\t\u00e9é🚀"}"#,
        ])
    func accepted(text: String) throws {
        _ = try members(of: text)
    }

    @Test(
        "refuses what the grammar does not allow",
        arguments: [
            "", " ", "{", "}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,"a":1}"#, #"{"a":1 "b":2}"#, #"{a:1}"#,
            #"{'a':1}"#,
            #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":1e}"#, #"{"a":NaN}"#, #"{"a":tru}"#,
            #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, #"{"a":"b}"#, "{\"a\":\"\u{1}\"}", "{\"a\":\"\n\"}", #"{"a":[1,]}"#,
            #"{"a":[1 2]}"#, #"{"a":[}]"#, "{} {}", "{}x", #"{"a":1}}"#, "{\"a\":1}\u{0}", #"{"a"://1"#,
            #"{"\ud800":1}"#,
        ])
    func refused(text: String) {
        #expect(throws: MessageFault.self) { try members(of: text) }
    }

    @Test("refuses what is no object", arguments: ["[]", "1", "\"a\"", "null", "[{}]"])
    func noObject(text: String) {
        #expect(throws: MessageFault.notAnObject) { try members(of: text) }
    }

    @Test("refuses a key that is there twice, however it is spelled")
    func duplicates() {
        #expect(throws: MessageFault.duplicate(key: "a")) { try members(of: #"{"a":1,"\u0061":2}"#) }
    }

    @Test("reads a message that is full of names without holding each against all others", .timeLimit(.minutes(1)))
    func manyNames() throws {
        let names = (0..<130_000).map { #""\#($0)":1"# }
        #expect(try members(of: "{" + names.joined(separator: ",") + "}").count == 130_000)
        #expect(throws: MessageFault.duplicate(key: "7")) {
            try members(of: "{" + names.joined(separator: ",") + #","7":1}"#)
        }
    }

    @Test(
        "refuses bytes that are not UTF-8",
        arguments: [[0xC3, 0x28], [0xFF], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        let text = Array(#"{"a":""#.utf8) + bytes + Array(#""}"#.utf8)
        #expect(throws: MessageFault.notUTF8) {
            try text.withUnsafeBytes { try JSONSkimmer.members(of: $0, depthLimit: 8) }
        }
    }

    @Test("bounds the depth", arguments: ["[", #"{"a":"#])
    func depth(opening: String) throws {
        let closing = opening == "[" ? "]" : "}"
        func nested(_ levels: Int) -> String {
            #"{"a":"# + String(repeating: opening, count: levels - 1) + "1"
                + String(repeating: closing, count: levels - 1) + "}"
        }
        _ = try members(of: nested(8))
        #expect(throws: MessageFault.tooDeep(limit: 8)) { try members(of: nested(9)) }
        #expect(throws: MessageFault.tooDeep(limit: 8)) { try members(of: nested(100_000)) }
    }

    private func members(of text: String) throws -> [JSONSkimmer.Member] {
        try Array(text.utf8).withUnsafeBytes { try JSONSkimmer.members(of: $0, depthLimit: 8) }
    }
}
