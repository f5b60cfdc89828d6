/// The word that was most likely meant: the only one that begins with `word`, or the nearest by typing mistakes.
///
/// - Returns: nil if nothing is near enough that suggesting it would help.
public func nearest(to word: String, among candidates: [String]) -> String? {
    if word.count >= 2 {
        let longer = candidates.filter { $0.hasPrefix(word) }
        if longer.count == 1 { return longer[0] }
    }
    let allowed = word.count <= 3 ? 1 : (word.count <= 6 ? 2 : 3)
    return
        candidates
        .map { (candidate: $0, mistakes: typingMistakes(from: word, to: $0)) }
        .filter { $0.mistakes <= allowed && $0.mistakes < $0.candidate.count }
        .min { $0.mistakes < $1.mistakes }?
        .candidate
}

/// How many letters must be inserted, deleted, replaced or swapped with their neighbour (optimal string alignment).
private func typingMistakes(from a: String, to b: String) -> Int {
    let a = Array(a.unicodeScalars.prefix(64))
    let b = Array(b.unicodeScalars.prefix(64))
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1] + [Int](repeating: 0, count: b.count)
        for j in b.indices {
            row[j + 1] = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1) }
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
