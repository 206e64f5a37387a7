/// The pages of a listing, asked for one by one as they are wanted: one page is in memory at a time, however many there
/// are.
public struct ObjectPages: AsyncSequence, Sendable {
    let client: S3Client
    let bucket: String
    let query: ListQuery

    /// Asks for the next page when it is asked for one.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private let client: S3Client
        private let bucket: String
        private var query: ListQuery
        private var isDone = false
        private var progress = ListingProgress()

        init(_ pages: ObjectPages) {
            client = pages.client
            bucket = pages.bucket
            query = pages.query
        }

        /// - Throws: `.malformedAnswer` where the service would have us go round in circles.
        public mutating func next() async throws(S3Error) -> ListPage? {
            try await next(isolation: nil)
        }

        public mutating func next(isolation: isolated (any Actor)?) async throws(S3Error) -> ListPage? {
            guard !isDone else { return nil }
            let page = try await client.listObjects(bucket: bucket, query)
            let isEmpty = page.objects.isEmpty && page.commonPrefixes.isEmpty
            guard progress.note(continuation: page.continuation, isEmpty: isEmpty) else {
                throw S3Error(
                    code: .malformedAnswer,
                    operation: "ListObjectsV2",
                    bucket: bucket,
                    message: ListingProgress.complaint
                )
            }
            query.continuation = page.continuation
            isDone = page.continuation == nil
            return page
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}

extension S3Client {
    /// All pages that `query` asks for. A listing that ends early throws; what it did not show is not absent.
    public func pages(of bucket: String, _ query: ListQuery) -> ObjectPages {
        ObjectPages(client: self, bucket: bucket, query: query)
    }
}

/// Notices a listing that never ends, however many pages it has, from the last token and one that is kept: that is replaced after
/// 1, 2, 4, … pages (Brent's way to find a cycle), so that no listing goes on for more than some three times the pages that it
/// has.
public struct ListingProgress: Sendable {
    private var kept: String?
    private var last: String?
    private var pages = 0
    private var nextKept = 1
    private var emptyPages = 0

    /// Pages without an object that are followed.
    private static let maximumEmptyPages = 100

    public init() {}

    /// What is wrong where ``note(continuation:isEmpty:)`` says no.
    public static let complaint =
        "the listing goes round in circles: the service answered with a continuation token it had given before, or with"
        + " empty pages without end"

    /// False if the token came before, or too many empty pages in a row.
    public mutating func note(continuation: String?, isEmpty: Bool) -> Bool {
        emptyPages = isEmpty ? emptyPages + 1 : 0
        guard emptyPages <= Self.maximumEmptyPages else { return false }
        guard let continuation else { return true }
        if continuation == kept || continuation == last { return false }
        last = continuation
        pages += 1
        if pages == nextKept {
            kept = continuation
            (pages, nextKept) = (0, nextKept * 2)
        }
        return true
    }
}
