import Testing

@testable import pushctl

@Suite("Text for people")
struct TextTests {
    @Test(
        "sizes have three digits that count",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (9994, "9.99 kB"), (9995, "10.0 kB"), (99_949, "99.9 kB"),
            (99_950, "100 kB"), (999_499, "999 kB"), (999_500, "1.00 MB"), (104_000_000, "104 MB"),
            (1_234_567_890, "1.23 GB"), (-5, "0 B"), (.max, "9223 PB"),
        ] as [(Int64, String)])
    func bytes(count: Int64, text: String) { #expect(formatBytes(count) == text) }

    @Test(
        "progress is in the unit of the whole",
        arguments: [
            (0, 500, "0/500 B"), (52_100_000, 104_000_000, "52/104 MB"), (10_000, 45_200_000, "0.0/45.2 MB"),
            (1_000_000_000, 1_000_000_000, "1.00/1.00 GB"),
        ] as [(Int64, Int64, String)])
    func progress(done: Int64, total: Int64, text: String) { #expect(formatProgress(done, of: total) == text) }

    @Test("percents are 100 only when all is done", arguments: [(0, 0), (199, 99), (200, 100), (300, 100), (-1, 0)])
    func percents(done: Int64, expected: Int) {
        #expect(percent(done, of: 200) == expected)
        #expect(percent(0, of: 0) == 100)
    }

    @Test(
        "spans have two units at most",
        arguments: [
            (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (12_000, "3 h 20 min"),
            (352_800, "4 d 2 h"), (-3, "0 s"), (.infinity, ""),
        ])
    func spans(seconds: Double, text: String) { #expect(formatSpan(seconds: seconds) == text) }

    @Test(
        "ages look back and ahead",
        arguments: [
            (0, "now"), (-8000, "8 s ago"), (-200_000, "3 min ago"), (-7_200_000, "2 h ago"), (-432_000_000, "5 d ago"),
            (8000, "in 8 s"),
        ] as [(Int64, String)])
    func ages(offset: Int64, text: String) { #expect(formatAge(of: testNow + offset, now: testNow) == text) }

    @Test(
        "what could steer a terminal is dropped",
        arguments: [
            ("plain", "plain"), ("\u{1B}[31mred\u{1B}[0m", "[31mred[0m"), ("a\r\nb\tc", "a b c"), ("\u{9B}2J", "2J"),
            ("\u{7F}\u{0}\u{8}x", "x"), ("\u{1B}]0;title\u{7}", "]0;title"), ("a\u{202E}b\u{2066}c", "abc"),
            ("a\u{2028}b", "a b"), ("naïve 長い 🐳", "naïve 長い 🐳"),
        ])
    func printable(dirty: String, clean: String) {
        #expect(dirty.printable == clean)
        #expect(Line(dirty).rendered(color: true) == clean)
        var line = Line()
        line.append(dirty, .bad)
        #expect(line.text == clean)
    }

    @Test(
        "widths are counted in columns",
        arguments: [("abc", 3), ("長い", 4), ("é", 1), ("e\u{301}", 1), ("🐳", 2), ("…", 1), ("", 0), ("한글", 4)])
    func widths(text: String, width: Int) { #expect(text.displayWidth == width) }

    @Test(
        "a line is cut between characters, with a mark",
        arguments: [
            ("registry", 8, "registry"), ("registry", 5, "regi…"), ("長い名前", 8, "長い名前"), ("長い名前", 7, "長い名…"),
            ("長い名前", 6, "長い…"), ("x", 0, ""), ("xy", 1, "…"),
        ])
    func truncation(text: String, width: Int, expected: String) {
        let line = Line(text, .good).truncated(to: width)
        #expect(line.text == expected)
        #expect(line.width <= width)
    }

    @Test(
        "names are cut in the middle: registry and tag stay",
        arguments: [(11, "r.ex…team/a"), (15, "r.exa…le/team/a"), (16, "r.example/team/a"), (2, "…a"), (1, "")])
    func cutInTheMiddle(width: Int, expected: String) {
        let cut = "r.example/team/a".cutInTheMiddle(width: width)
        #expect(cut == expected)
        #expect(cut.displayWidth <= width)
    }

    @Test("a line breaks at spaces, keeps its colours, and is indented from its second row on")
    func wrappedLine() {
        let line = Line("one ", .bad).appending("two", .good).appending("three four")
        let rows = line.wrapped(width: 9, indent: 2)
        #expect(rows.map(\.text) == ["one", "  twothre", "  e four"])
        #expect(Line("one two").wrapped(width: 80).map(\.text) == ["one two"])
        #expect(line.wrapped(width: 80)[0].rendered(color: true).hasPrefix("\u{1B}[31mone\u{1B}[0m"))
    }

    @Test("sentences break at spaces, and words only where they must")
    func wrapping() {
        #expect("one two three".wrapped(width: 7) == ["one two", "three"])
        #expect("abcdefghij k".wrapped(width: 4) == ["abcd", "efgh", "ij k"])
        #expect("".wrapped(width: 4) == [""])
        #expect("長い名前".wrapped(width: 3) == ["長", "い", "名", "前"])
    }

    @Test("colours surround text only where wanted")
    func colours() {
        let line = Line("a").appending("b", .bad)
        #expect(line.rendered(color: false) == "ab")
        #expect(line.rendered(color: true) == "a\u{1B}[31mb\u{1B}[0m")
    }
}
