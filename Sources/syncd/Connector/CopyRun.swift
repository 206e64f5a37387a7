import Glibc
import S3API
import SyncEngine
import Text

/// Copies between one place in a bucket and one on this machine, and shows how far it is.
struct CopyRun: Sendable {
    private let context: ConnectorContext
    private let address: ObjectAddress
    private let place: LocalPlace
    /// Whether what is there already, with other content, is replaced.
    private let replaces: Bool
    private let isQuiet: Bool
    /// Whether the same command, given once more, goes on where this one was cut off.
    var goesOn = true

    init(_ context: ConnectorContext, _ address: ObjectAddress, _ place: LocalPlace, replaces: Bool, isQuiet: Bool) {
        self.context = context
        self.address = address
        self.place = place
        self.replaces = replaces
        self.isQuiet = isQuiet
    }

    /// What was done, as it is told.
    private enum Verb: String {
        case fetched
        case sent
    }

    /// Problems that are told one by one.
    private static let maximumTold = 10
    private static let threads = 2

    /// Whether it is about all below a prefix, and not about one object.
    private var isRecursive: Bool { place.name == nil }

    // MARK: Copying

    func fetch(until stop: StopSignal) async throws(S3Error) -> ExitCause {
        guard let name = place.name else {
            return await run(verb: .fetched, until: stop) { copier in await copier.fetchAll() }
        }
        let object = try await context.client.headObject(bucket: address.bucket, key: address.key)
        let state = RemoteState(etag: ETag(object.etag), size: object.size)
        return await run(verb: .fetched, until: stop) { copier in await copier.fetch(state, into: name) }
    }

    func send(until stop: StopSignal) async -> ExitCause {
        await run(verb: .sent, until: stop) { [place] copier in
            if let name = place.name { await copier.send(name) } else { await copier.sendAll() }
        }
    }

    private func run(
        verb: Verb,
        until stop: StopSignal,
        _ copy: @escaping @Sendable (ObjectCopier) async -> CopyReport
    ) async -> ExitCause {
        let notes: CopyNotes
        do {
            notes = try CopyNotes(in: goesOn ? Self.notesDirectory(.current) : nil, identity: identity(verb))
        } catch {
            context.console.complain(error.message)
            return error.code.exitCause
        }
        let progress = CycleProgress()
        let began = SystemClock().now()
        let work = cycleContext(notes.index, progress, stop)
        let copier = ObjectCopier(work, replaces: replaces)
        let report = await showing(progress) {
            await withTaskExecutorPreference(EngineExecutor(threads: Self.threads)) { await copy(copier) }
        }
        context.console.clearLine()
        if !notes.areKept { await copier.abandon() }
        await notes.close(work.folder)
        tell(report, verb: verb, took: SystemClock().now().since(began), goesOn: notes.areKept)
        return exitCause(report, verb)
    }

    private func cycleContext(_ index: SQLiteIndex, _ progress: CycleProgress, _ stop: StopSignal) -> CycleContext {
        let prefix = isRecursive ? address.key.bytes : []
        let store =
            isRecursive
            ? S3ObjectStore(client: context.client, bucket: address.bucket, prefix: prefix)
            : S3ObjectStore(client: context.client, bucket: address.bucket, object: address.key)
        let folder = Folder(
            name: "copy",
            root: place.directory,
            endpoint: context.endpoint,
            bucket: address.bucket,
            prefix: prefix,
            policy: Policy(direction: .down, deletes: false)
        )
        return CycleContext(
            folder: folder,
            files: PosixFileSystem(root: place.directory),
            store: store,
            index: index,
            clock: SystemClock(),
            random: SystemRandom(),
            progress: progress,
            stop: stop,
            concurrency: OpenFiles.concurrency(Configuration.usualConcurrency),
            defaultMode: EngineWiring.defaultMode(),
            parts: context.parts
        )
    }

    // MARK: Notes

