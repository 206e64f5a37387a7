"""The commands for buckets: buckets, ls, stat, get, put, rm, with nothing but keys in the environment."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import threading

from harness import trees
from harness.case import RealServerCase
from harness.memoryserver import MemoryServer
from harness.s3client import Credentials

# Two parts and a rest.
LARGE = 17 << 20
ODD = ["sp ace", "pl+us", "per%41cent", "é-nfc", "e\u0301-nfd", "emoji-😀", "new\nline", "co\x01ntrol", "quote'\"", "*?[]"]


class ConnectorCase(RealServerCase):
    def setUp(self):
        super().setUp()
        self.home = self.place / "home"
        self.home.mkdir()
        self.local = self.place / "local"
        self.local.mkdir()
        self.credentials = self.server.credentials
        self.endpoint = self.proxy.endpoint

        self.spool = self.place / "spool"
        self.spool.mkdir()

    def environment(self, **more):
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "TMPDIR": str(self.spool),
            "TZ": "UTC",
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SWIFT_BACKTRACE": "enable=no",
            "AWS_ACCESS_KEY_ID": self.credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret_key,
            "AWS_ENDPOINT_URL": self.endpoint,
        } | more

    def start(self, *arguments, **options):
        command = [str(self.setting.binary), *map(os.fsencode, arguments)]
        return subprocess.Popen(
            command,
            env=self.environment(),
            cwd=self.local,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
        )

    def say(self, *arguments, expect=0, data=None):
        """Runs a command. - Returns: what it wrote to standard output and to standard error."""
        process = self.start(*arguments, stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL)
        out, err = process.communicate(data, timeout=120)
        shown = f"{arguments}: exit {process.returncode}\n{out[:2_000]!r}\n{err.decode(errors='replace')[:2_000]}"
        self.assertEqual(process.returncode, expect, shown)
        self.assertNotIn(self.server.credentials.secret_key.encode(), out + err)
        return out, err.decode(errors="replace")

    def kill_at(self, kind, *arguments, **options):
        """Kills a command while the second request of a kind is answered."""
        running = []
        begun = threading.Event()

        def kill():
            begun.wait()
            running[0].kill()

        fault = self.proxy.fault(kind, then=kill, lose_answer=True, first=2, times=1, **options)
        running.append(self.start(*arguments))
        begun.set()
        fault.wait_until_reached()
        running[0].communicate()
        self.proxy.wait_until_quiet()
        self.proxy.heal()

    def rows(self, *arguments):
        out, _ = self.say(*arguments, "--json")
        return [json.loads(line) for line in out.splitlines()]

    def at(self, key=""):
        return f"s3://{self.bucket}/{key}"

    def put(self, *keys, body=b"x"):
        for key in keys:
            self.s3.put(self.bucket, key.encode(), body)


class ListTests(ConnectorCase):
    def test_buckets_have_a_region(self):
        found = {row["name"]: row for row in self.rows("buckets")}
        self.assertEqual(sorted(found[self.bucket]), ["created", "name", "region"])
        self.assertIn(self.bucket, self.say("ls")[0].decode())

    def test_folders_are_entries_of_their_own(self):
        self.put("p/a", "p/sub/x", "p/sub/y", "q")
        rows = self.rows("ls", self.at("p/"))
        self.assertEqual([row.get("prefix") or row["key"] for row in rows], ["p/a", "p/sub/"])
        self.assertEqual(sorted(rows[0]), ["etag", "key", "modified", "size", "storageClass"])
        keys = [row["key"] for row in self.rows("ls", self.at("p/"), "--recursive")]
        self.assertEqual(sorted(keys), ["p/a", "p/sub/x", "p/sub/y"])
        out, _ = self.say("ls", f"{self.bucket}/p/")
        self.assertEqual([line.split()[-1] for line in out.decode().splitlines()], ["a", "sub/"])

    def test_denied(self):
        self.proxy.fault("LIST", status=403, code="AccessDenied")
        self.assertIn("syncd policy", self.say("ls", self.at(), expect=1)[1])

    def test_a_search_is_the_services(self):
        self.put("p/2024-a", "p/2024-b", "p/2025-a")
        self.proxy.forget()
        rows = self.rows("ls", self.at("p/"), "--search", "2024-")
        self.assertEqual(len(rows), 2)
        self.assertEqual(self.proxy.counts, {"LIST": 1})

    def test_pages_follow_one_another(self):
        self.put(*(f"k{index:04}" for index in range(2_100)))
        self.proxy.forget()
        keys = [row["key"] for row in self.rows("ls", self.at(), "--recursive")]
        self.assertEqual(sorted(keys), [f"k{index:04}" for index in range(2_100)])
        self.assertEqual(self.proxy.counts, {"LIST": 3})
        self.proxy.forget()
        self.assertEqual(len(self.rows("ls", self.at(), "--recursive", "--limit", "1500")), 1_500)
        self.assertEqual(self.proxy.counts, {"LIST": 2})

    def test_a_reader_that_goes_ends_it(self):
        self.put(*(f"k{index:04}" for index in range(2_100)))
        self.proxy.forget()
        process = self.start("ls", self.at(), "--recursive")
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(30), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()

    def test_odd_keys_cannot_steer_the_terminal(self):
        self.put(*ODD)
        out, _ = self.say("ls", self.at())
        self.assertEqual(len(out.splitlines()), len(ODD))
        self.assertFalse([byte for byte in out if byte < 32 and byte != 10])
        self.assertEqual(sorted(row["key"] for row in self.rows("ls", self.at())), sorted(ODD))

    def test_nothing_there(self):
        self.assertIn("nothing begins with", self.say("ls", self.at("none"), expect=1)[1])
        self.assertIn("is empty", self.say("ls", self.at(), expect=0)[1])
        self.assertIn("there is no bucket", self.say("ls", "s3://no-such-bucket-here", expect=1)[1])

    def test_refused_keys_and_usage(self):
        self.credentials = Credentials(self.server.credentials.access_key, "wrong/secret")
        self.say("ls", self.at(), expect=77)
        self.say("ls", "s3://", expect=64)
        self.say("ls", "--search", "x", expect=64)


class StatTests(ConnectorCase):
    def test_what_is_known_of_an_object(self):
        trees.write(self.local, "x.txt", "hello")
        self.say("put", "x.txt", self.at())
        row = self.rows("stat", self.at("x.txt"))[0]
        self.assertEqual(row["size"], 5)
        self.assertEqual(row["etag"], hashlib.md5(b"hello").hexdigest())
        self.assertEqual(set(row["metadata"]), {"mtime", "mode"})
        keys = ["contentType", "encryption", "etag", "key", "metadata", "modified", "size", "storageClass", "versionId"]
        self.assertEqual(sorted(row), keys)
        self.assertIn("is not there", self.say("stat", self.at("none"), expect=1)[1])
        self.say("stat", self.at(), expect=64)


class GetTests(ConnectorCase):
    def test_a_file_by_its_key(self):
        self.put("dir/a b+%41", body=b"hello")
        self.say("get", self.at("dir/a b+%41"))
        self.assertEqual((self.local / "a b+%41").read_bytes(), b"hello")
        self.say("get", self.at("dir/a b+%41"), "other")
        self.assertEqual((self.local / "other").read_bytes(), b"hello")
        self.assertEqual(self.say("get", self.at("dir/a b+%41"), "-")[0], b"hello")

    def test_what_is_there_is_replaced_only_by_force(self):
        self.put("k", body=b"new")
        (self.local / "k").write_bytes(b"old")
        self.assertIn("--force", self.say("get", self.at("k"), expect=1)[1])
        self.assertEqual((self.local / "k").read_bytes(), b"old")
        self.say("get", self.at("k"), "--force")
        self.assertEqual((self.local / "k").read_bytes(), b"new")
        self.proxy.forget()
        self.assertIn("the same", self.say("get", self.at("k"))[0].decode())
        self.assertEqual(self.proxy.counts, {"HEAD": 1})
        self.assertEqual(os.listdir(self.local), ["k"])

    def test_a_large_object_goes_on_after_a_kill(self):
        content = trees.large_content(LARGE, 1)
        trees.write(self.local, "large", content)
        self.say("put", "large", self.at("large"))
        self.kill_at("GET", "get", self.at("large"), "again")
        self.assertFalse((self.local / "again").exists(), "half a file has the name")
        self.say("get", self.at("large"), "again")
        self.assertEqual((self.local / "again").read_bytes(), content)
        self.assertEqual([name for name in os.listdir(self.local) if name.startswith(".syncd")], [])
        self.assertEqual(list(self.home.rglob("index.db")), [])
        self.assertEqual(hashlib.md5(self.say("get", self.at("large"), "-")[0]).digest(), hashlib.md5(content).digest())

    def test_a_tree_with_names_that_lead_elsewhere(self):
        memory = MemoryServer()
        self.addCleanup(memory.close)
        self.endpoint = memory.endpoint
        for key in ("p/good", "p/sub/good", "other", "p/../../x", "p//etc/x", "p/a/../../../x", "p/.syncd-trash/x"):
            memory.put(key.encode(), b"x")
        out, err = self.say("get", "--recursive", self.at("p"), "tree", expect=3)
        self.assertIn(b"fetched 2 files", out)
        self.assertIn("../../x: the key has a segment", err)
        found = sorted(str(path.relative_to(self.place)) for path in self.place.rglob("*") if path.is_file())
        self.assertEqual([path for path in found if not path.startswith("home")], ["local/tree/good", "local/tree/sub/good"])

    def test_places_that_are_no_files(self):
        self.put("t/a", "t/link/b", "t/z", "t/")
        (self.local / "real").write_bytes(b"old")
        (self.local / "named").symlink_to("real")
        self.say("get", self.at("t/a"), "named", "--force")
        self.assertEqual((self.local / "real").read_bytes(), b"x")
        self.assertTrue((self.local / "named").is_symlink())
        os.mkfifo(self.local / "fifo")
        self.assertIn("no regular file", self.say("get", self.at("t/a"), "fifo", "--force", expect=64)[1])
        self.assertIn("--recursive", self.say("get", self.at("t/"), expect=64)[1])
        outside = self.place / "outside"
        outside.mkdir()
        (self.local / "tree").mkdir()
        (self.local / "tree" / "link").symlink_to(outside)
        _, err = self.say("get", "--recursive", self.at("t"), "tree", expect=3)
        self.assertIn("link/b: a symbolic link is in the way", err)
        self.assertEqual(os.listdir(outside), [])
        self.assertEqual(sorted(os.listdir(self.local / "tree")), ["a", "link", "z"])

    def test_nothing_below(self):
        self.assertIn("nothing below", self.say("get", "--recursive", self.at("none"), "tree", expect=1)[1])
        self.say("get", "--recursive", self.at(), "tree")
        self.assertIn("there is no bucket", self.say("get", "--recursive", "s3://no-such-bucket-here", "d", expect=1)[1])
        self.assertFalse((self.local / "d").exists(), "a directory for nothing")

    def test_an_object_that_is_not_there(self):
        self.assertIn("is not there", self.say("get", self.at("none"), expect=1)[1])
        self.assertEqual(os.listdir(self.local), [])


class PutTests(ConnectorCase):
    def test_sizes_around_the_threshold(self):
        for size in (0, 1, (16 << 20) - 1, 16 << 20, (16 << 20) + 1):
            with self.subTest(size):
                content = trees.large_content(size, size) if size else b""
                (self.local / "f").write_bytes(content)
                self.say("put", "f", self.at(f"f{size}"))
                self.assertEqual(self.s3.get(self.bucket, f"f{size}".encode()), content)

    def test_standard_input(self):
        content = trees.large_content(LARGE, 2)
        self.say("put", "-", self.at("stream"), data=content)
        self.assertEqual(self.s3.get(self.bucket, b"stream"), content)
        self.say("put", "-", self.at("folder/"), data=b"x", expect=64)
        self.say("put", "-", self.at("empty"), data=b"")
        self.assertEqual(self.s3.get(self.bucket, b"empty"), b"")

    def test_standard_input_that_is_given_up_leaves_nothing(self):
        process = self.start("put", "-", self.at("stream"), stdin=subprocess.PIPE)
        self.wait_for(lambda: list(self.spool.rglob("input")), "the first bytes in a file")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 1)
        _, err = process.communicate()
        self.assertIn(b"nothing was sent", err)
        self.assertEqual((os.listdir(self.spool), self.keys()), ([], []))

    def test_standard_input_that_cannot_be_sent_leaves_nothing(self):
        self.proxy.fault("PUT", first=2, times=1, status=403, code="AccessDenied", where=lambda request: request.part)
        self.say("put", "-", self.at("stream"), data=trees.large_content(LARGE, 4), expect=1)
        self.assertEqual((os.listdir(self.spool), self.s3.uploads(self.bucket)), ([], []))
        self.assertEqual([path for path in self.home.rglob("*") if path.is_file()], [])

    def test_links_and_directories(self):
        (self.local / "real").write_bytes(b"content")
        (self.local / "named").symlink_to("real")
        self.say("put", "named", self.at("p/"))
        self.assertEqual(self.s3.get(self.bucket, b"p/named"), b"content")
        (self.local / "dir").mkdir()
        self.assertIn("--recursive", self.say("put", "dir", self.at(), expect=64)[1])
        os.mkfifo(self.local / "fifo")
        self.assertIn("no regular file", self.say("put", "fifo", self.at(), expect=64)[1])

    def test_what_is_there_is_replaced_only_by_force(self):
        self.put("k", body=b"old")
        (self.local / "k").write_bytes(b"new")
        self.assertIn("--force", self.say("put", "k", self.at(), expect=1)[1])
        self.assertEqual(self.s3.get(self.bucket, b"k"), b"old")
        self.say("put", "k", self.at(), "--force")
        self.assertEqual(self.s3.get(self.bucket, b"k"), b"new")

    def test_a_large_file_goes_on_after_a_kill(self):
        content = trees.large_content(LARGE, 3)
        (self.local / "large").write_bytes(content)
        self.kill_at("PUT", "put", "large", self.at("large"), where=lambda request: request.part is not None)
        self.assertEqual(len(self.s3.uploads(self.bucket)), 1)
        self.say("put", "large", self.at("large"))
        self.assertEqual(self.s3.get(self.bucket, b"large"), content)
        self.assertEqual(self.s3.uploads(self.bucket), [])

    def test_a_tree_with_odd_names(self):
        for index, name in enumerate(ODD):
            trees.write(self.local, f"tree/sub/{name}", f"{index}")
        out, _ = self.say("put", "--recursive", "tree", self.at("t"))
        self.assertIn(b"sent 10 files", out)
        self.assertEqual(sorted(self.s3.list(self.bucket)), sorted(f"t/sub/{name}".encode() for name in ODD))
        self.say("get", "--recursive", self.at("t"), "back")
        self.assert_same_tree(self.local / "tree", self.local / "back")
        self.assertIn(b"10 were the same", self.say("put", "--recursive", "tree", self.at("t"))[0])

    def test_no_such_file(self):
        self.assertIn("none: there is no such file", self.say("put", "none", self.at(), expect=1)[1])
        self.say("put", "--recursive", "none", self.at(), expect=64)


class RemoveTests(ConnectorCase):
    def test_one_object(self):
        self.put("a", "ab")
        self.say("rm", self.at("a"))
        self.assertEqual(self.keys(), [b"ab"])
        self.assertIn("is not there", self.say("rm", self.at("a"), expect=1)[1])
        self.say("rm", self.at(), expect=64)

    def test_all_below_a_prefix_only_when_told(self):
        self.put(*(f"p/k{index:04}" for index in range(1_050)), *(f"p/{name}" for name in ODD), "q")
        self.assertIn("--yes", self.say("rm", "--recursive", self.at("p/"), expect=64)[1])
        out, _ = self.say("rm", "--recursive", "--yes", self.at("p/"), "--json")
        self.assertEqual(json.loads(out), {"deleted": 1_060, "failed": 0})
        self.assertEqual(self.keys(), [b"q"])
        self.assertIn("nothing begins", self.say("rm", "--recursive", "--yes", self.at("p/"), expect=1)[1])

    def asked(self, act):
        """Lets `act` answer the question on a terminal. - Returns: the exit code, and what standard output got."""
        master, terminal = pty.openpty()
        process = self.start("rm", "--recursive", self.at("p/"), stdin=terminal)
        os.close(terminal)
        self.assertIn(b"delete 2 objects (2 bytes) beginning with", self.read_until(process.stderr, b"[y/N] "))
        act(process, master)
        out, _ = process.communicate(timeout=30)
        os.close(master)
        return process.returncode, out

    def read_until(self, stream, end):
        read = b""
        while not read.endswith(end):
            byte = stream.read(1)
            self.assertTrue(byte, read)
            read += byte
        return read

    def test_a_person_is_asked(self):
        self.put("p/a", "p/b")
        self.assertEqual(self.asked(lambda process, _: process.send_signal(signal.SIGINT)), (1, b""))
        self.assertEqual(self.asked(lambda _, master: os.write(master, b"n\n")), (1, b""))
        self.assertEqual(self.keys(), [b"p/a", b"p/b"])
        self.assertEqual(self.asked(lambda _, master: os.write(master, b"y\n")), (0, b"deleted 2 objects\n"))
        self.assertEqual(self.keys(), [])

    def test_denied(self):
        self.put("k")
        self.proxy.fault("DELETE", status=403, code="AccessDenied")
        self.assertIn("syncd policy", self.say("rm", self.at("k"), expect=1)[1])
