/// What must stand at a name for a write there to be right.
public enum ObjectExpectation: Hashable, Sendable {
    case nothing
    case version(ETag)
    /// It does not matter: a look has just shown what stands there.
    case anything

    /// As an entry knows the remote side.
    public init(_ remote: RemoteState?) {
        self = remote.map { .version($0.etag) } ?? .nothing
    }
}
