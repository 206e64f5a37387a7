import Synchronization

/// One file on its way.
public struct LiveTransfer: Hashable, Sendable {
    public var path: RelativePath
    /// False for a download.
    public var isUpload: Bool
    /// In bytes.
    public var size: Int64
    public var startedAt: UnixTime

    public init(path: RelativePath, isUpload: Bool, size: Int64, startedAt: UnixTime) {
        self.path = path
        self.isUpload = isUpload
        self.size = size
        self.startedAt = startedAt
    }
}

/// What is on its way in a folder, for whoever asks, at any time.
public final class LiveTransfers: Sendable {
    private let state = Mutex<[RelativePath: LiveTransfer]>([:])

    /// The longest on its way first.
    public var all: [LiveTransfer] {
        state.withLock { Array($0.values) }.sorted { ($0.startedAt, $0.path) < ($1.startedAt, $1.path) }
    }

    func begin(_ transfer: LiveTransfer) {
        state.withLock { $0[transfer.path] = transfer }
    }

    func end(_ path: RelativePath) {
        state.withLock { _ = $0.removeValue(forKey: path) }
    }
}
