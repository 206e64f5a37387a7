import SyncEngine
import Testing

@testable import syncd

/// What the operator should know and nothing failed by.
struct WarningTests {
    private let sentence = "index.db was damaged\nand has been moved aside"

    private func reported() -> CycleReport {
        var report = report(.inSync)
        report.warnings = [sentence]
        return report
    }

    @Test
    func `a warning is complained of with the folder's name, and changes no exit code`() throws {
        let directory = TemporaryDirectory()
        let configuration = try sampleConfiguration(in: directory.path)
        let lines = CycleLines.complaints(reported(), folder: "photos", configuration: configuration)
        #expect(lines == ["photos: \(sentence)"])
        #expect(reported().exitCauses.isEmpty)
    }

    @Test
    func `many warnings are cut`() throws {
        let directory = TemporaryDirectory()
        let configuration = try sampleConfiguration(in: directory.path)
        var report = report(.inSync)
        report.warnings = (0..<50).map { "warning \($0)" }
        let lines = CycleLines.complaints(report, folder: "photos", configuration: configuration)
        #expect(lines == (0..<10).map { "photos: warning \($0)" })
    }

    @Test
    func `once tells it, and status shows it until a cycle has none`() async throws {
        let directory = TemporaryDirectory()
        var configuration = try sampleConfiguration(in: directory.path)
        configuration.folders = Array(configuration.folders.prefix(1))
        let first = await once(configuration, reported())
        #expect(first.cause == .done)
        #expect(first.errors == "syncd: photos: index.db was damaged\\nand has been moved aside\n")
        #expect(await status(configuration, isJSON: false).contains("has been moved aside"))
        #expect(await status(configuration, isJSON: true).contains(#""warnings":["index.db was damaged\nand has been"#))
        let second = await once(configuration, report(.inSync))
        #expect(second.errors.isEmpty)
        #expect(!(await status(configuration, isJSON: false)).contains("has been moved aside"))
        #expect(await status(configuration, isJSON: true).contains(#""warnings":[]"#))
    }

    private func once(_ configuration: Configuration, _ report: CycleReport) async -> (cause: ExitCause, errors: String)
    {
        let transcript = Transcript()
        let run = OnceRun(
            configuration: configuration,
            isJSON: false,
            isQuiet: true,
            console: transcript.console(),
            clock: StillClock(),
            log: quietLog,
            makeRunner: { _ throws(CycleFailure) in ScriptedRunner(reports: ["photos": report]) }
        )
        return (await run.run(until: StopSignal()), transcript.errors)
    }

    private func status(_ configuration: Configuration, isJSON: Bool) async -> String {
        let transcript = Transcript()
        let run = StatusRun(
            configuration: configuration,
            folders: configuration.folders,
            form: isJSON ? .json : .overview,
            console: transcript.console(),
            clock: StillClock()
        )
        #expect(await run.run() == .done)
        return transcript.output
    }
}
