/// What a complete listing showed, in two bits an entry: all that verifying keeps of a million objects.
struct ListingMarks: Sendable {
    /// Entries whose object was there.
    private var seen = BitSet()
    /// Those of them whose object is base's, or states base's content.
    private var settled = BitSet()

    /// What the listing says of an entry's object.
    enum Mark: Sendable {
        case absent
        /// There, with base's size, and base's ETag or one that states base's content.
        case settled
        /// There, and the listing alone does not say that it is what it should be.
        case other
    }

    mutating func note(_ entry: Entry, _ listed: RemoteState) {
        seen.insert(entry.id)
        guard let base = entry.base, let digest = base.digest else { return }
        let statesContent = listed.size == base.remote.size && listed.etag == digest.etag(size: listed.size)
        if listed == base.remote || statesContent { settled.insert(entry.id) }
    }

    func mark(_ entry: Entry) -> Mark {
        guard seen.contains(entry.id) else { return .absent }
        return settled.contains(entry.id) ? .settled : .other
    }
}

extension ListingMarks {
    /// Takes them from a listing, whose order is no matter.
    /// - Throws: what the listing and the index throw: then nothing may be concluded from what was not seen.
    static func take(_ lister: RemoteLister, _ index: any Index, folder: Int64) async throws -> ListingMarks {
        var marks = ListingMarks()
        _ = try await lister.listInTurn { page in
            let entries = try await index.entries(folder, at: page.map(\.path))
            for (entry, observation) in zip(entries, page) {
                if let entry { marks.note(entry, observation.state) }
            }
        }
        return marks
    }
}
