import S3API
import SyncEngine
import Text

/// One line of a listing: an object, or what other keys begin with.
enum ListingRow: Hashable, Sendable {
    case object(S3ListedObject)
    case folder(ObjectKey)

    private var key: ObjectKey {
        switch self {
        case .object(let object): object.key
        case .folder(let prefix): prefix
        }
    }

    /// The rows of a page in the order of their keys.
    static func rows(of page: ListPage) -> [ListingRow] {
        guard !page.commonPrefixes.isEmpty else { return page.objects.map { .object($0) } }
        let rows = page.objects.map { ListingRow.object($0) } + page.commonPrefixes.map { .folder($0) }
        return rows.sorted { $0.key < $1.key }
    }

    /// Keys are whole, from the bucket's root.
    var json: JSONValue {
        switch self {
        case .folder(let prefix): return .object(ListingScreen.members(prefix, named: "prefix"))
        case .object(let object):
            return .object(
                ListingScreen.members(object.key, named: "key") + [
                    JSONMember("size", .integer(object.size)),
                    JSONMember("modified", .optional(object.modified.map { Format.timestamp(UnixTime($0)) })),
                    JSONMember("etag", .string(object.etag)),
                    JSONMember("storageClass", .optional(object.storageClass)),
                ]
            )
        }
    }
}

/// How rows look to people.
struct ListingScreen: Sendable {
    /// Bytes of each key that are not shown, being the same for all.
    var hidden: Int

    private static let dateWidth = 16
    private static let sizeWidth = 11

    /// `2026-11-21 18:00    3.1 MiB  STANDARD  new.jpg`, the classes of a page in one column.
    func lines(_ rows: [ListingRow]) -> [String] {
        let classes = rows.map { row in
            if case .object(let object) = row { printable(object.storageClass ?? "") } else { "" }
        }
        let width = (classes.map(\.count).max() ?? 0) + 2
        return zip(rows, classes).map { row, storageClass in
            let (date, size, key): (String, String, ObjectKey) =
                switch row {
                case .object(let object): (Self.clock(object.modified), Format.size(object.size), object.key)
                case .folder(let prefix): ("", "folder", prefix)
                }
            let name = escaped(Array(key.bytes.dropFirst(hidden)))
            return Columns.pad(date, to: Self.dateWidth) + Columns.padLeft(size, to: Self.sizeWidth) + "  "
                + (width > 2 ? Columns.pad(storageClass, to: width) : "") + name
        }
    }

    /// `2026-11-21 18:00`, in the time zone of this machine.
    static func clock(_ time: S3Time?) -> String {
        guard let time else { return "" }
        return Format.clock(UnixTime(time), now: UnixTime(nanoseconds: .min))
    }

    /// `2026-11-21`.
    static func day(_ time: S3Time?) -> String {
        Columns.pad(String(clock(time).prefix(10)), to: 10)
    }

    /// A key in JSON, and its bytes beside it where they are no text.
    static func members(_ key: ObjectKey, named name: String) -> [JSONMember] {
        let member = JSONMember(name, .string(String(decoding: key.bytes, as: UTF8.self)))
        guard String(validating: key.bytes, as: UTF8.self) == nil else { return [member] }
        return [member, JSONMember("\(name)Base64", .string(Base64.encode(key.bytes)))]
    }
}
