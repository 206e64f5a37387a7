import Synchronization

/// What a command that copies came to.
public struct CopyReport: Sendable {
    public var copied: Int64 = 0
    /// Objects or files that held the same content already.
    public var same: Int64 = 0
    /// Bytes that were moved.
    public var bytes: Int64 = 0
    /// The first of what could not be copied, each with its reason.
    public var problems: [Problem] = []
    /// All of it.
    public var problemCount: Int64 = 0
    /// Links and special files, and names that are syncd's own: left out.
    public var skipped: Int64 = 0
    /// Directories that were made or found for folder markers.
    public var directories: Int64 = 0
    /// What ended it before its time.
    public var failure: CycleFailure?

    /// Problems that are kept one by one.
    static let maximumKept = 1_000

    public init() {}

    /// True if there was nothing to copy at all.
    public var isEmpty: Bool { copied + same + problemCount + skipped + directories == 0 && failure == nil }

    mutating func note(_ problem: Problem) {
        problemCount += 1
        if problems.count < Self.maximumKept { problems.append(problem) }
    }
}

/// Outcomes of transfers, on their way into a report.
final class CopyOutcomes: Sendable {
    private let state = Mutex((problems: [Problem](), occupied: [RelativePath: RemoteState]()))

    func take(_ outcome: Outcome) {
        state.withLock { state in
            switch outcome {
            case .failed(_, let problem): state.problems.append(problem)
            case .observedRemote(let entry, let remote?): state.occupied[entry.path] = remote
            case .observedRemote(let entry, nil): state.problems.append(.gone(entry.path, .remote))
            case .observedLocal(let entry, nil): state.problems.append(.gone(entry.path, .local))
            case .observedLocal(let entry, _): state.problems.append(.inTheWay(entry.path, .local))
            case .agreed, .sent, .removed, .compared, .confirmed, .left: break
            }
        }
    }

    /// What came since the last time: problems, and objects that were there already.
    func drain() -> (problems: [Problem], occupied: [RelativePath: RemoteState]) {
        state.withLock { state in
            defer { state = ([], [:]) }
            return state
        }
    }
}

extension Problem {
    fileprivate static func gone(_ path: RelativePath, _ side: Side) -> Problem {
        Problem(path: path.bytes, side: side, kind: .busy, message: "it went away before it was copied")
    }

    static func inTheWay(_ path: RelativePath, _ side: Side) -> Problem {
        Problem(
            path: path.bytes,
            side: side,
            kind: .collision,
            message: "it is there already, with other content: --force replaces it"
        )
    }

    /// What cannot be replaced by a file, whatever is wished.
    static func noFile(_ path: RelativePath, _ kind: FileStatus.Kind) -> Problem {
        let what =
            switch kind {
            case .directory: "a directory"
            case .symbolicLink: "a symbolic link"
            case .special, .file: "no regular file"
            }
        return Problem(
            path: path.bytes,
            side: .local,
            kind: .collision,
            message: "what is there already is \(what): move it away"
        )
    }
}
