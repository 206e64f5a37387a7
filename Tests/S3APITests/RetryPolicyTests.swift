import TestSupport
import Testing

@testable import S3API

struct RetryPolicyTests {
    private static let policy = RetryPolicy()

    private static func delay(
        _ attempt: Int,
        _ kind: RetryPolicy.Kind,
        retryAfter: Double? = nil,
        chance: Double
    ) -> Double? {
        policy.delay(after: attempt, kind, retryAfter: retryAfter, chance: chance)
    }

    @Test(
        arguments: [
            (.transient, [0.05, 0.1, 0.2, 0.4, 0.8]), (.throttled, [1, 2, 4, 8, 16]), (.unreachable, [0.5, 1, 2]),
        ] as [(RetryPolicy.Kind, [Double])]
    )
    func `the wait lies anywhere between nothing and a bound that doubles`(kind: RetryPolicy.Kind, bounds: [Double]) {
        for (index, bound) in bounds.enumerated() {
            #expect(Self.delay(index + 1, kind, chance: 0) == 0)
            #expect(Self.delay(index + 1, kind, chance: 0.5) == bound / 2)
            let longest = Self.delay(index + 1, kind, chance: 1.0.nextDown) ?? -1
            #expect(longest < bound && longest > bound * 0.999)
        }
        #expect(Self.delay(bounds.count + 1, kind, chance: 0.5) == nil)
    }

    @Test func `no wait is longer than the longest, however many tries are allowed`() {
        var policy = RetryPolicy()
        policy.maximumAttempts = 10_000
        for attempt in [6, 10, 63, 64, 65, 9_999] {
            #expect(policy.delay(after: attempt, .throttled, retryAfter: nil, chance: 1.0.nextDown) ?? 99 <= 20)
        }
    }

    @Test func `what is final is not tried again`() {
        #expect(Self.delay(1, .final, retryAfter: 1, chance: 0) == nil)
    }

    @Test(
        arguments: [
            (nil, 0.5), (0, 0.5), (0.2, 0.5), (3, 3), (6, 6), (7, 6), (100_000, 6), (.infinity, 6), (-1, 0.5),
            (.nan, 0.5),
        ] as [(Double?, Double)]
    )
    func `what the service asks for is waited, at least the own wait, at most five seconds more than its bound`(
        retryAfter: Double?,
        expected: Double
    ) {
        #expect(Self.delay(1, .throttled, retryAfter: retryAfter, chance: 0.5) == expected)
    }

    @Test(
        arguments: [
            (.slowDown, .throttled), (.internalError, .transient), (.conflict, .transient), (.noSuchKey, .final),
            (.noSuchBucket, .final), (.noSuchUpload, .final), (.accessDenied, .final), (.credentialsRefused, .final),
            (.preconditionFailed, .final), (.invalidRange, .final), (.badDigest, .final), (.invalidObjectState, .final),
            (.keyTooLong, .final), (.entityTooLarge, .final), (.notImplemented, .final), (.malformedAnswer, .final),
            (.transport, .final), (.other("RequestTimeout"), .transient), (.other("IncompleteBody"), .transient),
            (.other("OperationAborted"), .transient), (.other("PriorRequestNotComplete"), .transient),
            (.other("408"), .transient), (.other("RequestTimeTooSkewed"), .final), (.other("400"), .final),
            (.other("405"), .final), (.other("MalformedXML"), .final),
        ] as [(S3Error.Code, RetryPolicy.Kind)]
    )
    func `what the service refuses for good is not tried again, what passes is`(
        code: S3Error.Code,
        expected: RetryPolicy.Kind
    ) {
        #expect(RetryPolicy.kind(of: S3Error(code: code, operation: "GetObject", message: "")) == expected)
    }

    @Test func `an upload that met another writer is not completed again`() {
        let error = S3Error(code: .conflict, operation: "CompleteMultipartUpload", message: "")
        #expect(RetryPolicy.kind(of: error) == .final)
    }

    @Test(
        arguments: [
            (.unreachable, .unreachable), (.interrupted, .transient), (.truncated, .transient),
            (.malformed, .transient),
            (.tls, .final), (.bodyTooLarge, .final), (.localRead(errno: 5), .final), (.localWrite(errno: 28), .final),
            (.cancelled, .final),
        ] as [(TransportError.Code, RetryPolicy.Kind)]
    )
    func `a network that fails is tried again, a disk or a certificate is not`(
        code: TransportError.Code,
        expected: RetryPolicy.Kind
    ) {
        let error = S3Error(
            code: .transport,
            operation: "GetObject",
            message: "",
            transport: TransportError(code: code, message: "")
        )
        #expect(RetryPolicy.kind(of: error) == expected)
    }

    // MARK: The budget

    /// How many retries of `kind` the budget bears, up to 1,000.
    private static func spend(_ budget: inout RetryBudget, on kind: RetryPolicy.Kind) -> Int {
        (0..<1_000).prefix { _ in budget.spend(on: kind) }.count
    }

    @Test(arguments: [(.transient, 35), (.unreachable, 35), (.throttled, 100)] as [(RetryPolicy.Kind, Int)])
    func `the budget bears so many retries and no more`(kind: RetryPolicy.Kind, count: Int) {
        var budget = RetryBudget()
        #expect(Self.spend(&budget, on: kind) == count)
    }

    @Test func `it refills by one for each success, and by the price of a retry that helped, and never overflows`() {
        var budget = RetryBudget()
        budget.succeed(afterRetry: nil)
        budget.succeed(afterRetry: .transient)
        #expect(Self.spend(&budget, on: .throttled) == 100)
        for _ in 0..<13 { budget.succeed(afterRetry: nil) }
        #expect(Self.spend(&budget, on: .transient) == 0)
        budget.succeed(afterRetry: nil)
        #expect(Self.spend(&budget, on: .transient) == 1)
        budget.succeed(afterRetry: .throttled)
        #expect(Self.spend(&budget, on: .throttled) == 1)
        budget.succeed(afterRetry: .transient)
        #expect(Self.spend(&budget, on: .transient) == 1)
    }
}
