/// What keeps a folder from overwriting or deleting an object that another writer has just put in the place of the one it
/// knows.
public struct WriteGuards: Hashable, Sendable {
    /// From the surest to the one that trusts most.
    public enum Guard: String, Sendable {
        /// The service itself looks, in the very step that writes: no window is open.
        case condition
        /// A HEAD comes just before: what is written between the two is overwritten.
        case head
        /// The cycle's own listing, which is enough where this side leads.
        case listing
    }

    /// Of a PUT of one request.
    public var overwrites: Guard
    /// Of what goes up in parts, when it is put together; nil while nobody knows.
    public var parts: Guard?
    public var deletes: Guard

    public init(overwrites: Guard, parts: Guard?, deletes: Guard) {
        self.overwrites = overwrites
        self.parts = parts
        self.deletes = deletes
    }
}
