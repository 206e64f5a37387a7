import SyncEngine

/// How a command ended, by the code that it exits with.
enum ExitCause: Int32, Sendable, CaseIterable {
    /// In sync, or done.
    case done = 0
    /// An incomplete listing, a bucket that is not there, an interruption.
    case failed = 1
    /// `plan`: there are changes to make.
    case changes = 2
    /// Done, but for some paths; `verify`: something differs.
    case problems = 3
    /// A gate stopped a folder.
    case halted = 4
    case usage = 64
    case unreachable = 69
    /// Another syncd holds the folder or the state directory.
    case busy = 75
    case credentialsRefused = 77
    /// The configuration is invalid or missing.
    case configuration = 78

    /// With several causes, the first of these that is among them is the exit code.
    private static let precedence: [ExitCause] = [
        .configuration, .usage, .busy, .credentialsRefused, .unreachable, .halted, .failed, .problems, .changes, .done,
    ]

    static func first(of causes: some Collection<ExitCause>) -> ExitCause {
        precedence.first { causes.contains($0) } ?? .done
    }
}

extension CycleFailure.Code {
    var exitCause: ExitCause {
        switch self {
        case .unreachable: .unreachable
        case .credentialsRefused: .credentialsRefused
        case .busy: .busy
        case .noSuchBucket, .refused, .incompleteListing, .unreadableRoot, .index, .indexDamaged, .stateDirectory,
            .neverSynced,
            .interrupted:
            .failed
        }
    }
}

extension CycleReport {
    /// What `--once` exits with for this folder alone.
    var exitCauses: [ExitCause] {
        var causes: [ExitCause] = []
        if let failure { causes.append(failure.code.exitCause) }
        if halt != nil { causes.append(.halted) }
        if !problems.isEmpty { causes.append(.problems) }
        switch record.result {
        case .failed where failure == nil, .interrupted: causes.append(.failed)
        case .halted: causes.append(.halted)
        case .problems: causes.append(.problems)
        case .failed, .inSync, .held: break
        }
        return causes
    }

    /// What `plan` exits with for this folder alone.
    var planExitCauses: [ExitCause] {
        var causes: [ExitCause] = []
        if let failure { causes.append(failure.code.exitCause) }
        if halt != nil { causes.append(.halted) }
        if !pending.isEmpty { causes.append(.changes) }
        switch record.result {
        case .failed where failure == nil, .interrupted: causes.append(.failed)
        case .halted: causes.append(.halted)
        case .failed, .problems, .inSync, .held: break
        }
        return causes
    }
}

extension VerifyReport {
    /// What `verify` exits with for this folder alone.
    var exitCauses: [ExitCause] {
        var causes: [ExitCause] = []
        if let failure { causes.append(failure.code.exitCause) }
        if halt != nil { causes.append(.halted) }
        if faulty > 0 { causes.append(.problems) }
        return causes
    }
}
