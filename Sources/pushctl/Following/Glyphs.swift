/// The signs that pictures are drawn with.
struct Glyphs: Sendable, Equatable {
    var barDone: Character
    var barLeft: Character
    var ellipsis: String

    static let unicode = Glyphs(barDone: "━", barLeft: "─", ellipsis: "…")
    static let ascii = Glyphs(barDone: "#", barLeft: ".", ellipsis: "...")

    /// Plain ASCII where the locale isn't UTF-8, and where East Asian fonts draw these signs two columns wide.
    static func fitting(_ environment: [String: String]) -> Glyphs {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let upper = locale.uppercased()
        let isUTF8 = upper.contains("UTF-8") || upper.contains("UTF8")
        let isEastAsian = ["JA", "ZH", "KO"].contains(String(upper.prefix(2)))
        return isUTF8 && !isEastAsian ? .unicode : .ascii
    }
}
