/// Names of a folder's entries, drawn evenly, and what they tell of how all are spread.
public struct NameSample: Sendable {
    /// In byte order, none twice.
    let names: [[UInt8]]
    /// Entries that each name stands for; 0 where there is no name.
    let weight: Double

    /// `names` are some of `total`, in any order.
    public init(_ names: [[UInt8]], of total: Int64) {
        self.names = Set(names).sorted { bytesPrecede($0, $1) }
        weight = self.names.isEmpty ? 0 : Double(max(0, total)) / Double(self.names.count)
    }

    /// All entries.
    var total: Double { Double(names.count) * weight }

    /// About how many entries have names that begin with `start`.
    func estimate(beginningWith start: [UInt8]) -> Double { Double(range(of: start).count) * weight }

    /// The names that begin with `start`.
    func range(of start: [UInt8]) -> Range<Int> {
        let first = partition { !bytesPrecede($0, start) }
        let end = partition(from: first) { bytesPrecede(start, $0) && !$0.starts(with: start) }
        return first..<end
    }

    /// The first index from `first` on for which `isBehind` holds, which it does for all after it.
    private func partition(from first: Int = 0, _ isBehind: ([UInt8]) -> Bool) -> Int {
        var (low, high) = (first, names.count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(names[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
