extension StringProtocol {
    /// The text with nothing in it that could steer a terminal: fit to be printed, on one line.
    ///
    /// Messages come from registries. Control characters (C0, DEL, C1) could move the cursor, rename the window or
    /// answer as if typed; invisible formatting could reorder or hide text. Line breaks and tabs become spaces, the
    /// rest is dropped.
    var printable: String {
        if utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return String(self) }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control:
                if scalar == "\n" || scalar == "\t" { result.append(" ") }
            case .lineSeparator, .paragraphSeparator: result.append(" ")
            case .format, .surrogate: break
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
