/// Times and sizes as people write them, in the configuration and on the command line: one grammar for both programs.
///
/// A number is digits with at most one point between them: neither sign, exponent nor `inf`.
public enum Quantity {
    /// `30s`, `5m`, `2h`, `7d`, `250ms`; several of them, the largest first, as in `1h30m`; or plain seconds, `90` or `1.5`.
    ///
    /// - Returns: seconds; nil unless it is a time.
    public static func seconds(_ text: String) -> Double? {
        if let seconds = decimal(text) { return seconds }
        let units: [(name: String, seconds: Double)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1), ("ms", 0.001)]
        var rest = text[...]
        var seconds = 0.0
        var allowed = units[...]  // each unit once, largest first
        guard !text.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            let name = rest.dropFirst(number.count).prefix { $0.isASCII && $0.isLetter }
            guard let amount = decimal(String(number)), let place = allowed.firstIndex(where: { $0.name == name })
            else { return nil }
            seconds += amount * allowed[place].seconds
            allowed = allowed[(place + 1)...]
            rest = rest.dropFirst(number.count + name.count)
        }
        return seconds
    }

    /// `1048576`, `64KiB`, `32MiB`, `10GB`, `500k`, `2M`: `k`, `M`, `G`, `T` are powers of 1000, `Ki`, `Mi`, `Gi`, `Ti` of
    /// 1024, each with or without `B`.
    ///
    /// A small `b` is refused: in `2Mb` it means bits.
    ///
    /// - Returns: bytes, rounded down; nil unless it is a size of at most 1e15 bytes.
    public static func bytes(_ text: String) -> Int64? {
        var number = text[...]
        if number.last == "B" { number.removeLast() }
        let base: Double = number.last == "i" ? 1024 : 1000
        if base == 1024 { number.removeLast() }
        let powers: [Character: Int] = ["k": 1, "K": 1, "M": 2, "G": 3, "T": 4]
        let power = number.last.flatMap { powers[$0] }
        if power != nil { number.removeLast() } else if base == 1024 { return nil }
        guard let amount = decimal(String(number)) else { return nil }
        let bytes = (0..<(power ?? 0)).reduce(amount) { size, _ in size * base }
        return bytes <= 1e15 ? Int64(bytes) : nil
    }

    /// A size in a second: as ``bytes(_:)``, with or without `/s`.
    public static func bytesPerSecond(_ text: String) -> Int64? {
        bytes(text.hasSuffix("/s") ? String(text.dropLast(2)) : text)
    }

    private static func decimal(_ text: String) -> Double? {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 18 else { return nil }
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        guard isDigit(first), isDigit(last), text.utf8.allSatisfy({ isDigit($0) || $0 == 0x2E }) else { return nil }
        return Double(text)
    }
}

extension Duration {
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
