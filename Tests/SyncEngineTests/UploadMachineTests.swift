import Testing

@testable import SyncEngine

/// What an upload in parts does next, for everything that can come of its steps.
struct UploadMachineTests {
    private let layout = PartLayout(size: 10, partSize: 4)

    private func part(_ number: Int, etag: String? = nil) -> UploadedPart {
        let digest = ContentDigest([UInt8](repeating: UInt8(number), count: 16))
        return UploadedPart(number: number, etag: ETag(etag ?? digest.hexadecimal), digest: digest)
    }

    private func stored(_ number: Int, etag: String? = nil, size: Int64? = nil) -> StoredPart {
        let whole = Int64(layout.bytes(of: number).count)
        return StoredPart(number: number, etag: part(number, etag: etag).etag, size: size ?? whole)
    }

    private var all: [UploadedPart] { (1...3).map { part($0) } }

    /// All parts sent, about to be completed.
    private func completing(_ parts: [UploadedPart]? = nil) -> UploadMachine {
        var machine = UploadMachine(layout: layout, upload: nil, parts: [])
        _ = machine.created("u")
        _ = machine.sent(parts ?? all)
        return machine
    }

    @Test func `a new upload is created, its parts are sent, and it is completed`() {
        var machine = UploadMachine(layout: layout, upload: nil, parts: [])
        #expect(machine.begin() == .create)
        #expect(machine.created("u") == .send(upload: "u", numbers: [1, 2, 3]))
        #expect(machine.sent([part(3), part(1)]) == .send(upload: "u", numbers: [2]))
        #expect(machine.sent([part(2)]) == .complete(upload: "u", parts: all))
        let etag = machine.digest.etag(size: 10)
        #expect(etag.partCount == 3)
        #expect(machine.completed(etag) == .finish(etag))
    }

    @Test func `a resumed upload sends what the store does not hold as it was saved`() {
        var machine = UploadMachine(layout: layout, upload: "u", parts: all)
        #expect(machine.begin() == .list(upload: "u"))
        let held = [stored(1), stored(2, etag: "other"), stored(3, size: 1)]
        #expect(machine.listed(held) == .send(upload: "u", numbers: [2, 3]))
    }

    @Test func `a part that the store lists twice counts if one of them is ours`() {
        var machine = UploadMachine(layout: layout, upload: "u", parts: all)
        let held = [stored(1, etag: "old"), stored(1), stored(2), stored(3)]
        #expect(machine.listed(held) == .complete(upload: "u", parts: all))
    }

    @Test func `a part that is held but was never saved here is sent again`() {
        var machine = UploadMachine(layout: layout, upload: "u", parts: [part(1)])
        #expect(machine.listed([stored(1), stored(2)]) == .send(upload: "u", numbers: [2, 3]))
    }

    @Test func `where the store may not be asked, what was saved here counts`() {
        var machine = UploadMachine(layout: layout, upload: "u", parts: [part(1), part(3)])
        #expect(machine.listed(nil) == .send(upload: "u", numbers: [2]))
    }

    @Test func `an upload that is gone before all parts were sent is begun anew once`() {
        var machine = UploadMachine(layout: layout, upload: "u", parts: [part(1)])
        #expect(machine.gone() == .abandon)
        #expect(machine.abandoned() == .create)
        #expect(machine.created("v") == .send(upload: "v", numbers: [1, 2, 3]))
        #expect(machine.gone() == .fail(.lost))
    }

    @Test func `an upload that is gone when all parts were sent may have been completed`() {
        var machine = completing()
        #expect(machine.gone() == .look)
        let etag = machine.digest.etag(size: 10)
        #expect(machine.looked(etag) == .finish(etag))
        machine = completing()
        _ = machine.gone()
        #expect(machine.looked(nil) == .abandon)
    }

    @Test func `a lost answer to the wish to complete is settled by a look, or left to the next cycle`() {
        var machine = completing()
        #expect(machine.unanswered() == .look)
        #expect(machine.looked(ETag("e")) == .finish(ETag("e")))
        machine = completing()
        _ = machine.unanswered()
        #expect(machine.looked(nil) == .fail(.unanswered))
    }

    @Test func `parts that are refused together are sent anew once`() {
        var machine = completing()
        #expect(machine.refused() == .abandon)
        #expect(machine.abandoned() == .create)
        _ = machine.created("v")
        _ = machine.sent(all)
        #expect(machine.refused() == .fail(.refused))
    }

    @Test func `an answer without an ETag is settled by a look`() {
        var machine = completing()
        #expect(machine.completed(nil) == .look)
        #expect(machine.looked(nil) == .abandon)
    }

    @Test func `an ETag that contradicts the parts is believed only where ETags are MD5s`() {
        let other = ETag("0123456789abcdef0123456789abcdef-3")
        var machine = completing()
        #expect(machine.completed(other) == .abandon)
        _ = machine.abandoned()
        _ = machine.created("v")
        _ = machine.sent(all)
        #expect(machine.completed(other) == .finish(other))
        // Encrypted: those of the parts say nothing either.
        machine = completing((1...3).map { part($0, etag: "opaque\($0)") })
        #expect(machine.completed(other) == .finish(other))
        // `rclone serve`: the MD5 of the whole.
        let plain = ETag("0123456789abcdef0123456789abcdef")
        machine = completing()
        #expect(machine.completed(plain) == .finish(plain))
    }
}
