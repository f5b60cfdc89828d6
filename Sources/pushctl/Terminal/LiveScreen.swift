/// The part of the terminal that is drawn again and again: the last lines above the cursor.
///
/// It makes the bytes and remembers what it owns; it never moves the cursor above its own lines.
struct LiveScreen: Sendable {
    /// Widths of the lines on screen, top first.
    private var drawn: [Int] = []

    /// The bytes that put `lines` in the place of what was drawn before. They end at the start of the line below.
    ///
    /// - Parameter width: the terminal's columns now. Terminals break lines anew when they get narrower, and so what
    ///   was drawn may take more rows by now.
    mutating func frame(_ lines: [Line], width: Int, color: Bool) -> String {
        let rows = drawn.reduce(0) { $0 + max(($1 + max(width, 1) - 1) / max(width, 1), 1) }
        var text = "\r" + (rows > 0 ? "\u{1B}[\(rows)A" : "")
        // Each line is cleared before it is written: clearing behind a full line would take its last character.
        for line in lines { text += "\u{1B}[2K" + line.rendered(color: color) + "\r\n" }
        drawn = lines.map(\.width)
        // One write a frame, with the cursor hidden only inside it: no end of pushctl can leave it hidden.
        return "\u{1B}[?25l" + text + "\u{1B}[J\u{1B}[?25h"
    }

    /// Leaves what is drawn as it is; the next frame begins below it.
    mutating func release() { drawn = [] }
}
