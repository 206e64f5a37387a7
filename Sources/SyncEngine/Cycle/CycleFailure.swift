/// What stopped a cycle as a whole.
public struct CycleFailure: Error, Sendable {
    /// What callers branch on.
    public enum Code: String, Sendable {
        case credentialsRefused
        case unreachable
        case noSuchBucket
        /// The bucket refused what the cycle cannot do without: a listing.
        case refused
        /// The listing ended early or made no sense, so nothing can be said of what it did not show.
        case incompleteListing
        /// The root could not be read.
        case unreadableRoot
        /// The index could not be read or written.
        case index
        /// The index holds what no version of syncd writes: it has to be made anew.
        case indexDamaged
        /// The state directory, or a file in it, cannot be used.
        case stateDirectory
        /// Another process holds the root or the state directory.
        case busy
        /// Nothing is known of the folder that it could be verified against.
        case neverSynced
        /// The process was asked to stop.
        case interrupted
    }

    public var code: Code
    /// One sentence for the operator.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// How an error of the store ends a cycle; nil if it concerns one object only.
    init?(fatal error: StoreError) {
        switch error.code {
        case .credentialsRefused: self.init(code: .credentialsRefused, message: error.message)
        case .unreachable: self.init(code: .unreachable, message: error.message)
        case .noSuchBucket: self.init(code: .noSuchBucket, message: error.message)
        case .cancelled: self.init(code: .interrupted, message: "stopped on request")
        case .notFound, .preconditionFailed, .accessDenied, .slowDown, .badDigest, .uploadGone, .partsRefused,
            .rangeIgnored, .malformedAnswer, .archived, .localFile, .refused:
            return nil
        }
    }
}

extension CycleFailure {
    init(_ error: IndexError) {
        switch error.code {
        case .damaged: self.init(code: .indexDamaged, message: error.message)
        case .newerVersion, .unusable: self.init(code: .index, message: error.message)
        }
    }

    /// What an error that ended a cycle says to the operator.
    init(of error: any Error) {
        switch error {
        case let failure as CycleFailure: self = failure
        case let error as IndexError: self.init(error)
        case let error as FileSystemError:
            self.init(code: .unreadableRoot, message: "\(error.operation) failed: \(error.reason)")
        case let error as StoreError:
            self = CycleFailure(fatal: error) ?? CycleFailure(code: .refused, message: error.message)
        case is CancellationError: self.init(code: .interrupted, message: "stopped on request")
        default: self.init(code: .index, message: "\(error)")
        }
    }
}
