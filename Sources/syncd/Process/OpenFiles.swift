import Glibc

/// How many files the process may have open, connections among them.
enum OpenFiles {
    /// Raises the limit to the most that the process may give itself: 1,024, which is usual, is for programs that use
    /// select(2). Where the kernel refuses, less is done at once.
    static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(resource, &limit)
    }

    /// `wanted` requests at once, or as many as the limit allows.
    static func concurrency(_ wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return wanted }
        return concurrency(wanted, openFiles: Int(clamping: limit.rlim_cur))
    }

    /// The same where `openFiles` may be open, at least 1. Each transfer has up to three: the file, its connection and a
    /// directory. Some are left for all else, a half where there are few.
    static func concurrency(_ wanted: Int, openFiles: Int) -> Int {
        max(1, min(wanted, (openFiles - min(openFiles / 2, 128)) / 3))
    }

    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
}
