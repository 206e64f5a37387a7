import Glibc

/// One event as inotify(7) delivers it.
struct InotifyEvent: Equatable, Sendable {
    /// The watch it came by; -1 for none in particular.
    var watch: Int32
    var mask: UInt32
    /// The name in the watched directory; empty where it is the directory itself.
    var name: [UInt8]

    init(watch: Int32, mask: UInt32, name: [UInt8] = []) {
        self.watch = watch
        self.mask = mask
        self.name = name
    }

    func has(_ bit: CInt) -> Bool { mask & UInt32(bitPattern: bit) != 0 }

    func has(_ bit: UInt32) -> Bool { mask & bit != 0 }

    var isDirectory: Bool { has(UInt32(IN_ISDIR)) }

    /// The events that one read brought: a header of four 32-bit words, then the name, padded with NUL.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [InotifyEvent] {
        let headerSize = 16
        var events: [InotifyEvent] = []
        var offset = 0
        while offset + headerSize <= bytes.count {
            let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
            let end = offset + headerSize + length
            guard end <= bytes.count else { break }
            let name = bytes[(offset + headerSize)..<end].prefix { $0 != 0 }
            events.append(
                InotifyEvent(
                    watch: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self),
                    mask: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                    name: Array(name)
                )
            )
            offset = end
        }
        return events
    }
}
