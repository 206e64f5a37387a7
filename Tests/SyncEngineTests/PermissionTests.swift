import SyncEngine
import TestSupport
import Testing

/// What a folder does where its keys may do little: all that it may, nothing that loses a file, and a word for the rest.
struct PermissionTests {
    /// The permissions that a policy grants one by one, by IAM's names.
    private enum Permission: Int, CaseIterable {
        case listBucket, getObject, putObject, deleteObject, abortMultipartUpload, listMultipartUploadParts
        case listBucketMultipartUploads, getBucketLocation

        /// The operations that it is for.
        var operations: [FaultOperation] {
            switch self {
            case .listBucket: [.listObjectsV2, .headBucket]
            case .getObject: [.getObject, .headObject]
            case .putObject: [.putObject, .createMultipartUpload, .uploadPart, .completeMultipartUpload]
            case .deleteObject: [.deleteObject, .deleteObjects]
            case .abortMultipartUpload: [.abortMultipartUpload]
            case .listMultipartUploadParts: [.listParts]
            case .listBucketMultipartUploads: [.listMultipartUploads]
            case .getBucketLocation: [.getBucketLocation]
            }
        }
    }

    /// The permissions whose bits are set.
    private func permissions(_ bits: Int) -> Set<Permission> {
        Set(Permission.allCases.filter { bits & 1 << $0.rawValue != 0 })
    }

    private func deny(_ denied: Set<Permission>, at server: FaultServer) {
        for operation in denied.flatMap(\.operations) { server.on(operation, .every, .deny) }
        // Who may not list is not told either that a key is not there.
        if denied.contains(.listBucket) {
            server.on(.headObject, .every, .rewrite { if $0.status == 404 { $0.status = 403 } })
        }
    }

    private static let large = S3World.noise(350_000, seed: 3)

    /// A folder in sync, and then changes of each kind.
    private func changedWorld() async throws -> S3World {
        let world = try S3World(.up, deletes: true)
        for number in 0..<12 { try world.write("keep\(number)", [UInt8(number)]) }
        try world.write("gone", [1])
        try world.write("changed", [1])
        #expect(await world.run().failure == nil)
        try world.write("new", [2])
        try world.write("changed", [2, 2])
        try world.write("large", Self.large)
        world.remove("gone")
        // A lost answer leaves an upload behind that should be aborted.
        world.server.on(.createMultipartUpload, 1, .resetAfterEffect)
        return world
    }

    @Test(arguments: 0..<16)
    func `up, whatever of the eight permissions is denied`(upper: Int) async throws {
        for lower in 0..<16 {
            let denied = permissions(upper << 4 | lower)
            let world = try await changedWorld()
            let before = world.objects
            let local = world.contents
            world.server.removeRules()
            deny(denied, at: world.server)
            world.server.on(.createMultipartUpload, 1, .resetAfterEffect)
            let report = await world.run()
            let label = Comment(rawValue: "\(denied)")
            #expect(world.contents == local, label)
            check(report, before, world.objects, denied)
            #expect(world.server.count(of: .headBucket) == 0 && world.server.count(of: .getBucketLocation) == 0)
            world.server.removeRules()
            let settled = await world.run()
            #expect(settled.failure == nil && settled.problems.isEmpty && settled.warnings.isEmpty, label)
            let isEqual = world.objects == local
            #expect(isEqual, label)
        }
    }

    private func check(
        _ report: CycleReport,
        _ before: [String: [UInt8]],
        _ after: [String: [UInt8]],
        _ denied: Set<Permission>
    ) {
        let label = Comment(
            rawValue: "\(denied): \(report.failure?.message ?? "") \(report.problems.map(\.problem.message))"
        )
        guard !denied.contains(.listBucket) else {
            #expect(report.failure?.code == .refused && after == before, label)
            #expect(report.failure?.message.contains("syncd policy") == true, label)
            return
        }
        #expect(report.failure == nil, label)
        var expected = before
        if !denied.contains(.putObject) {
            expected["new"] = [2]
            expected["changed"] = [2, 2]
            expected["large"] = Self.large
        }
        if !denied.contains(.deleteObject) { expected["gone"] = nil }
        let isAsExpected = after == expected
        #expect(isAsExpected, label)
        #expect(report.problems.allSatisfy { $0.problem.kind == .denied }, label)
        let refused = (denied.contains(.putObject) ? 3 : 0) + (denied.contains(.deleteObject) ? 1 : 0)
        #expect(report.problems.count == refused, label)
        let cannotClean = denied.contains(.abortMultipartUpload) || denied.contains(.listBucketMultipartUploads)
        #expect(report.warnings.count == (cannotClean && !denied.contains(.putObject) ? 1 : 0), label)
    }

