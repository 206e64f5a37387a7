import ArgumentParser

/// What `get` and `put` have in common.
struct CopyOptions: ParsableArguments {
    @Flag(help: "Copy all below a prefix, or below a directory.")
    var recursive = false

    @Flag(help: "Replace what is there with other content.")
    var force = false

    @Flag(help: "Tell only what went wrong.")
    var quiet = false
}
