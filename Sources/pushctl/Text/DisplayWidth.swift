extension Character {
    /// How many columns a terminal gives this character: 0, 1 or 2.
    ///
    /// Source: Unicode Standard Annex 11; the wide blocks and the emoji that are drawn as pictures by default. The C
    /// library's `wcwidth` depends on a locale that pushctl doesn't load.
    var displayWidth: Int {
        if let ascii = asciiValue { return ascii < 0x20 || ascii == 0x7F ? 0 : 1 }
        var width = 0
        for scalar in unicodeScalars { width = max(width, scalar.displayWidth) }
        return width
    }
}

extension StringProtocol {
    /// Columns on a terminal.
    var displayWidth: Int {
        utf8.allSatisfy { (0x20..<0x7F).contains($0) } ? utf8.count : reduce(0) { $0 + $1.displayWidth }
    }
}

extension Unicode.Scalar {
    fileprivate var displayWidth: Int {
        switch value {
        case 0xFE0F: return 2  // asks for the picture form of the character before it
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: break
        }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control, .lineSeparator, .paragraphSeparator: return 0
        default: return properties.isEmojiPresentation ? 2 : 1
        }
    }
}
