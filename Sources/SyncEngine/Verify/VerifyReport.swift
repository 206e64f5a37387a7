/// One thing that verifying found on one side of one path.
public struct Finding: Hashable, Sendable {
    public var path: RelativePath
    public var side: Side
    public var kind: FindingKind
    /// One sentence for the operator: what is the matter, and what a cycle would do or what to do.
    public var message: String

    public init(path: RelativePath, side: Side, kind: FindingKind, message: String) {
        self.path = path
        self.side = side
        self.kind = kind
        self.message = message
    }
}

/// What verifying one folder came to. Nothing was written, on either side or in the index.
public struct VerifyReport: Sendable {
    public var startedAt: UnixTime
    public var finishedAt: UnixTime
    /// Entries that were verified, or were found wanting, or can be neither: all that have a base and are not excluded,
    /// unless a failure came first.
    public var entries: Int64 = 0
    /// Entries of which both sides hold what they should.
    public var verified: Int64 = 0
    /// Entries with a fault on either side.
    public var faulty: Int64 = 0
    /// Entries without a fault that were changed since the last cycle.
    public var notSynced: Int64 = 0
    /// Entries without a finding of which nothing tells the content on one side.
    public var unverifiable: Int64 = 0
    /// Bytes of files that were read.
    public var bytesRead: Int64 = 0
    /// Bytes of objects that were read.
    public var bytesFetched: Int64 = 0
    /// In byte order, at most ``maximumFindings`` faults and as many others.
    public var findings: [Finding] = []
    /// Findings beyond that bound, counted only.
    public var furtherFindings: Int64 = 0
    /// By class: LIST, GET, HEAD.
    public var requests: [String: Int64] = [:]
    /// Why the folder was not looked at: its root is not there, or another.
    public var halt: Halt?
    public var failure: CycleFailure?

    /// Faults that are kept one by one.
    public static let maximumFindings = 10_000

    public init(startedAt: UnixTime, finishedAt: UnixTime, failure: CycleFailure? = nil) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.failure = failure
    }
}
