/// All that is wrong with a configuration.
struct ConfigurationError: Error, Hashable, Sendable {
    /// One fault, and where it is.
    struct Fault: Hashable, Sendable {
        /// `folders[1].direction`; empty for the file as a whole.
        var keyPath: String
        /// What is wrong and what to do. It never holds the value of a secret.
        var message: String

        init(_ keyPath: String, _ message: String) {
            self.keyPath = keyPath
            self.message = message
        }
    }

    /// At most this many faults are told.
    static let maximumFaults = 20

    /// As it was named.
    var file: String
    var faults: [Fault]

    /// One line for each fault: the file, the key path, the fault.
    var lines: [String] {
        let told = faults.prefix(Self.maximumFaults).map { fault in
            [file, fault.keyPath, fault.message].filter { !$0.isEmpty }.joined(separator: ": ")
        }
        let more = faults.count - told.count
        return told + (more > 0 ? ["\(file): \(more) more faults"] : [])
    }
}
