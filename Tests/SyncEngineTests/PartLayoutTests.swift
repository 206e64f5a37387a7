import SyncEngine
import Testing

/// How large objects are cut.
struct PartLayoutTests {
    private static let mebibyte: Int64 = 1 << 20
    private static let tebibyte: Int64 = 1 << 40

    @Test(arguments: [
        (16 * mebibyte, 8 * mebibyte, 2), (16 * mebibyte + 1, 8 * mebibyte, 3),
        (80_000 * mebibyte, 8 * mebibyte, 10_000),
        (80_000 * mebibyte + 1, 9 * mebibyte, 8_889), (5 * tebibyte, 525 * mebibyte, 9_987),
        (PartPolicy.standard.maximumSize, 5 << 30, 10_000), (1, 8 * mebibyte, 1),
    ])
    func `parts are of 8 MiB, or of what 10,000 of them need`(size: Int64, partSize: Int64, count: Int) throws {
        let layout = try #require(PartPolicy.standard.layout(of: size))
        #expect(layout.partSize == partSize)
        #expect(layout.count == count)
    }

    @Test func `a service that takes fewer parts gets larger ones`() throws {
        var policy = PartPolicy.standard
        policy.maximumParts = 1_000
        let layout = try #require(policy.layout(of: 80 << 30))
        #expect(layout.count <= 1_000 && layout.partSize == 82 * Self.mebibyte)
        #expect(policy.layout(of: policy.maximumSize + 1) == nil)
    }

    @Test func `what S3 cannot hold has no layout`() {
        #expect(PartPolicy.standard.maximumSize == 53_687_091_200_000)
        #expect(PartPolicy.standard.layout(of: PartPolicy.standard.maximumSize + 1) == nil)
        #expect(PartPolicy.standard.layout(of: .max) == nil)
        #expect(PartPolicy.standard.layout(of: 0) == nil)
    }

    @Test func `the parts of any size are equal but for the last, and cover it without gap or overlap`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let size = Int64.random(in: 1...PartPolicy.standard.maximumSize, using: &generator)
            let layout = try #require(PartPolicy.standard.layout(of: size))
            #expect((1...10_000).contains(layout.count), "size \(size)")
            #expect(layout.partSize % Self.mebibyte == 0 && layout.partSize <= 5 << 30, "size \(size)")
            #expect(layout.bytes(of: 1).lowerBound == 0, "size \(size)")
            #expect(layout.bytes(of: layout.count).upperBound == size, "size \(size)")
            let number = Int.random(in: 1...layout.count, using: &generator)
            if number > 1 {
                #expect(layout.bytes(of: number - 1).upperBound == layout.bytes(of: number).lowerBound, "size \(size)")
            }
            if number < layout.count {
                #expect(Int64(layout.bytes(of: number).count) == layout.partSize, "size \(size)")
            }
        }
    }

    @Test func `an ETag of parts is explained by our own layout first, then by those of other tools`() {
        let digits = "0123456789abcdef0123456789abcdef"
        func sizes(_ etag: String, _ size: Int64) -> [Int64] {
            PartPolicy.standard.layouts(explaining: ETag(etag), size: size).map { $0.partSize / Self.mebibyte }
        }
        #expect(sizes("\(digits)-3", 24 * Self.mebibyte) == [8, 10])
        #expect(sizes("\(digits)-5", 24 * Self.mebibyte) == [5])
        #expect(sizes("\(digits)-1", 3 * Self.mebibyte).first == 8)
        #expect(sizes("\(digits)-9987", 5 * Self.tebibyte) == [525])
        #expect(sizes("\(digits)-7", 24 * Self.mebibyte).isEmpty)
        #expect(sizes(digits, 24 * Self.mebibyte).isEmpty)
        #expect(sizes("\(digits)-1", 0).isEmpty)
    }
}
