import Foundation
import S3API
import SyncEngine
import Testing
import Text

@testable import syncd

struct ConnectorTests {
    @Test(arguments: [
        ("s3://family/photos/a b+%41.jpg", "family", "photos/a b+%41.jpg"), ("family/photos/", "family", "photos/"),
        ("S3://family", "family", ""), ("family/", "family", ""), ("s3://family//x", "family", "/x"),
        ("s3://family/../x", "family", "../x"), ("s3/x", "s3", "x"),
    ])
    func `a place in a bucket is read as it stands`(text: String, bucket: String, key: String) throws {
        let address = try ObjectAddress(text)
        #expect(address == ObjectAddress(bucket: bucket, key: ObjectKey(key)))
    }

    @Test(arguments: ["", "/", "s3://", "s3:///key", "/family/key"])
    func `a place without a bucket is refused`(text: String) {
        #expect(throws: UsageError.self) { try ObjectAddress(text) }
    }

    @Test func `what cannot be seen is escaped, and a bucket is no object`() throws {
        #expect("\(try ObjectAddress("s3://f/a\u{1B}[2J\n"))" == "s3://f/a\\u{1b}[2J\\n")
        let bucket = try ObjectAddress("s3://family")
        #expect(throws: UsageError.self) { try bucket.requireKey() }
    }

    private func object(_ key: String, _ size: Int64, storageClass: String? = nil) -> S3ListedObject {
        S3ListedObject(key: ObjectKey(key), size: size, etag: "e", modified: nil, storageClass: storageClass)
    }

    @Test func `folders stand among objects in the order of their keys, names in one column`() {
        var page = ListPage()
        page.objects = [
            object("p/a", 1, storageClass: "STANDARD"), object("p/z\n", 5 << 20, storageClass: "GLACIER_IR"),
        ]
        page.commonPrefixes = [ObjectKey("p/m/")]
        let lines = ListingScreen(hidden: 2).lines(ListingRow.rows(of: page))
        #expect(lines.map { $0.split(separator: " ").last.map(String.init) } == ["a", "m/", "z\\n"])
        let columns = zip(lines, ["a", "m/", "z\\n"]).map { $0.count - $1.count }
        #expect(Set(columns).count == 1, "\(lines)")
    }

    @Test func `in JSON keys are whole, and bytes that are no text stand beside them`() {
        let odd = ObjectKey([0x61, 0xFF])
        let row = ListingRow.object(
            S3ListedObject(key: odd, size: 1, etag: "e", modified: S3Time(seconds: 0), storageClass: nil)
        )
        #expect(row.json["key"]?.text == "a\u{FFFD}")
        #expect(row.json["keyBase64"]?.text == "Yf8=")
        #expect(row.json["modified"]?.text == "1970-01-01T00:00:00.000Z")
        #expect(row.json["storageClass"] == .null)
        #expect(ListingRow.folder(ObjectKey("p/")).json == .object([JSONMember("prefix", .string("p/"))]))
    }

    @Test func `local places are a directory and a name in it`() throws {
        let directory = TemporaryDirectory()
        directory.file("x", "")
        let sub = directory.directory("sub")
        let name = { (text: String) in try RelativePath(Array(text.utf8)) }
        let file = try LocalPlace(file: "\(directory.path)/new", orInDirectory: [])
        #expect(
            file.name == (try name("new")) && file.directory == ConfigurationFile.canonical(Array(directory.path.utf8))
        )
        let inside = try LocalPlace(file: sub, orInDirectory: Array("k.jpg".utf8)[...])
        #expect(inside.name == (try name("k.jpg")) && inside.directory.suffix(4) == Array("/sub".utf8)[...])
        let made = try LocalPlace(directory: "\(directory.path)/a/b", make: true)
        #expect(made.name == nil && made.directory.suffix(4) == Array("/a/b".utf8)[...])
        let link = "\(directory.path)/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "x")
        #expect(try LocalPlace(file: link, orInDirectory: nil).name == name("x"))
        #expect(throws: UsageError.self) { try LocalPlace(file: sub, orInDirectory: nil) }
        #expect(throws: UsageError.self) { try LocalPlace(file: "/dev/null", orInDirectory: nil) }
        #expect(throws: UsageError.self) { try LocalPlace(directory: "\(directory.path)/x", make: false) }
        #expect(throws: UsageError.self) { try LocalPlace(file: "\(directory.path)/none/x", orInDirectory: []) }
        // A key's last part may be anything.
        for part in ["..", ".", "", ".syncd-trash"] {
            #expect(throws: UsageError.self) { try LocalPlace(file: sub, orInDirectory: Array(part.utf8)[...]) }
        }
    }

    @Test(arguments: [
        (S3Error.Code.noSuchKey, ExitCause.failed), (.accessDenied, .failed),
        (.credentialsRefused, .credentialsRefused),
        (.credentialsUnreachable, .unreachable), (.other("X"), .failed),
    ])
    func `what the service says is the exit code`(code: S3Error.Code, cause: ExitCause) {
        #expect(ExitCause(S3Error(code: code, operation: "GetObject", message: "m")) == cause)
    }
}
