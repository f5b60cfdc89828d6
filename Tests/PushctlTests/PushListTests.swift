import Testing

@testable import pushctl

@Suite("A list of pushes")
struct PushListTests {
    private let source = PushList.Source(file: "list", directory: "/work", home: "/home/ann")

    private func fault(_ text: String, in source: PushList.Source? = nil) -> UsageError? {
        do {
            _ = try PushList(parsing: text, from: source ?? self.source)
            return nil
        } catch { return error }
    }

    @Test("has a push a line, with its line's number; blanks, empty lines and comments count for nothing")
    func parsing() throws {
        let text =
            "# nightly\r\n\n  oci:build:1\tr.example/a:1  m.example/a\r\nteam/app:2 # its own name\n   #\napp r.example/b"
        #expect(
            try PushList(parsing: text, from: source).pushes == [
                .init(line: 3, image: "oci:/work/build:1", destinations: ["r.example/a:1", "m.example/a"]),
                .init(line: 4, image: "team/app:2", destinations: []),
                .init(line: 6, image: "app", destinations: ["r.example/b"]),
            ])
        #expect(try PushList(parsing: "oci:~/x r.example/a", from: source).pushes[0].image == "oci:/home/ann/x")
    }

    @Test("with a fault names the line, and which input it is")
    func faults() {
        #expect(
            fault("app r.example/a\n\n./build r.example/b")
                == UsageError(
                    "list, line 3: \"./build\" is a path, not the name of an image",
                    advice: "for an OCI image layout write: oci:./build"))
        #expect(
            fault("app docker://r.example/a", in: .init(file: "-", directory: "/", home: nil))
                == UsageError(
                    "standard input, line 1: \"docker://r.example/a\" is an address, not a name",
                    advice: "leave out docker://: r.example/a"))
        #expect(
            fault("app r.example/a\napp --force r.example/b")
                == UsageError(
                    "list, line 2: \"--force\" is an option",
                    advice: "a line is IMAGE [DEST…]; give options to pushctl push, for every line"))
        for empty in ["", "\n# nothing\n"] {
            #expect(
                fault(empty) == UsageError("list lists no push", advice: "write one a line: IMAGE [DEST…]"))
        }
    }

    @Test("is bounded")
    func bound() {
        let most = String(repeating: "a r.example/a\n", count: PushList.mostPushes)
        #expect(fault(most) == nil)
        #expect(fault(most + "a\n")?.message == "list lists more than 10000 pushes")
    }
}
