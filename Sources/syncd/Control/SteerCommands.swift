import ArgumentParser

/// A command that tells the running syncd what to do with its folders.
protocol SteerCommand: AsyncParsableCommand {
    static var order: SteerRun.Order { get }
    var target: SteerTarget { get }
    var parent: Syncd { get }
}

extension SteerCommand {
    func run() async throws {
        try parent.refuseOnce(before: Self.order.rawValue)
        try await SteerRun(target.shared, folder: target.folder).run(Self.order)
    }
}

/// Which folders are steered.
struct SteerTarget: ParsableArguments {
    @Argument(help: "The folder; all where none is named.")
    var folder: String?

    @OptionGroup var shared: SharedOptions
}

/// `syncd sync`
struct SyncCommand: SteerCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Have the running syncd look at both sides now.",
        discussion: """
            Examples:
              syncd sync
              syncd sync photos
            """
    )

    static let order = SteerRun.Order.sync

    @OptionGroup var target: SteerTarget
    @ParentCommand var parent: Syncd
}

/// `syncd pause`
struct PauseCommand: SteerCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let a folder rest, also after a restart, until resume.",
        discussion: """
            What is under way ends or is saved first. `syncd --once` runs all the same.

            Examples:
              syncd pause
              syncd pause photos
            """
    )

    static let order = SteerRun.Order.pause

    @OptionGroup var target: SteerTarget
    @ParentCommand var parent: Syncd
}

/// `syncd resume`
struct ResumeCommand: SteerCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let a paused folder go on.",
        discussion: """
            Examples:
              syncd resume
              syncd resume photos
            """
    )

    static let order = SteerRun.Order.resume

    @OptionGroup var target: SteerTarget
    @ParentCommand var parent: Syncd
}

/// `syncd reload`
struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the running syncd read its configuration anew.",
        discussion: """
            A configuration that is not valid takes no effect.

            Example:
              syncd reload
            """
    )

    @OptionGroup var shared: SharedOptions
    @ParentCommand var parent: Syncd

    func run() async throws {
        try parent.refuseOnce(before: "reload")
        try await SteerRun(shared, folder: nil).run(.reload)
    }
}
