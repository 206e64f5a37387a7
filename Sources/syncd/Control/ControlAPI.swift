import SyncEngine
import Text

/// What the control interface answers.
enum ControlAnswer: Sendable {
    case json(status: Int, JSONValue)
    case text(type: String, String)

    static func failed(_ status: Int, _ message: String) -> ControlAnswer {
        .json(status: status, .object([JSONMember("error", .string(message))]))
    }

    static let done = ControlAnswer.json(status: 200, .object([]))
}

/// The control interface: requests of other processes of the same user, answered by a daemon.
struct ControlAPI: Sendable {
    let daemon: Daemon
    var clock: any EngineClock = SystemClock()

    /// `query` is percent-decoded. Paths of entries are in base64, since they need not be text.
    func answer(method: String, path: String, query: [String: String]) async -> ControlAnswer {
        let folders = selected(query)
        switch (method, path) {
        case ("GET", "/status"):
            return .json(status: 200, await status().json)
        case ("GET", "/metrics"):
            return .text(type: OpenMetrics.contentType, await metrics())
        case ("GET", "/transfers"):
            return await transfers(folders)
        case ("POST", "/reload"):
            return await reload()
        case ("POST", "/sync"):
            let paused = daemon.board.snapshot.folders.first { folders == [$0.name] && $0.state == .paused }
            if let paused { return .failed(409, "\(paused.name) is paused: syncd resume \(shellQuoted(paused.name))") }
            return await command(.sync, folders)
        case ("POST", "/pause"):
            return await pause(true, folders)
        case ("POST", "/resume"):
            return await pause(false, folders)
        case ("POST", "/approve"):
            return await approve(query)
        case ("GET", "/plan"):
            return await plan(query)
        case ("POST", "/look"):
            return await look(query)
        case ("GET", "/synced"):
            return await synced(query)
        case ("GET", "/explain"):
            return await explain(query)
        default:
            return .failed(404, "no such thing: \(method) \(path)")
        }
    }

    /// The folder that is named, or all.
    private func selected(_ query: [String: String]) -> [String] {
        query["folder"].map { [$0] } ?? daemon.configuration.folders.map(\.folder.name)
    }

    private func unknown(_ folder: String) -> ControlAnswer {
        .failed(404, "the running syncd has no folder \"\(printable(folder))\": syncd reload takes a new configuration")
    }

    // MARK: Looking

    /// The status, with the age of what was changed and not looked at yet.
    func status() async -> StatusDocument {
        var document = daemon.board.snapshot
        let now = clock.now()
        for index in document.folders.indices {
            document.folders[index].age(until: now)
            guard let oldest = await daemon.fleet.oldestChange(document.folders[index].name) else { continue }
            let age = max(0, now.since(oldest).components.seconds)
            document.folders[index].inSync = false
            document.folders[index].oldestUnsyncedSeconds = max(age, document.folders[index].oldestUnsyncedSeconds ?? 0)
        }
        return document
    }

    private func metrics() async -> String {
        OpenMetrics.text(await status(), now: clock.now()) { daemon.metrics.totals(of: $0) }
    }

    /// What is on its way, the longest first.
    private func transfers(_ folders: [String]) async -> ControlAnswer {
        var listed: [JSONValue] = []
        for name in folders {
            guard let engine = await daemon.fleet.engine(name) else { return unknown(name) }
            listed += engine.transfers.map { transfer in
                .object(
                    [JSONMember("folder", .string(name))] + pathMembers(transfer.path.bytes) + [
                        JSONMember("direction", .string(transfer.isUpload ? "up" : "down")),
                        JSONMember("size", .integer(transfer.size)),
                        JSONMember("startedAt", .string(Format.timestamp(transfer.startedAt))),
                    ]
                )
            }
        }
        return .json(status: 200, .object([JSONMember("transfers", .array(listed))]))
    }

