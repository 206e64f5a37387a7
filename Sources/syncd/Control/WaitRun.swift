import Glibc
import SyncEngine
import Text

/// `syncd wait --synced`: asks the running syncd until it says that all paths are in the bucket.
struct WaitRun: Sendable {
    var configuration: Configuration
    var console: Console
    var clock: any EngineClock
    var isJSON: Bool

    /// Between two questions.
    private static let interval = Duration.milliseconds(200)

    /// A path of the caller's, as an entry of a folder.
    private struct Target {
        var text: String
        var folder: String
        var path: RelativePath

        var query: [(String, String)] { [("folder", folder), ("path", Base64.encode(path.bytes))] }
    }

    func run(_ paths: [String], limit: Duration, until stop: StopSignal) async -> ExitCause {
        var targets: [Target] = []
        for path in paths {
            do {
                targets.append(try target(path))
            } catch {
                console.complain(error.message)
                return .usage
            }
        }
        guard let client = ControlClient(directory: configuration.stateDirectory) else { return nobody() }
        for target in targets {
            // Before the look: what was deleted just now is known still.
            guard let known = await client.ask(.get, "/synced", target.query) else { return nobody() }
            guard known.isGood else { return refused(known) }
            if known.json?["known"]?.flag == false {
                console.complain("\(printable(target.text)): it is neither here nor in the bucket")
                return .failed
            }
            guard let answer = await client.ask(.post, "/look", target.query) else { return nobody() }
            guard answer.isGood else { return refused(answer) }
        }
        let end = clock.now().adding(limit)
        for target in targets {
            let cause = await wait(for: target, client, end: end, until: stop)
            if cause != .done { return cause }
        }
        if isJSON { console.json(.object([JSONMember("synced", .bool(true))])) }
        return .done
    }

    private func wait(
        for target: Target,
        _ client: ControlClient,
        end: UnixTime,
        until stop: StopSignal
    ) async -> ExitCause {
        while true {
            guard let answer = await client.ask(.get, "/synced", target.query) else { return nobody() }
            guard answer.isGood, let json = answer.json else { return refused(answer) }
            if json["synced"]?.flag == true { return .done }
            if let problem = json["problem"]?.text {
                console.complain("\(printable(target.text)): \(problem)")
                return .problems
            }
            guard clock.now() < end else {
                console.complain("\(printable(target.text)): not in the bucket in time")
                return .failed
            }
            guard !stop.isRequested, (try? await clock.sleep(for: Self.interval)) != nil else { return .failed }
        }
    }

    private func nobody() -> ExitCause {
        console.complain("no syncd runs on \(configuration.stateDirectory): syncd run starts one")
        return .failed
    }

    private func refused(_ answer: ControlClient.Answer) -> ExitCause {
        console.complain(answer.refusal)
        return .failed
    }

    /// The folder that a path of the caller's lies in, and the entry in it.
    private func target(_ text: String) throws(UsageError) -> Target {
        let absolute = Self.absolute(text)
        for configured in configuration.folders {
            let root = Self.absolute(configured.path)
            guard absolute.starts(with: root + [UInt8(ascii: "/")]) else { continue }
            do {
                let path = try RelativePath(Array(absolute[(root.count + 1)...]))
                return Target(text: text, folder: configured.folder.name, path: path)
            } catch {
                throw UsageError(message: "\(printable(text)): no path of an entry")
            }
        }
        throw UsageError(message: "\(printable(text)) lies in no folder of \(configuration.file)")
    }

    /// With the directory's links resolved, as the kernel sees it; the name itself need not be there.
    private static func absolute(_ text: String) -> [UInt8] {
        let trimmed = text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
        let slash = trimmed.lastIndex(of: "/")
        let directory = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
        let name = slash.map { String(trimmed[trimmed.index(after: $0)...]) } ?? trimmed
        guard let resolved = realpath(directory, nil) else { return Array(trimmed.utf8) }
        defer { free(resolved) }
        let parent = Array(String(cString: resolved).utf8)
        return (parent == [UInt8(ascii: "/")] ? parent : parent + [UInt8(ascii: "/")]) + Array(name.utf8)
    }
}
