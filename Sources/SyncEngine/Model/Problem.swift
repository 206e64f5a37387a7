/// Something that should have been synced and was not, and why. It stops nothing else.
public struct Problem: Hashable, Sendable {
    /// What kind of thing went wrong: the word that people filter by.
    public enum Kind: String, Sendable, CaseIterable {
        /// A file or directory that may not be, or cannot be, read.
        case unreadable
        /// A name that the other side cannot hold.
        case name
        /// A file that kept changing while it was read, or an object while it was fetched.
        case busy
        /// A file where a directory must be, or the reverse.
        case collision
        /// The bucket refused the request.
        case refused
        /// An object that its service holds in an archive: it cannot be read until it is restored there.
        case archived
        /// What the keys may not do: the same for all that it keeps from being done.
        case denied
        /// Changed on both sides, and both versions could not be kept.
        case conflict
        /// Content that did not survive the transfer.
        case corrupt
        /// A file that could not be written here.
        case unwritable
        /// An object that is too large for this version, or for the service.
        case tooLarge
    }

    /// The path below the root, or a key's bytes below the prefix where no path can be made of them.
    public var path: [UInt8]
    public var side: Side
    public var kind: Kind
    /// One sentence for the operator: what happened, and what to do.
    public var message: String

    public init(path: [UInt8], side: Side, kind: Kind, message: String) {
        self.path = path
        self.side = side
        self.kind = kind
        self.message = message
    }
}
