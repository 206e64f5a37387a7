/// Finds out whether the store keeps a key's bytes as they are sent.
///
/// SeaweedFS 4.48 lists the key `a\b` as `a/b` and cannot tell the two apart: an upload of the one would overwrite the
/// other. So before a cycle's first upload of such a name a key of our own is written, listed and deleted.
enum FoldingProbe {
    /// True if a backslash in a key comes back as it was sent.
    static func keepsBackslashes(_ store: any ObjectStore, _ random: any RandomSource) async throws(StoreError) -> Bool
    {
        let stem = Array(".syncd/probe-".utf8) + TemporaryName.hexadecimal(random.bytes(8))
        let name = stem + Array("\\x".utf8)
        try await store.putMarker(name)
        let page = try await store.list(beginningWith: stem, continuation: nil)
        let names = page.objects.map(\.name)
        _ = try await store.delete([name] + names.filter { $0 != name })
        return names == [name]
    }
}
