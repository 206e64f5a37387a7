public import SyncEngine
import Synchronization

/// Listings, page by page.
extension FakeObjectStore {
    public func list(_ query: NameQuery) async throws(StoreError) -> ObjectPage {
        try await perform("LIST", query.start) { state throws(StoreError) in
            let position = query.continuation.map(Position.init) ?? Position(page: 1, last: query.after)
            if position.page == state.behaviour.failingPage {
                throw StoreError(code: .malformedAnswer, message: "the answer ended early")
            }
            let last = position.last.map { Self.order($0, state.behaviour) }
            let names = Set(state.objects.keys.filter { $0.starts(with: query.start) }.map { Self.shown($0, query) })
                .map { (order: Self.order($0, state.behaviour), name: $0) }
                .filter { name in last.map { $0.lexicographicallyPrecedes(name.order) } ?? true }
                .sorted { $0.order.lexicographicallyPrecedes($1.order) }
                .map(\.name)
            let page = names.prefix(state.behaviour.pageSize)
            let isDirectory = { (name: [UInt8]) in query.groupsDirectories && name.last == UInt8(ascii: "/") }
            let objects = page.filter { !isDirectory($0) }
                .map { ListedObject(name: $0, state: Self.remote(state.objects[$0])) }
            let next = Position(page: position.page + 1, last: page.last ?? [])
            return ObjectPage(
                objects: objects,
                directories: page.filter(isDirectory),
                continuation: page.count < names.count ? next.token : nil
            )
        }
    }

    public var listsInByteOrder: Bool { bucket.state.withLock { !$0.behaviour.listsByDirectory } }

    /// The name itself, or the directory that it lies in.
    private static func shown(_ name: [UInt8], _ query: NameQuery) -> [UInt8] {
        guard query.groupsDirectories else { return name }
        guard let slash = name[query.start.count...].firstIndex(of: UInt8(ascii: "/")) else { return name }
        return Array(name[...slash])
    }

    /// Where a listing goes on: behind the last key of the page before, whatever came and went since.
    private struct Position {
        var page: Int
        /// Nil at the beginning.
        var last: [UInt8]?

        init(page: Int, last: [UInt8]?) {
            self.page = page
            self.last = last
        }

        /// A token that we gave out.
        init(_ token: String) {
            let numbers = token.split(separator: " ").compactMap { Int($0) }
            self.init(page: numbers.first ?? 1, last: numbers.dropFirst().map { UInt8($0) })
        }

        var token: String { ([page] + (last ?? []).map(Int.init)).map(String.init).joined(separator: " ") }
    }

    private static func order(_ name: [UInt8], _ behaviour: Behaviour) -> [UInt8] {
        behaviour.listsByDirectory ? name.map { $0 == UInt8(ascii: "/") ? 0 : $0 } : name
    }
}
