/// The index could not be opened, read or written.
public struct IndexError: Error, Sendable {
    /// One sentence for the operator: which file, what happened, and what to do.
    public var message: String

    public init(message: String) {
        self.message = message
    }
}
