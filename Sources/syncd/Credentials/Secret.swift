/// A text that must never be shown: descriptions, dumps, mirrors and interpolations of it hold nothing of it.
struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let value: String

    init(_ value: String) {
        self.value = value
    }

    /// The text itself, for the one place that signs with it.
    func reveal() -> String { value }

    var description: String { "(secret)" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}
