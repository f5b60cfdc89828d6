import Control
import FoundationEssentials
import Testing

@testable import pushctl

@Suite("Help and completions")
struct HelpTests {
    @Test("the first screen fits 80 columns, names every command once, in groups, with a gap after every usage")
    func firstScreen() throws {
        let lines = helpText(of: CommandSpec.groups).map(\.text)
        #expect(lines.allSatisfy { $0.displayWidth <= 80 })
        for title in ["Publish:", "Look:", "Registries:", "Daemon:"] { #expect(lines.contains(title)) }
        for spec in CommandSpec.all {
            let places = lines.indices.filter { (lines[$0] + " ").hasPrefix("  \(spec.name) ") }
            #expect(places.count == 1, "\(spec.name)")
            let line = lines[try #require(places.first)]
            let rest = line.dropFirst(2 + spec.usage.count)
            #expect(line.hasPrefix("  " + spec.usage) && (rest.isEmpty || rest.hasPrefix("  ")), "\(line)")
            #expect(rest.hasSuffix(spec.summary) || lines[(places.first ?? 0) + 1].hasSuffix("  " + spec.summary))
        }
    }

    @Test("the help of each command has examples, and breaks no word")
    func wholeWords() {
        for spec in CommandSpec.all {
            #expect(!spec.examples.isEmpty, "\(spec.name)")
            let words = (spec.details + spec.options.map(\.help)).flatMap { $0.split(separator: " ") }
            #expect(words.allSatisfy { $0.count <= 52 }, "\(spec.name)")
        }
    }

    @Test("the help of each command fits 80 columns and names every option", arguments: CommandSpec.all.map(\.name))
    func command(name: String) throws {
        let spec = try #require(CommandSpec.all.first { $0.name == name })
        let lines = helpText(of: spec)
        #expect(lines.allSatisfy { $0.width <= 80 })
        for option in spec.options + CommandSpec.globalOptions {
            #expect(lines.contains { $0.text.contains("--" + option.name) })
        }
    }

    @Test("every example is a command line that is understood")
    func examples() throws {
        let around = Surroundings(environment: [:], directory: "/", userID: 0)
        for example in CommandSpec.all.flatMap(\.examples) {
            let line = example.line.prefix { $0 != "|" && $0 != ">" }
            let words = line.split(separator: " ").map(String.init)
            #expect(words.first == "pushctl")
            _ = try Invocation(Array(words.dropFirst()), in: around)
        }
    }

    @Test(
        "the packaged completions are those that pushctl prints",
        arguments: [(Shell.bash, "pushctl.bash"), (.zsh, "_pushctl"), (.fish, "pushctl.fish")])
    func packagedCompletions(shell: Shell, file: String) throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try Data(contentsOf: URL(filePath: "/\(root)/etc/completions/\(file)"))
        #expect(String(decoding: bytes, as: UTF8.self) == shell.completions)
    }

    @Test("the manual names every command and option")
    func manual() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let bytes = try Data(contentsOf: URL(filePath: "/\(root)/docs/pushctl.1"))
        let macros = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix(".") }
        let heads = macros.filter { $0.hasPrefix(".It Ic ") }
        // `Fl -name` is what prints `--name`.
        let words = Set(macros.flatMap { $0.split(separator: " ") }.map(String.init))
        for spec in CommandSpec.all {
            #expect(heads.contains { ($0 + " ").contains(" Ic \(spec.name) ") }, "\(spec.name)")
            for option in spec.options { #expect(words.contains("-" + option.name), "--\(option.name)") }
        }
    }

    @Test(
        "the nearest word is suggested, and none where none is near",
        arguments: [
            ("psuh", "push"), ("stat", "status"), ("verfiy", "verify"), ("evnets", "events"), ("xyz", nil), ("p", nil),
        ] as [(String, String?)])
    func suggestions(word: String, expected: String?) {
        #expect(nearest(to: word, among: CommandSpec.all.map(\.name)) == expected)
    }
}
