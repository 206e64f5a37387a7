public import SyncEngine

/// Listings, page by page.
extension FakeObjectStore {
    public func list(
        beginningWith start: [UInt8],
        continuation: String?
    ) async throws(StoreError) -> ObjectPage {
        try await perform("LIST", start) { state throws(StoreError) in
            let position = continuation.map(Position.init) ?? Position(page: 1, last: [])
            if position.page == state.behaviour.failingPage {
                throw StoreError(code: .malformedAnswer, message: "the answer ended early")
            }
            let last = Self.order(position.last, state.behaviour)
            let names = state.objects.keys.filter { $0.starts(with: start) }
                .map { (order: Self.order($0, state.behaviour), name: $0) }
                .filter { position.page == 1 || last.lexicographicallyPrecedes($0.order) }
                .sorted { $0.order.lexicographicallyPrecedes($1.order) }
                .map(\.name)
            let page = names.prefix(state.behaviour.pageSize)
            let objects = page.map { ListedObject(name: $0, state: Self.remote(state.objects[$0])) }
            let next = Position(page: position.page + 1, last: page.last ?? [])
            return ObjectPage(objects: objects, continuation: page.count < names.count ? next.token : nil)
        }
    }

    /// Where a listing goes on: behind the last key of the page before, whatever came and went since.
    private struct Position {
        var page: Int
        var last: [UInt8]

        init(page: Int, last: [UInt8]) {
            self.page = page
            self.last = last
        }

        /// A token that we gave out.
        init(_ token: String) {
            let numbers = token.split(separator: " ").compactMap { Int($0) }
            self.init(page: numbers.first ?? 1, last: numbers.dropFirst().map { UInt8($0) })
        }

        var token: String { ([page] + last.map(Int.init)).map(String.init).joined(separator: " ") }
    }

    private static func order(_ name: [UInt8], _ behaviour: Behaviour) -> [UInt8] {
        behaviour.listsByDirectory ? name.map { $0 == UInt8(ascii: "/") ? 0 : $0 } : name
    }
}