    /// Where copies keep what they need to go on; nil where the user has no place for such things.
    static func notesDirectory(_ environment: ProcessEnvironment) -> String? {
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return "\(cache)/syncd/copies" }
        return environment["HOME"].flatMap { $0.hasPrefix("/") ? "\($0)/.cache/syncd/copies" : nil }
    }

    private func identity(_ verb: Verb) -> [UInt8] {
        let parts = [
            Array(verb.rawValue.utf8), Array(context.endpoint.utf8), Array(address.bucket.utf8), address.key.bytes,
            place.directory,
            place.name?.bytes ?? [],
        ]
        return Array(parts.joined(separator: [0]))
    }

    // MARK: Telling

    /// Runs `work`, while a line on the terminal shows how far it is.
    private func showing(
        _ progress: CycleProgress,
        _ work: @escaping @Sendable () async -> CopyReport
    ) async -> CopyReport {
        guard context.console.isTerminal, !isQuiet, !context.isJSON else { return await work() }
        return await withTaskGroup(of: CopyReport?.self) { group in
            group.addTask { await work() }
            group.addTask { [console = context.console] in
                let began = SystemClock().now()
                while (try? await Task.sleep(for: .milliseconds(200))) != nil {
                    let bar = console.width >= 100 ? 26 : 0
                    let elapsed = SystemClock().now().since(began)
                    let line = CycleLines.progress(progress.snapshot, transferring: elapsed, bar: bar)
                    console.replaceLine(String(line.prefix(console.width - 1)))
                }
                return nil
            }
            for await report in group {
                guard let report else { continue }
                group.cancelAll()
                return report
            }
            preconditionFailure("the work ends with a report")
        }
    }

    private func tell(_ report: CopyReport, verb: Verb, took: Duration, goesOn: Bool) {
        for problem in report.problems.prefix(Self.maximumTold) {
            context.console.complain("\(subject(of: problem)): \(problem.message)")
        }
        let more = report.problemCount - Int64(min(report.problems.count, Self.maximumTold))
        if more > 0 { context.console.complain("and \(Format.count(more, "more problem"))") }
        if let failure = report.failure { context.console.complain(sentence(failure, report, goesOn: goesOn)) }
        if isNothing(report, verb) { context.console.complain("there is nothing below \(address)") }
        // What went wrong was told; more is to be said only where something went right.
        let isWorthTelling = report.copied + report.same > 0 || report.failure == nil && isRecursive
        if context.isJSON {
            context.console.json(json(report))
        } else if !isQuiet, isWorthTelling, !isNothing(report, verb) {
            context.console.line(summary(report, verb: verb, took: took))
        }
    }

    private func sentence(_ failure: CycleFailure, _ report: CopyReport, goesOn: Bool) -> String {
        switch failure.code {
        case .interrupted:
            let amount = report.bytes > 0 ? " after \(Format.size(report.bytes))" : ""
            return "stopped\(amount)\(goesOn ? "; the same command goes on from here" : "")"
        case .noSuchBucket: return ConnectorContext.noSuchBucket(address.bucket)
        case .credentialsRefused, .unreachable, .refused, .incompleteListing, .unreadableRoot, .index, .indexDamaged,
            .stateDirectory, .busy, .neverSynced:
            return failure.message
        }
    }

    private func subject(of problem: Problem) -> String {
        if !isRecursive, problem.side == .remote { return "\(address)" }
        return problem.path.isEmpty
            ? printable(String(decoding: place.directory, as: UTF8.self)) : escaped(problem.path)
    }

    private func summary(_ report: CopyReport, verb: Verb, took: Duration) -> String {
        var parts: [String] = []
        if report.copied > 0 || report.same == 0 {
            let what = isRecursive || report.copied == 0 ? Format.count(report.copied, "file") : "\(address)"
            parts.append("\(verb.rawValue) \(what) (\(Format.size(report.bytes)))")
        }
        if report.same > 0 {
            parts.append(isRecursive ? "\(Format.count(report.same)) were the same" : "\(address) is the same already")
        }
        if report.problemCount > 0 { parts.append("\(Format.count(report.problemCount)) could not be") }
        if report.skipped > 0 { parts.append("\(Format.count(report.skipped)) left out (links, special files)") }
        return parts.joined(separator: ", ") + " · \(Format.elapsed(took))"
    }

    private func json(_ report: CopyReport) -> JSONValue {
        .object([
            JSONMember("copied", .integer(report.copied)),
            JSONMember("same", .integer(report.same)),
            JSONMember("failed", .integer(report.problemCount)),
            JSONMember("skipped", .integer(report.skipped)),
            JSONMember("bytes", .integer(report.bytes)),
        ])
    }

    /// True if a prefix was to be fetched, and nothing is below it; a bucket may well be empty.
    private func isNothing(_ report: CopyReport, _ verb: Verb) -> Bool {
        verb == .fetched && isRecursive && report.isEmpty && !address.key.bytes.isEmpty
    }

    private func exitCause(_ report: CopyReport, _ verb: Verb) -> ExitCause {
        if let failure = report.failure { return failure.code.exitCause }
        if isNothing(report, verb) { return .failed }
        guard report.problemCount > 0 else { return .done }
        return isRecursive ? .problems : .failed
    }
}
