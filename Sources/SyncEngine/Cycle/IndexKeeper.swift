/// The index of a process that syncs. Where it is found damaged, at its opening or in use, it is moved aside, never over
/// another; a new one takes its place, and the cycle that found it is run once more.
///
/// A new index knows of no agreement: what is equal on both sides is agreed on anew without a transfer, and what one side
/// alone holds is foreign, so that no delete goes unasked. The gates' memory is gone, too, and every approval.
public actor IndexKeeper {
    private let path: String
    private let clock: any EngineClock
    private let observer: (any SeamObserver)?
    private var index: SQLiteIndex
    /// What happened to the index since the process began, a sentence or two each.
    private var news: [String] = []
    /// How much of that each folder's report has told.
    private var told: [String: Int] = [:]

    /// Opens the index, creating it if it is missing.
    /// `path` is the file, in a directory that this process has locked; `observer` is for tests of crashes.
    /// - Throws: ``IndexError`` if it cannot be opened, was written by a newer version, or is damaged and cannot be moved.
    public init(
        path: String,
        clock: any EngineClock,
        observer: (any SeamObserver)? = nil
    ) throws(IndexError) {
        self.path = path
        self.clock = clock
        self.observer = observer
        do throws(IndexError) {
            index = try SQLiteIndex(path: path, observer: observer)
        } catch {
            guard error.code == .damaged else { throw error }
            let kept = try IndexFiles(database: path).moveAside(at: clock.now())
            index = try SQLiteIndex(path: path, observer: observer)
            news = [Self.sentence(path, error.damage, kept)]
        }
    }

    /// Runs a folder's cycle on the index; where that turns out to be damaged, once more on a new one. Every report of a
    /// folder warns of what happened to the index since the one before.
    public func run(_ folder: String, _ cycle: @Sendable (SQLiteIndex) async -> CycleReport) async -> CycleReport {
        let used = index
        var report = await cycle(used)
        // Another folder's cycle may have found the damage, and closed this one's index.
        if let failure = report.failure, failure.code == .indexDamaged || used !== index {
            do throws(IndexError) {
                try await replace(used)
                report = await cycle(index).following(report)
            } catch {
                report.failure = CycleFailure(error)
            }
        }
        report.warnings = tell(folder) + report.warnings
        return report
    }

    /// Lets a command use what the index knows of a folder.
    /// `consequence` is a sentence: what it means for the command that a new index knows nothing.
    /// - Throws: what `body` throws; and where the index was made anew and the folder's report has not told so yet.
    public func recall<Value: Sendable>(
        _ folder: String,
        consequence: String,
        _ body: @Sendable (SQLiteIndex) async throws(CycleFailure) -> Value
    ) async throws(CycleFailure) -> Value {
        let used = index
        do throws(CycleFailure) {
            if told[folder] ?? 0 == news.count { return try await body(used) }
        } catch {
            guard error.code == .indexDamaged else { throw error }
            do throws(IndexError) {
                try await replace(used)
            } catch {
                throw CycleFailure(error)
            }
        }
        throw CycleFailure(code: .index, message: (tell(folder) + [consequence]).joined(separator: " "))
    }

    /// Puts a new index in the place of a damaged one, unless another cycle has done so.
    private func replace(_ damaged: SQLiteIndex) async throws(IndexError) {
        let what = await damaged.damage
        await damaged.close()
        guard damaged === index else { return }
        let kept = try IndexFiles(database: path).moveAside(at: clock.now())
        index = try SQLiteIndex(path: path, observer: observer)
        news.append(Self.sentence(path, what, kept))
    }

    private func tell(_ folder: String) -> [String] {
        defer { told[folder] = news.count }
        return Array(news.dropFirst(told[folder] ?? 0))
    }

    private static func sentence(_ path: String, _ damage: String?, _ kept: String) -> String {
        "the index \(path) was damaged (\(damage ?? "unreadable")). It is kept as \(kept), and a new one is made by "
            + "comparing both sides: what is equal is not transferred, and what only one side holds is deleted there only "
            + "after an approval, or, both ways, goes to the other."
    }
}

extension CycleReport {
    /// The report of a cycle that was run once more after `first`, with what both did.
    func following(_ first: CycleReport) -> CycleReport {
        var both = self
        both.record.startedAt = first.record.startedAt
        both.record.uploaded += first.record.uploaded
        both.record.downloaded += first.record.downloaded
        both.record.deletedLocal += first.record.deletedLocal
        both.record.deletedRemote += first.record.deletedRemote
        both.record.bytesUp += first.record.bytesUp
        both.record.bytesDown += first.record.bytesDown
        both.record.requests.merge(first.record.requests, uniquingKeysWith: +)
        both.warnings = first.warnings.filter { !warnings.contains($0) } + warnings
        return both
    }
}
