/// What `--version` and every JSON answer say.
enum Version {
    static let number = "0.1.0"
}
