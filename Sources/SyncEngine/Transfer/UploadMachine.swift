/// One upload in parts: what has been done of it, and what to do next. A value: the uploader acts, and tells what came
/// of it.
struct UploadMachine {
    enum Action: Equatable {
        /// Save the intent, begin an upload, save its id: ``created(_:)``.
        case create
        /// Ask which parts the store holds: ``listed(_:)``, or ``gone()``.
        case list(upload: String)
        /// Send these parts, each saved when it was taken: ``sent(_:)``, or ``gone()``.
        case send(upload: String, numbers: [Int])
        /// Make the object: ``completed(_:)``, ``gone()``, ``refused()``, or ``unanswered()``.
        case complete(upload: String, parts: [UploadedPart])
        /// See whether the object is what the parts make: ``looked(_:)``.
        case look
        /// Give this upload up and forget its parts: ``abandoned()``.
        case abandon
        case finish(ETag)
        case fail(Failure)
    }

    /// Why an upload came to nothing.
    enum Failure: Equatable {
        /// The store forgot the upload, more than once.
        case lost
        /// The store did not take the parts together, more than once.
        case refused
        /// The object that was made is not there, or holds other bytes, more than once.
        case corrupt
        /// No answer to the wish to complete it, and the object is not there: the next cycle asks again.
        case unanswered
    }

    let layout: PartLayout
    private var upload: String?
    private var parts: [Int: UploadedPart]
    private var restarts = 0
    /// What it is given up for when it fails again; nil while nothing failed.
    private var reason: Failure?

    /// Uploads that are begun anew within one transfer.
    private static let maximumRestarts = 1

    /// `upload` and `parts` are what an earlier cycle saved; nil and none for a new upload.
    init(layout: PartLayout, upload: String?, parts: [UploadedPart]) {
        self.layout = layout
        self.upload = upload
        self.parts = Dictionary(parts.map { ($0.number, $0) }) { $1 }
    }

    /// The digest that the whole has when all parts are sent.
    var digest: ContentDigest {
        ContentDigest(parts: ordered.map(\.digest), partSize: layout.partSize)
    }

    private var ordered: [UploadedPart] { parts.values.sorted { $0.number < $1.number } }
    private var isSent: Bool { parts.count == layout.count }

    func begin() -> Action { upload.map { .list(upload: $0) } ?? .create }

    mutating func created(_ id: String) -> Action {
        upload = id
        parts = [:]
        return next(id)
    }

    /// `stored` is nil where the store does not let us look: then what was saved here counts.
    ///
    /// A part counts as sent only if the store holds it with the ETag that was saved; SeaweedFS lists a part that was sent
    /// twice twice.
    mutating func listed(_ stored: [StoredPart]?) -> Action {
        guard let upload else { preconditionFailure("listed before an upload was created") }
        if let stored {
            let held = Dictionary(grouping: stored, by: \.number)
            parts = parts.filter { number, part in
                guard (1...layout.count).contains(number) else { return false }
                let size = Int64(layout.bytes(of: number).count)
                return held[number]?.contains { $0.etag == part.etag && $0.size == size } ?? false
            }
        }
        return next(upload)
    }

    mutating func sent(_ new: [UploadedPart]) -> Action {
        guard let upload else { preconditionFailure("sent before an upload was created") }
        for part in new { parts[part.number] = part }
        return next(upload)
    }

    private func next(_ upload: String) -> Action {
        let missing = (1...layout.count).filter { parts[$0] == nil }
        return missing.isEmpty ? .complete(upload: upload, parts: ordered) : .send(upload: upload, numbers: missing)
    }

    /// The store knows the upload no more. If all parts were sent, it may be because the object was made.
    mutating func gone() -> Action {
        reason = .lost
        return isSent ? .look : startOver(.lost)
    }

    /// The store did not take the parts together.
    mutating func refused() -> Action { startOver(.refused) }

    /// The answer to the wish to complete was lost, or cut short.
    mutating func unanswered() -> Action {
        reason = .unanswered
        return .look
    }

    mutating func completed(_ etag: ETag?) -> Action {
        guard let etag else {
            reason = .corrupt
            return .look
        }
        // Each part was verified on its way: a service that says so twice has ETags of its own making.
        return contradicts(etag) && restarts < Self.maximumRestarts ? startOver(.corrupt) : .finish(etag)
    }

    /// `etag` is that of the object if it was found and holds the file's content; nil if not.
    mutating func looked(_ etag: ETag?) -> Action {
        if let etag { return .finish(etag) }
        guard let reason else { preconditionFailure("looked without a reason") }
        return reason == .unanswered ? .fail(.unanswered) : startOver(reason)
    }

    /// The upload was given up.
    mutating func abandoned() -> Action {
        upload = nil
        parts = [:]
        return .create
    }

    private mutating func startOver(_ failure: Failure) -> Action {
        guard restarts < Self.maximumRestarts else { return .fail(failure) }
        restarts += 1
        reason = nil
        return .abandon
    }

    /// True only where the store's ETags are MD5s, as those of the parts show, and this one is that of other parts. Under
    /// encryption, and on some services always, an ETag says nothing of the content.
    func contradicts(_ etag: ETag) -> Bool {
        etag.partCount == layout.count && etag != digest.etag(size: layout.size)
            && parts.values.allSatisfy { $0.etag.contentDigest == $0.digest }
    }
}
