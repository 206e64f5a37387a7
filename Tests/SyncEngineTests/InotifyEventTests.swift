import Glibc
import Testing

@testable import SyncEngine

/// What the kernel's bytes say.
struct InotifyEventTests {
    /// One event, as read(2) gives it: the name padded with NUL to `length`.
    private func bytes(_ watch: Int32, _ mask: UInt32, _ name: String = "", length: Int? = nil) -> [UInt8] {
        let size = length ?? (name.isEmpty ? 0 : (name.utf8.count / 16 + 1) * 16)
        var bytes: [UInt8] = []
        for word in [UInt32(bitPattern: watch), mask, 0, UInt32(size)] {
            withUnsafeBytes(of: word) { bytes += $0 }
        }
        return bytes + Array(name.utf8) + [UInt8](repeating: 0, count: max(0, size - name.utf8.count))
    }

    private func parse(_ bytes: [UInt8]) -> [InotifyEvent] { bytes.withUnsafeBytes { InotifyEvent.parse($0) } }

    @Test func `names lose their padding, and events follow each other`() {
        let events = parse(
            bytes(1, UInt32(IN_CREATE) | UInt32(IN_ISDIR), "directory")
                + bytes(2, UInt32(IN_CLOSE_WRITE), "sixteen bytes  .") + bytes(-1, UInt32(IN_Q_OVERFLOW))
        )
        #expect(events.map(\.watch) == [1, 2, -1])
        #expect(events.map { String(decoding: $0.name, as: UTF8.self) } == ["directory", "sixteen bytes  .", ""])
        #expect(events.map(\.isDirectory) == [true, false, false])
        #expect(events[0].has(IN_CREATE) && !events[0].has(IN_DELETE))
        #expect(events[2].has(UInt32(IN_Q_OVERFLOW)))
    }

    @Test func `whatever is cut off yields no event and no crash`() {
        let whole = bytes(1, UInt32(IN_CREATE), "name") + bytes(2, UInt32(IN_DELETE), "other")
        for count in 0..<whole.count {
            let events = parse(Array(whole[..<count]))
            #expect(events.count == (count >= 32 ? 1 : 0), "\(count) bytes")
        }
        #expect(parse(bytes(1, 0, "x", length: 0)).count == 1)
        #expect(parse(Array(bytes(1, 0, "", length: 0)[..<12] + [0xFF, 0xFF, 0xFF, 0x7F])).isEmpty)
    }
}