    @Test(arguments: [false, true], [false, true])
    func `down needs nothing but to list and to get`(mayList: Bool, mayGet: Bool) async throws {
        let world = try S3World(.down, deletes: true)
        for number in 0..<12 { world.put([UInt8(number)], as: "keep\(number)") }
        world.put(Self.large, as: "large")
        var denied = Set(Permission.allCases)
        if mayList { denied.remove(.listBucket) }
        if mayGet { denied.remove(.getObject) }
        deny(denied, at: world.server)
        let report = await world.run()
        #expect((report.failure == nil) == mayList)
        let isEqual = world.contents == world.objects
        #expect(isEqual == (mayList && mayGet))
        #expect(world.contents.isEmpty == !(mayList && mayGet))
        if mayList, !mayGet { #expect(report.problems.count == 13) }
    }

    @Test func `where all is denied not every file is asked for`() async throws {
        let world = try S3World(.up)
        for number in 0..<200 { try world.write("f\(number)", [UInt8(number)]) }
        world.server.on(.putObject, .every, .deny)
        let report = await world.run()
        #expect(report.failure == nil && report.record.result == .problems)
        #expect((20...36).contains(world.server.count(of: .putObject)), "\(world.server.count(of: .putObject))")
        world.server.removeRules()
        let second = await world.run()
        #expect(second.record.uploaded == 200 && second.problems.isEmpty)
    }

    /// Every cycle asks again: what comes first and is denied must not starve the rest.
    @Test(arguments: [(25, 100), (25, 1), (60, 3), (19, 5)])
    func `many denials side by side keep nothing else waiting`(denied: Int, allowed: Int) async throws {
        let world = try S3World(.up, deletes: true)
        for number in 0..<denied { try world.write("a\(number)", [UInt8(number)]) }
        for number in 0..<allowed { try world.write("b\(number)", [UInt8(number)]) }
        world.server.on(.putObject, .every, .deny) { $0.key?.starts(with: Array("pre fix+/a".utf8)) ?? false }
        let report = await world.run()
        #expect(report.record.uploaded == Int64(allowed) && report.problems.count <= denied)
        world.server.removeRules()
        await world.run()
        #expect(world.objects.count == denied + allowed)
        // The same with deletes, key by key.
        for name in world.objects.keys.sorted() { world.remove(name) }
        try world.write("keep", [1])
        world.server.on(.deleteObjects, .every, .error(501, "NotImplemented"))
        world.server.on(.deleteObject, .every, .deny) { $0.key?.starts(with: Array("pre fix+/a".utf8)) ?? false }
        try await world.approveAndRun()
        #expect(world.objects.keys.filter { $0.hasPrefix("b") }.isEmpty)
    }

    /// AWS under a policy that lets only a prefix be listed: HEAD names no prefix, and absence is not told.
    @Test func `absence that HEAD may not tell is told by a listing of the one key`() async throws {
        let world = try S3World(.down, deletes: true)
        for number in 0..<12 { world.put([UInt8(number)], as: "k\(number)") }
        world.put([1], as: "k")
        await world.run()
        #expect(world.contents.count == 13)
        world.server.configure { $0.hidesAbsence = true }
        world.server.withStore { $0.buckets[FaultServer.bucket]?.objects[Array("pre fix+/k".utf8)] = nil }
        let report = await world.run()
        #expect(report.record.deletedLocal == 1 && report.problems.isEmpty && world.contents.count == 12)
        try world.write("new", [5])
        let copied = await world.copier(replaces: false).send(try RelativePath(Array("new".utf8)))
        #expect(copied.copied == 1 && copied.problems.isEmpty)
        world.server.on(.listObjectsV2, .every, .deny)
        try world.write("newer", [6])
        let denied = await world.copier(replaces: false).send(try RelativePath(Array("newer".utf8)))
        #expect(denied.copied == 0 && denied.problems.map(\.kind) == [.denied])
    }

    @Test func `deletes that are denied now and then stop no other`() async throws {
        let world = try S3World(.up, deletes: true)
        for number in 0..<60 { try world.write("f\(number)", [UInt8(number)]) }
        await world.run()
        for number in 0..<25 { world.remove("f\(number)") }
        world.server.withStore { store in
            for key in ["pre fix+/f3", "pre fix+/f17"] {
                store.buckets[FaultServer.bucket]?.deleteErrors[Array(key.utf8)] = ["AccessDenied"]
            }
        }
        let report = await world.run()
        #expect(report.record.deletedRemote == 23 && report.problems.count == 2)
        #expect(report.problems.allSatisfy { $0.problem.kind == .denied })
    }

    @Test func `listings always name the prefix`() async throws {
        let world = try await changedWorld()
        await world.run()
        let listings = world.server.records(of: .listObjectsV2)
        let prefixes = listings.map { record in record.request.query.first { $0.name == "prefix" }?.value ?? [] }
        #expect(!prefixes.isEmpty && prefixes.allSatisfy { $0.starts(with: "pre fix+/".utf8) })
    }
}
