/// Bytes that look random and are the same in every run: test content by size and seed.
///
/// SplitMix64, one 8-byte word a step. The bytes of a seed do not depend on how they are asked for.
public struct PseudoRandomBytes: Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// The first `size` bytes of `seed`.
    public static func make(size: Int, seed: UInt64) -> [UInt8] {
        var generator = PseudoRandomBytes(seed: seed)
        return generator.next(size)
    }

    /// The next `count` bytes. A count that is no multiple of 8 throws the rest of its last word away.
    public mutating func next(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            var place = 0
            while place < count {
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = state
                word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
                word ^= word >> 31
                if count - place >= 8 {
                    UnsafeMutableRawBufferPointer(buffer).storeBytes(
                        of: word.littleEndian, toByteOffset: place, as: UInt64.self)
                    place += 8
                } else {
                    while place < count {
                        buffer[place] = UInt8(truncatingIfNeeded: word)
                        word >>= 8
                        place += 1
                    }
                }
            }
            filled = count
        }
    }
}