    private func plan(_ query: [String: String]) async -> ControlAnswer {
        await withEngine(query) { name, engine in
            let configuration = daemon.configuration
            guard let configured = configuration.folders.first(where: { $0.folder.name == name }) else {
                return unknown(name)
            }
            let screen = PlanScreen(
                folder: configured,
                report: await engine.plan(maxRows: query["rows"].flatMap { Int($0) } ?? PlanRun.maximumRows),
                now: clock.now(),
                console: .silent(width: query["width"].flatMap { Int($0) } ?? 120)
            )
            return .json(status: 200, PlannedFolder(screen, configuration: configuration).json)
        }
    }

    // MARK: Steering

    private func reload() async -> ControlAnswer {
        switch await daemon.reload() {
        case .success(let lines):
            return .json(status: 200, .object([JSONMember("changes", .array(lines.map { .string($0) }))]))
        case .failure(let refused):
            return .failed(409, refused.lines.joined(separator: "\n"))
        }
    }

    private func command(_ command: FolderLoop.Command, _ folders: [String]) async -> ControlAnswer {
        for name in folders {
            guard await daemon.fleet.command(command, name) else { return unknown(name) }
        }
        return .done
    }

    private func pause(_ isPaused: Bool, _ folders: [String]) async -> ControlAnswer {
        for name in folders {
            guard let engine = await daemon.fleet.engine(name) else { return unknown(name) }
            do {
                try await engine.setPaused(isPaused)
            } catch {
                return .failed(500, error.message)
            }
        }
        return await command(isPaused ? .pause : .resume, folders)
    }

    private func approve(_ query: [String: String]) async -> ControlAnswer {
        await withEngine(query) { name, engine throws(CycleFailure) in
            let approval = try await engine.approve()
            _ = await daemon.fleet.command(.approved, name)
            return .json(status: 200, approval.json(folder: name))
        }
    }

    // MARK: Waiting

    /// Has a path looked at now, whatever the watcher saw of it.
    private func look(_ query: [String: String]) async -> ControlAnswer {
        await withEntry(query) { name, engine, path in
            guard let watcher = engine.watcher else { return await command(.sync, [name]) }
            watcher.noteDue(path)
            await daemon.fleet.wake(name)
            return .done
        }
    }

    /// Whether all at and beneath a path is in the bucket as it is here.
    private func synced(_ query: [String: String]) async -> ControlAnswer {
        await withEntry(query) { _, engine, path throws(CycleFailure) in
            let state = try await engine.syncState(path)
            return .json(
                status: 200,
                .object([
                    JSONMember("synced", .bool(state.isSynced)),
                    JSONMember("problem", .optional(state.problem)),
                    JSONMember("known", .bool(state.isAnything)),
                ])
            )
        }
    }

    private func explain(_ query: [String: String]) async -> ControlAnswer {
        await withEntry(query) { name, engine, path throws(CycleFailure) in
            .json(status: 200, try await engine.explain(path).json(folder: name, now: clock.now()))
        }
    }

    // MARK: What a request is about

    /// Answers for the folder that is named.
    private func withEngine(
        _ query: [String: String],
        _ body: (String, EngineFolder) async throws(CycleFailure) -> ControlAnswer
    ) async -> ControlAnswer {
        let name = query["folder"] ?? ""
        guard let engine = await daemon.fleet.engine(name) else { return unknown(name) }
        do {
            return try await body(name, engine)
        } catch {
            return .failed(500, error.message)
        }
    }

    /// The same, with the entry that is named.
    private func withEntry(
        _ query: [String: String],
        _ body: (String, EngineFolder, RelativePath) async throws(CycleFailure) -> ControlAnswer
    ) async -> ControlAnswer {
        await withEngine(query) { name, engine throws(CycleFailure) in
            guard let bytes = query["path"].flatMap({ Base64.decode($0) }), let path = try? RelativePath(bytes) else {
                return .failed(400, "no path")
            }
            return try await body(name, engine, path)
        }
    }
}
