import Glibc
import SyncEngine
import Testing

@testable import syncd

/// What a daemon tells of itself, and how it takes a new configuration.
struct DaemonTests {
    // MARK: Reloading

    private func difference(_ change: (inout Configuration) -> Void) throws -> ConfigurationDifference {
        let old = try sampleConfiguration(in: "/tmp/x")
        var new = old
        change(&new)
        return ConfigurationDifference(from: old, to: new)
    }

    @Test func `what has not changed goes on`() throws {
        let difference = try difference { _ in }
        #expect(difference.isEmpty)
        #expect(difference.started.isEmpty && difference.stopped.isEmpty && !difference.changesEngine)
    }

    @Test func `a changed folder begins anew and the others go on`() throws {
        let difference = try difference { configuration in
            configuration.folders[0].folder.exclude = ["*.tmp"]
            configuration.folders[0].scanInterval = .seconds(1)
        }
        #expect(difference.stopped == ["photos"])
        #expect(difference.started == ["photos"])
        #expect(difference.lines == ["photos: exclude, scanInterval changed"])
    }

    @Test func `folders come and go`() throws {
        let difference = try difference { configuration in
            var another = configuration.folders[1]
            another.folder.name = "another"
            configuration.folders[1] = another
        }
        #expect(difference.stopped == ["backups"])
        #expect(difference.started == ["another"])
        #expect(difference.lines == ["backups is gone; nothing of it is deleted", "another is new"])
    }

    @Test func `another key is another connection for every folder, and is not told`() throws {
        let difference = try difference { configuration in
            configuration.connection.credentials?.secretAccessKey = Secret("another \(canary)")
        }
        #expect(difference.changesEngine)
        #expect(difference.started == ["photos", "backups"])
        #expect(!difference.lines.joined().contains(canary))
    }

    @Test func `limits of bandwidth change for what goes on`() throws {
        let difference = try difference { configuration in
            configuration.uploadBytesPerSecond = 1 << 20
        }
        #expect(!difference.changesEngine && difference.started.isEmpty && difference.stopped.isEmpty)
        #expect(difference.lines == ["uploadBytesPerSecond is 1048576, was unlimited"])
    }

    // MARK: The service manager

    /// A socket as a service manager has it.
    private final class Manager {
        let path: String
        private let descriptor: CInt
        private let directory = TemporaryDirectory()

        init() throws {
            path = "\(directory.path)/notify"
            descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            try #require(bytes.count < 108)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(status == 0)
        }

        deinit { close(descriptor) }

        /// The datagram that came; nil where none did.
        func receive() -> String? {
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
            return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }

    @Test func `the manager is told in its own words`() throws {
        let manager = try Manager()
        let notifier = ServiceNotifier(environment(["NOTIFY_SOCKET": manager.path]))
        notifier.ready()
        #expect(manager.receive() == "READY=1")
        notifier.status("two\nlines")
        #expect(manager.receive() == "STATUS=two\\nlines", "a line break would begin another assignment")
        notifier.reloading()
        let reloading = try #require(manager.receive())
        #expect(reloading.hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        notifier.alive()
        #expect(manager.receive() == "WATCHDOG=1")
        notifier.extendStart(by: .seconds(600))
        #expect(manager.receive() == "EXTEND_TIMEOUT_USEC=600000000")
        notifier.stopping()
        #expect(manager.receive() == "STOPPING=1")
        #expect(manager.receive() == nil)
    }

    @Test func `without a manager nothing is said, and a watchdog for another process is none of ours`() {
        ServiceNotifier(environment([:])).ready()
        let ours = ServiceNotifier(environment(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]))
        #expect(ours.watchdogInterval == .seconds(30))
        let others = ServiceNotifier(environment(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]))
        #expect(others.watchdogInterval == nil)
    }

    // MARK: The status line

    private func line(_ change: (inout FolderStatus) -> Void) throws -> String {
        var folders = try sampleConfiguration(in: "/tmp/x").folders.map { FolderStatus($0) }
        for index in folders.indices {
            folders[index].inSync = true
            folders[index].entries = 10
            folders[index].bytes = 1_024
        }
        change(&folders[0])
        return StatusLine.text(StatusDocument(running: true, folders: folders))
    }

    @Test func `one line says how all folders are`() throws {
        #expect(try line { _ in } == "2 folders in sync · 20 files, 2.0 KiB")
        #expect(try line { $0.state = .halted } == "photos halted · 20 files, 2.0 KiB")
        let pending = try line { folder in
            folder.inSync = false
            folder.pending.deletes = 3
        }
        #expect(pending == "photos waiting (3 deletes) · 20 files, 2.0 KiB")
        let failed = try line { folder in
            folder.inSync = false
            folder.pending.uploads = 1
            folder.problems = [ProblemStatus(problem(Array("a".utf8), .unreadable, "no"))]
        }
        #expect(failed == "photos 1 problem · 20 files, 2.0 KiB")
    }

    // MARK: Metrics

    @Test func `labels are escaped, counters end in total, and the page has an end`() throws {
        var folder = FolderStatus(try sampleConfiguration(in: "/tmp/x").folders[0])
        folder.name = #"a"b\c"#
        let page = OpenMetrics.text(
            StatusDocument(running: true, folders: [folder]),
            now: time("2026-11-28T00:00:00.000Z")
        ) { _ in
            var totals = MetricsLedger.Totals()
            totals.uploaded = 7
            totals.requests = ["PUT": 7]
            return totals
        }
        #expect(page.contains(#"syncd_transfers_total{folder="a\"b\\c",direction="up"} 7"#))
        #expect(page.contains(#"syncd_requests_total{folder="a\"b\\c",class="PUT"} 7"#))
        #expect(page.hasSuffix("# EOF\n"))
        for line in page.split(separator: "\n") where line.hasPrefix("# TYPE") && line.hasSuffix("counter") {
            let name = line.split(separator: " ")[2]
            #expect(!name.hasSuffix("_total"))
        }
    }
}
