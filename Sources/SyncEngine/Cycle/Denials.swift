/// Whether the service denies whatever is asked of it: then the rest waits for the next cycle, which asks a few times more,
/// and not once for each of a million files.
struct Denials {
    private var inARow = 0

    /// So many denials, and nothing else between them, mean that it is the keys and not the object.
    static let limit = 20

    /// True when nothing more is worth asking for in this cycle.
    var areAll: Bool { inARow >= Self.limit }

    mutating func note(_ isDenial: Bool) { inARow = isDenial ? inARow + 1 : 0 }
}
