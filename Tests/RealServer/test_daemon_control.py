"""The control socket of `syncd run`, and the commands that use it."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import statistics
import time

from harness import trees
from harness.daemon import DaemonCase, connect

ANSWER_SECONDS = 0.2


class CommandTests(DaemonCase):
    def setUp(self):
        super().setUp()
        self.here = self.up()
        trees.write_many(self.here.root, 20)
        trees.write(self.here.root, "sub/inner", "inner")
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)

    def write(self, name, data):
        return trees.write(self.here.root, name, data, mtime_ns=None)

    # Pausing.

    def test_a_pause_survives_a_restart_and_what_was_changed_meanwhile_arrives(self):
        self.here.run("pause", expect=0)
        self.wait_for_state(self.daemon, "paused")
        self.proxy.forget()
        self.write("while-paused", "1")
        trees.remove(self.here.root, "file000.txt")
        self.assertIn("is paused", self.here.run("sync", expect=1).err)
        self.wait_for(lambda: not self.daemon.folder()["inSync"], "the change noticed")
        self.end(self.daemon)
        self.daemon = self.start_daemon(self.here, ready=False)
        self.wait_for_state(self.daemon, "paused")
        self.write("while-paused-again", "2")
        self.wait_for(lambda: self.daemon.folder()["state"] == "paused", "still paused")
        self.assertEqual(self.proxy.counts, {})
        self.here.run("resume", expect=0)
        self.wait_for_object("while-paused", "1")
        self.wait_for_object("while-paused-again", "2")
        self.wait_until_gone("file000.txt", 20)
        self.wait_until_in_sync(self.daemon)
        self.assert_bucket_equals(self.here.root)

    def test_a_change_whose_look_a_pause_interrupts_is_not_forgotten(self):
        """Whatever instant the pause comes at."""
        for index in range(15):
            self.write(f"round/{index}/file", f"{index}")
            time.sleep(0.19 + index * 0.002)
            self.assertEqual(self.daemon.ask("POST", "/pause")[0], 200)
            self.assertEqual(self.daemon.ask("POST", "/resume")[0], 200)
        for index in range(15):
            self.wait_for_object(f"round/{index}/file", f"{index}")

    def test_a_pause_while_nobody_runs(self):
        self.end(self.daemon)
        self.here.run("pause", "files", expect=0)
        self.daemon = self.start_daemon(self.here, ready=False)
        self.wait_for_state(self.daemon, "paused")
        self.here.run("resume", "files", expect=0)
        self.wait_until_in_sync(self.daemon)
        self.end(self.daemon)
        for command in ("sync", "reload"):
            self.assertIn("no syncd runs", self.here.run(command, expect=1).err)

    def test_a_pause_in_the_middle_of_an_upload_and_on(self):
        held = self.proxy.fault("PUT", hold=True, where=lambda request: request.part == 3)
        trees.write_large(self.here.root, "large", 48 << 20)
        held.wait_until_reached()
        self.assertEqual(self.daemon.ask("POST", "/pause")[0], 200)
        held.release()
        self.wait_for_state(self.daemon, "paused")
        self.proxy.heal()
        sent = [request.part for request in self.proxy.take_done() if request.part]
        self.assertLess(len(sent), 6)
        self.assertEqual(self.daemon.ask("POST", "/resume")[0], 200)
        self.wait_for_object("large", seconds=20)
        self.wait_until_in_sync(self.daemon)
        again = [request.part for request in self.proxy.take_done() if request.part]
        self.assert_bucket_equals(self.here.root)
        self.assertEqual(set(sent) & set(again), set(), "parts were sent again")

    # Sync.

    def test_sync_looks_at_both_sides(self):
        self.s3.put(self.bucket, b"file001.txt", b"overwritten by another tool")
        self.proxy.forget()
        self.here.run("sync", expect=0)
        self.wait_for_object("file001.txt", trees.read(self.here.root, "file001.txt"))
        self.assertGreaterEqual(self.proxy.counts["LIST"], 1)

    def test_an_unknown_folder(self):
        for command in ("sync", "pause", "resume", "approve"):
            run = self.here.run(command, "nowhere")
            self.assertNotEqual(run.code, 0, run)
            self.assertIn("nowhere", run.err)

    # Another process.

    def test_once_while_the_daemon_runs(self):
        run = self.here.run("--once", "--json", expect=75)
        self.assertIn(str(self.daemon.pid), run.err, "who holds it")
        other = self.here.state
        self.here.state = self.here.place / "other-state"
        run = self.here.run("--once", expect=75)
        self.here.state = other
        self.here.write_config()
        self.assertTrue(self.daemon.answers)

    def test_a_second_daemon_is_refused_and_the_first_goes_on(self):
        self.here.run("run", expect=75)
        self.write("still", "here")
        self.wait_for_object("still", "here")
        self.assertTrue(self.daemon.answers)

    def test_status_after_a_kill_says_that_nobody_runs(self):
        self.assertTrue(self.here.status().document["running"])
        self.daemon.kill()
        status = self.here.status()
        self.assertFalse(status.document["running"])
        self.assertEqual(status.folder["entries"], 21)
        self.assertIn("not running", self.here.run("status", expect=0).out)
        self.daemon = self.start_daemon(self.here)
        self.assertTrue(self.here.status().document["running"])
        self.end(self.daemon)
        self.assertFalse(self.here.status().document["running"])
        self.assertFalse((self.here.state / "control.sock").exists())

    # Explain and plan.

    def test_explain(self):
        run = self.here.run("explain", "files", "file001.txt", "--json", expect=0)
        self.assertEqual(run.document["path"], "file001.txt")
        text = self.here.run("explain", "files", "file001.txt", expect=0).out
        self.assertIn("file001.txt in files", text)
        self.assertIn("in sync", text)
        missing = self.here.run("explain", "files", "no/such/file")
        self.assertIn("no/such/file", missing.out + missing.err)
        for bad in ("/absolute", "a//b", "../up", ""):
            self.assertEqual(self.here.run("explain", "files", bad).code, 64)

    def test_plan(self):
        self.here.run("pause", expect=0)
        trees.remove(self.here.root, "file000.txt")
        self.write("new.txt", "new")
        self.proxy.forget()
        plan = self.here.plan(expect=2).document["folders"][0]
        actions = {change["path"]: change["action"] for change in plan["changes"]}
        self.assertEqual(actions, {"file000.txt": "deleteRemote", "new.txt": "upload"})
        self.assertEqual(set(self.proxy.counts), {"LIST"})
        text = self.here.run("plan", "files", expect=2).out
        self.assertIn("new.txt", text)
        self.assertIn("1 upload", text)
        self.here.run("resume", expect=0)
        self.wait_for_object("new.txt")
        self.wait_until_gone("file000.txt")
        self.wait_until_in_sync(self.daemon)
        self.here.plan(expect=0)
        self.assert_bucket_equals(self.here.root)

    # Waiting.

    def wait_synced(self, *paths, expect, timeout="20s"):
        begun = time.monotonic()
        run = self.here.run("wait", "--synced", *paths, "--timeout", timeout, expect=expect)
        return run, time.monotonic() - begun

    def test_wait_for_a_file(self):
        path = os.fsdecode(self.write("report.pdf", "report"))
        _, took = self.wait_synced(path, expect=0)
        self.assertTrue(self.holds("report.pdf", "report"))
        self.tell(f"wait --synced of a new file took {took:.2f} s")

    def test_wait_for_a_directory(self):
        for index in range(50):
            self.write(f"build/{index}/out", f"{index}")
        _, took = self.wait_synced(str(self.here.root / "build") + "/", expect=0)
        for index in range(50):
            self.assertTrue(self.holds(f"build/{index}/out", f"{index}"))
        self.tell(f"wait --synced of a directory of 50 files took {took:.2f} s")

    def test_wait_for_a_delete(self):
        trees.remove(self.here.root, "file003.txt")
        self.wait_synced(str(self.here.root / "file003.txt"), expect=0)
        self.assertFalse(self.holds("file003.txt"))

    def test_wait_for_what_cannot_be(self):
        self.here.folder["exclude"] = ["*.tmp"]
        self.here.run("reload", expect=0)
        path = os.fsdecode(self.write("no.tmp", "excluded"))
        run, _ = self.wait_synced(path, expect=3)
        self.assertIn("*.tmp", run.err)
        os.symlink("file001.txt", trees.path_of(self.here.root, "link"))
        run, _ = self.wait_synced(str(self.here.root / "link"), expect=3)
        self.assertIn("symbolic link", run.err)
        run, _ = self.wait_synced(os.fsdecode(self.write(".syncd-mine", "reserved")), expect=64)
        self.assertIn(".syncd-mine", run.err)
        run, _ = self.wait_synced("/etc/passwd", expect=64)
        self.assertIn("/etc/passwd", run.err)
        self.here.run("wait", os.fsdecode(path), expect=64)
        run, _ = self.wait_synced(path, expect=64, timeout="soon")

    def test_wait_for_what_is_nowhere(self):
        """A name that is neither here nor in the bucket is a slip of the pen, and no success."""
        run, took = self.wait_synced(str(self.here.root / "mistyped"), expect=1, timeout="2s")
        self.assertIn("mistyped", run.err)

    def test_wait_that_ends_in_time(self):
        self.proxy.fault("PUT", hold=True)
        path = os.fsdecode(self.write("held", "held"))
        _, took = self.wait_synced(path, expect=1, timeout="2s")
        self.assertLess(took, 10)
        self.proxy.heal()
        self.wait_synced(path, expect=0)

    # Status.

    def test_the_status_of_a_daemon(self):
        document = self.daemon.status()
        self.assert_status_contract(document)
        watching = document["folders"][0]["watching"]
        self.assertEqual(watching["directories"], 2)
        self.assertEqual((watching["unwatched"], watching["reason"], watching["overflows"]), (0, None, 0))
        self.assertEqual(self.here.status().document["folders"], document["folders"])
        self.assertIn("in sync", self.here.run("status", expect=0).out)

    def test_status_that_watches(self):
        self.here.write_config()
        running = self.here.start("status", "--watch", "--json")
        rounds = [json.loads(running.process.stdout.readline()) for _ in range(3)]
        self.assertTrue(all(document["running"] for document in rounds))
        running.terminate(signal.SIGINT)
        code = running.process.wait(5)
        running.process.communicate()
        self.assertIn(code, (0, 130, -signal.SIGINT))
        self.assertTrue(self.daemon.answers)

    def test_a_lag_that_is_too_long(self):
        self.here.run("status", "--max-lag", "60s", expect=0)
        self.proxy.fault("PUT", hold=True)
        self.write("held", "held")
        self.wait_for(
            lambda: self.here.run("status", "--max-lag", "3s").code == 1, "a lag of more than 3 s", seconds=20
        )
        self.assertIn("oldest unsynced change", self.here.run("status", "--max-lag", "3s", expect=1).err)
        self.here.run("status", "--max-lag", "1h", expect=0)
        self.proxy.heal()
        self.wait_until_in_sync(self.daemon)
        self.here.run("status", "--max-lag", "3s", expect=0)

    def test_a_lag_of_what_cannot_be_synced_grows(self):
        self.write(b"bad-\xff", "bad")
        self.wait_for(lambda: self.daemon.folder()["problems"], "the problem")
        first = self.daemon.folder()["oldestUnsyncedSeconds"]
        self.wait_for(
            lambda: (self.daemon.folder()["oldestUnsyncedSeconds"] or 0) >= (first or 0) + 3, "an age that grows", 15
        )


LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{{{LABEL}(?:,{LABEL})*\}})? (-?[0-9]+(?:\.[0-9]+)?)")


class OpenMetricsTests(DaemonCase):
    # What is left of the names that the configuration takes and that may need care: a backslash, and more than ASCII.
    NAME = "weird-nämé-🦄"

    def parse(self, text):
        """Strictly, as OpenMetrics 1.0 says. - Returns: {family: (type, [(sample, labels, value)])}."""
        self.assertTrue(text.endswith("# EOF\n"))
        families, current = {}, None
        lines = text[: -len("# EOF\n")].splitlines()
        for line in lines:
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.assertNotIn(name, families, "a family twice")
                self.assertIn(kind, ("counter", "gauge", "info"))
                families[name] = (kind, [], [])
                current = name
            elif line.startswith("# HELP "):
                name = line.split(" ")[2]
                self.assertEqual(name, current)
                families[name][1].append(line)
            else:
                match = SAMPLE.fullmatch(line)
                self.assertIsNotNone(match, f"no sample: {line!r}")
                suffix = {"counter": "_total", "info": "_info", "gauge": ""}[families[current][0]]
                self.assertEqual(match[1], current + suffix, line)
                families[current][2].append((match[1], match[2] or "", float(match[3])))
        for name, (kind, helps, samples) in families.items():
            self.assertEqual(len(helps), 1, name)
            self.assertFalse(name.endswith(("_total", "_info")), f"{name} ends in a reserved word")
            self.assertEqual(len({labels for _, labels, _ in samples}), len(samples), f"{name} has a sample twice")
            if kind == "counter":
                self.assertTrue(all(value >= 0 for _, _, value in samples))
        return families

    def test_the_metrics_of_a_daemon_and_of_none(self):
        here = self.up(name="up")
        here.folder["name"] = self.NAME
        trees.write_many(here.root, 3)
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        run = here.run("status", "--openmetrics", expect=0)
        families = self.parse(run.out)
        label = f'folder="{self.NAME}"'
        self.assertIn(("syncd_transfers_total", f'{{{label},direction="up"}}', 3.0), families["syncd_transfers"][2])
        self.assertIn(("syncd_in_sync", f"{{{label}}}", 1.0), families["syncd_in_sync"][2])
        self.assertIn(("syncd_entries", f"{{{label}}}", 3.0), families["syncd_entries"][2])
        self.end(daemon)
        families = self.parse(here.run("status", "--openmetrics", expect=0).out)
        self.assertIn(("syncd_entries", f"{{{label}}}", 3.0), families["syncd_entries"][2])


class SocketTests(DaemonCase):
    def test_the_socket_is_its_owners(self):
        here = self.up()
        trees.write(here.root, "a", "a")
        self.start_daemon(here)
        status = os.stat(here.state / "control.sock")
        self.assertTrue(stat.S_ISSOCK(status.st_mode))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(here.state.stat().st_mode) & 0o077, 0)

    def test_a_state_directory_whose_path_is_longer_than_an_address(self):
        here = self.up()
        here.state = here.place / ("s" * 100) / ("t" * 100)
        trees.write(here.root, "a", "a")
        daemon = self.start_daemon(here)
        self.wait_until_in_sync(daemon)
        self.assertTrue(here.status().document["running"])
        here.run("sync", expect=0)
        self.end(daemon)
        self.assertFalse((here.state / "control.sock").exists())

    def test_answers_come_quickly_while_a_large_upload_runs(self):
        here = self.up()
        trees.write_large(here.root, "large", 1 << 30)
        # One part that is held keeps the upload from being over before anything was measured.
        held = self.proxy.fault("PUT", hold=True, times=1)
        daemon = self.start_daemon(here, ready=False)
        self.addCleanup(held.release)
        held.wait_until_reached()
        self.wait_for(lambda: daemon.folder()["state"] == "transferring", "the upload to show", 60)
        times = []
        for _ in range(50):
            begun = time.monotonic()
            daemon.status()
            times.append(time.monotonic() - begun)
        folder = daemon.folder()
        self.assertEqual(folder["state"], "transferring")
        median = statistics.median(times)
        self.tell(f"50 answers while 1 GiB goes up: median {median * 1000:.1f} ms, worst {max(times) * 1000:.1f} ms")
        self.assertLess(median, ANSWER_SECONDS)
        self.wait_for(lambda: daemon.folder()["pending"]["bytes"] < 1 << 30, "less that waits")
        self.assertIsNotNone(daemon.folder()["oldestUnsyncedSeconds"])

    def test_garbage_does_no_harm(self):
        here = self.up()
        trees.write(here.root, "a", "a")
        daemon = self.start_daemon(here)
        garbage = [
            b"\x00\xff\xfe\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET /status\r\n\r\n",
            b"GET /status HTTP/9.9\r\n\r\n",
            b"POST /sync HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST /sync HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"POST /sync HTTP/1.1\r\nContent-Length: 4611686018427387904\r\n\r\nx",
            b"POST /sync HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            b"GET /%zz?%=%&&==&folder=%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET http://[::1/status HTTP/1.1\r\n\r\n",
            b"GET /explain?folder=files&path=!!! HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /status HTTP/1.1\r\nX: " + b"y" * (4 << 10) + b"\r\n\r\n",
            b"G" * (4 << 10),
        ]
        opened = []
        for text in garbage:
            connection = connect(here.state, timeout=5)
            opened.append(connection)
            try:
                connection.sendall(text)
                connection.settimeout(0.3)
                connection.recv(100)
            except (TimeoutError, OSError):
                pass
            self.assertIsNone(daemon.process.poll(), f"{text[:60]!r} ended the daemon:\n{daemon.log}")
            begun = time.monotonic()
            self.wait_until_answering(daemon)
            if time.monotonic() - begun > 1:
                self.tell(f"{time.monotonic() - begun:.1f} s until an answer after {len(text)} bytes {text[:20]!r}…")
        for method, place, query, expected in [
            ("GET", "/nothing", {}, 404),
            ("DELETE", "/status", {}, 404),
            ("GET", "/sync", {}, 404),
            ("POST", "/sync", {"folder": "nowhere"}, 404),
            ("POST", "/approve", {}, 404),
            ("GET", "/explain", {"folder": "files"}, 400),
            ("GET", "/explain", {"folder": "files", "path": "Li4vLi4="}, 400),
            ("GET", "/synced", {"folder": "files", "path": ""}, 400),
            ("GET", "/plan", {"folder": "files", "rows": "-1"}, 200),
            ("GET", "/plan", {"folder": "files", "rows": "99999999999999999999"}, 200),
        ]:
            self.assertEqual(daemon.ask(method, place, **query)[0], expected, (method, place, query))
        # Half a request each, left open; the daemon answers, works, and ends in time all the same.
        for _ in range(50):
            connection = connect(here.state)
            connection.sendall(b"GET /sta")
            opened.append(connection)
        trees.write(here.root, "b", "b", mtime_ns=None)
        self.wait_for_object("b", "b")
        self.assertTrue(daemon.answers)
        took = self.end(daemon)
        self.tell(f"ended {took:.1f} s after SIGTERM with {len(opened)} connections left open")
        for connection in opened:
            connection.close()

    def test_a_peer_that_reads_nothing(self):
        here = self.up()
        trees.write(here.root, "a", "a")
        daemon = self.start_daemon(here)
        stuck = []
        for _ in range(20):
            connection = connect(here.state)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
            stuck.append(connection)
        self.assertTrue(daemon.answers)
        trees.write(here.root, "b", "b", mtime_ns=None)
        self.wait_for_object("b", "b")
        self.end(daemon)
        for connection in stuck:
            connection.close()


class ReloadTests(DaemonCase):
    def setUp(self):
        super().setUp()
        self.here = self.up()
        trees.write_many(self.here.root, 5)
        self.daemon = self.start_daemon(self.here)
        self.wait_until_in_sync(self.daemon)

    def reload(self, expect=0):
        return self.here.run("reload", expect=expect)

    def test_a_changed_exclude(self):
        trees.write(self.here.root, "a.bak", "a", mtime_ns=None)
        self.wait_for_object("a.bak", "a")
        self.here.folder["exclude"] = ["*.bak"]
        self.assertIn("exclude", self.reload().out)
        self.wait_until_in_sync(self.daemon)
        trees.write(self.here.root, "b.bak", "b", mtime_ns=None)
        trees.write(self.here.root, "b.txt", "b", mtime_ns=None)
        self.wait_for_object("b.txt", "b")
        self.wait_until_in_sync(self.daemon)
        self.assertEqual(self.keys(), sorted([b"file%03d.txt" % i for i in range(5)] + [b"a.bak", b"b.txt"]))
        self.here.folder["exclude"] = []
        self.reload()
        self.wait_for_object("b.bak", "b")

    def test_many_reloads_leak_nothing(self):
        def inotifies():
            directory = f"/proc/{self.daemon.pid}/fd"
            links = []
            for name in os.listdir(directory):
                # What was closed since it was listed does not count.
                with contextlib.suppress(FileNotFoundError):
                    links.append(os.readlink(f"{directory}/{name}"))
            return sum("inotify" in link for link in links), len(links)

        before = inotifies()
        for index in range(12):
            self.here.folder["scanInterval"] = f"{30 + index}m"
            self.reload()
            self.wait_until_in_sync(self.daemon)
        self.wait_for(lambda: inotifies()[0] == before[0], f"one watcher: {inotifies()}")
        self.assertLess(inotifies()[1], before[1] + 12, "descriptors")
        trees.write(self.here.root, "after", "after", mtime_ns=None)
        self.wait_for_object("after", "after")

    def test_nothing_has_changed(self):
        self.assertIn("nothing has changed", self.reload().out)

    def test_a_broken_configuration_is_refused_and_the_old_one_goes_on(self):
        for text in ("{", '{"folders": []}', '{"folder": 1}'):
            self.here.write_config_text(text)
            status, body = self.daemon.ask("POST", "/reload")
            self.assertEqual(status, 409, body)
            self.assertTrue(json.loads(body)["error"])
        self.here.folder["direction"] = "upp"
        run = self.here.run("reload")
        self.assertEqual(run.code, 78, "the command itself reads the configuration")
        del self.here.folder["direction"]
        self.here.write_config_text("{")
        self.daemon.terminate(signal.SIGHUP)
        self.wait_for(lambda: self.daemon.lines("reload refused"), "the refusal in the log")
        trees.write(self.here.root, "goes-on", "goes on", mtime_ns=None)
        self.wait_for_object("goes-on", "goes on")
        self.here.write_config()

    def test_folders_come_and_go(self):
        second = self.here.place / "second"
        trees.write(second, "in second", "2")
        one = self.here.folder | {"prefix": ""}
        two = self.here.folder | {"name": "second", "path": str(second), "prefix": "second/"}
        # One prefix inside the other's would be an overlap.
        self.here.folders = [one | {"prefix": "first/"}, two]
        self.assertIn("second is new", self.reload().out)
        self.wait_for_object("second/in second", "2")
        self.wait_for_object("first/file000.txt")
        self.assertEqual([folder["name"] for folder in self.daemon.status()["folders"]], ["files", "second"])
        self.wait_until_in_sync(self.daemon, "second")
        self.here.folders = [one | {"prefix": "first/"}]
        self.assertIn("second is gone", self.reload().out)
        trees.write(second, "later", "nobody's", mtime_ns=None)
        trees.write(self.here.root, "witness", "witness", mtime_ns=None)
        self.wait_for_object("first/witness")
        self.assertFalse(self.holds("second/later"))
        self.assertTrue(self.holds("second/in second"))
        self.assertEqual(self.here.run("sync", "second").code, 64)
        self.here.folders = [one | {"prefix": "first/"}, two]
        self.reload()
        self.wait_for_object("second/later")

    def test_a_reload_by_signal(self):
        self.here.folder["exclude"] = ["*.bak"]
        self.here.write_config()
        self.daemon.terminate(signal.SIGHUP)
        self.wait_for(lambda: self.daemon.lines("exclude changed"), "the reload")
        self.wait_until_in_sync(self.daemon)
        self.assertTrue(self.daemon.answers)

    def test_a_reload_while_a_large_file_goes_up(self):
        held = self.proxy.fault("PUT", hold=True, where=lambda request: request.part == 3)
        trees.write_large(self.here.root, "large", 48 << 20)
        held.wait_until_reached()
        self.here.folder["exclude"] = ["*.bak"]
        self.here.write_config()
        self.daemon.terminate(signal.SIGHUP)
        held.release()
        self.proxy.heal()
        self.wait_for_object("large", seconds=30)
        self.wait_until_in_sync(self.daemon)
        self.assert_bucket_equals(self.here.root)
        parts = [request.part for request in self.proxy.done if request.part]
        self.assertEqual(len(parts), len(set(parts)), "parts were sent again")
