import CLinux

/// What a process does first that holds secret keys.
enum Hardening {
    /// Keeps this process's memory out of core dumps and away from debuggers of the same user. Where the kernel
    /// refuses, the process goes on: nothing depends on it.
    static func forbidDumps() {
        _ = clinux_forbid_dumps()
    }
}
