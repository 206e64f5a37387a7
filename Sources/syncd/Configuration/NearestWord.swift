/// Finds what somebody meant who wrote something else.
enum NearestWord {
    /// The candidate with the fewest letters changed, and how many; the first of equals. Case counts for nothing.
    static func find(_ word: String, among candidates: [String]) -> (word: String, distance: Int)? {
        let letters = Array(word.lowercased().unicodeScalars.prefix(100))
        return candidates.map { ($0, distance(letters, Array($0.lowercased().unicodeScalars))) }
            .min { $0.1 < $1.1 }
            .map { (word: $0.0, distance: $0.1) }
    }

    /// ` (did you mean "up"?)`, or nothing where no candidate is close.
    static func hint(_ word: String, among candidates: [String]) -> String {
        guard let nearest = find(word, among: candidates), isClose(nearest.distance, to: word) else { return "" }
        return " (did you mean \"\(nearest.word)\"?)"
    }

    /// True if so few changes may be a slip of the fingers.
    static func isClose(_ distance: Int, to word: String) -> Bool {
        distance <= max(1, word.unicodeScalars.count / 2)
    }

    /// Letters to insert, remove, replace or swap with their neighbour: the optimal string alignment distance.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                var best = min(last[column + 1], current[column]) + 1
                best = min(best, last[column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
