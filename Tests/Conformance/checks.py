"""The checks: each says in a word what a service did. None of them may lose a file, whatever the service does."""

import contextlib
import hashlib
import json
import os
import random
import subprocess
import time

from expected import EXPECTED, UNDATED_UPLOADS
from harness import trees
from harness.case import RealServerCase
from harness.s3client import Credentials, S3Failure

# Three parts of the engine's size.
LARGE = 20 << 20
PLAIN = [b"plain", b"sp ace", b"pl+us", b"per%41cent", "\u00e9".encode(), "e\u0301".encode(), "\U0001f600".encode(),
         b"quote'\"&<>", b"*?[]#;", b"Case", b"case"]  # fmt: skip
CONTROL = [b"new\nline", b"tab\there", b"del\x7f"]


class ConformanceCase(RealServerCase):
    """A check of one service; `cell` is what it came to."""

    cell = None

    def setUp(self):
        super().setUp()
        # Not every service removes a bucket that holds something.
        self.addCleanup(self._empty)

    def delete_bucket(self):
        # A bucket whose service holds on to what it refused goes with the service.
        with contextlib.suppress(S3Failure):
            super().delete_bucket()

    def _empty(self):
        with contextlib.suppress(S3Failure):
            for key, upload in self.s3.uploads(self.bucket):
                self.s3.abort_upload(self.bucket, key, upload)
        for key in self.s3.list(self.bucket):
            with contextlib.suppress(S3Failure):
                self.s3.delete(self.bucket, key)

    def say(self, *arguments, data=None, credentials=None, **environment):
        """Runs a command with keys from the environment. - Returns: exit code, standard output."""
        credentials = credentials or self.server.credentials
        base = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.place),
            "AWS_EC2_METADATA_DISABLED": "true",
            "SWIFT_BACKTRACE": "enable=no",
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_ENDPOINT_URL": self.proxy.endpoint,
        }
        command = [str(self.setting.binary), *map(os.fsencode, arguments)]
        done = subprocess.run(
            command, env=base | environment, input=data or b"", capture_output=True, timeout=180, check=False
        )
        self.assertGreaterEqual(done.returncode, 0, f"{arguments}: died of a signal")
        self.assertNotIn(credentials.secret_key.encode(), done.stdout + done.stderr)
        return done.returncode, done.stdout

    def at(self, key=b""):
        return f"s3://{self.bucket}/".encode() + key

    def listed(self):
        code, out = self.say("ls", self.at(), "--recursive", "--json")
        self.assertEqual(code, 0)
        return [json.loads(line)["key"].encode() for line in out.splitlines()]

    # Keys, each put, listed, fetched and deleted by syncd.

    def keys_come_back(self, keys):
        outcomes = {self.key_comes_back(key) for key in keys}
        for worst in ("lost", "folded", "refused"):
            if worst in outcomes:
                return worst
        return "works"

    def key_comes_back(self, key):
        content = hashlib.sha256(key).digest()
        code, _ = self.say("put", "-", self.at(key), data=content)
        if code != 0:
            # A refusal leaves nothing, but perhaps in the service's own listing.
            return "refused"
        self.server.forget()
        if self.listed() != [key]:
            self._empty()
            return "folded"
        code, found = self.say("get", self.at(key), "-")
        if (code, found) != (0, content):
            return "lost"
        code, _ = self.say("rm", self.at(key))
        return "works" if code == 0 and self.s3.list(self.bucket) == {} else "lost"

    # Mirrors.

    def tree(self, machine):
        for index in range(30):
            trees.write(machine.root, f"d{index % 3}/f {index}", f"content {index}")
        trees.write(machine.root, "empty", b"")
        trees.write(machine.root, "large", trees.large_content(LARGE))
        return machine

    def rest(self, machine, cycles=5):
        """Runs cycles until two in a row find nothing to do."""
        idle = 0
        for _ in range(cycles):
            run = machine.once()
            idle = idle + 1 if set(run.requests) == {"LIST"} else 0
            if idle == 2:
                return run
        self.fail(f"not at rest after {cycles} cycles\n{run}")


class Checks(ConformanceCase):
    """One method for each row of the table."""

    # Signing.

    def test_wrong_secret(self):
        credentials = Credentials(self.server.credentials.access_key, "wrong/secret+key")
        self.cell = {77: "refused", 0: "not looked at"}[self.say("ls", self.at(), credentials=credentials)[0]]

    def test_unknown_key_id(self):
        credentials = Credentials("AKUNKNOWN0000000UNKN", "wrong/secret+key")
        self.cell = {77: "refused", 0: "not looked at"}[self.say("ls", self.at(), credentials=credentials)[0]]

    def test_wrong_region(self):
        code, _ = self.say("put", "-", self.at(b"k"), data=b"x", AWS_REGION="eu-north-1")
        self.cell = "works" if code == 0 and self.s3.get(self.bucket, b"k") == b"x" else "refused"

    # Keys.

    def test_keys_of_text(self):
        self.cell = self.keys_come_back(PLAIN)

    def test_keys_with_control_characters(self):
        self.cell = self.keys_come_back(CONTROL)

    def test_keys_that_xml_cannot_hold(self):
        self.cell = self.keys_come_back([b"one\x01"])

    def test_keys_with_empty_segments(self):
        self.cell = self.keys_come_back([b"a//b", b"/x"])

    def test_keys_with_dot_segments(self):
        self.cell = self.keys_come_back([b"a/../b", b"./x"])

    def test_keys_with_backslashes(self):
        self.cell = self.keys_come_back([b"back\\slash"])

    def test_keys_with_long_segments(self):
        self.cell = self.keys_come_back([b"s" * 300])

    def test_a_key_beneath_a_key(self):
        codes = [self.say("put", "-", self.at(key), data=key)[0] for key in (b"c", b"c/d")]
        both = self.s3.list(self.bucket)
        self.cell = "works" if codes == [0, 0] and sorted(both) == [b"c", b"c/d"] else "refused"
        self.assertEqual(self.say("get", self.at(b"c"), "-"), (0, b"c"), "the first one is lost")

    # Listings.

    def test_listing_in_pages(self):
        keys = [f"p/{index:04}".encode() for index in range(1_050)]
        for key in keys:
            self.s3.put(self.bucket, key)
        self.proxy.forget()
        found = self.listed()
        self.assertEqual(self.proxy.counts.get("LIST"), 2)
        self.cell = "works" if sorted(found) == keys else "incomplete"

    def test_listing_order(self):
        for key in (b"a-", b"a/x", b"a0", b"b"):
            self.s3.put(self.bucket, key)
        found = self.listed()
        self.assertEqual(sorted(found), [b"a-", b"a/x", b"a0", b"b"])
        self.cell = "by bytes" if found == sorted(found) else "by directory"

    def test_listing_by_delimiter(self):
        for key in (b"p/a", b"p/s/x", b"p/s/y", b"q"):
            self.s3.put(self.bucket, key)
        _, out = self.say("ls", self.at(b"p/"), "--json")
        rows = [json.loads(line) for line in out.splitlines()]
        self.cell = "works" if [row.get("prefix") or row["key"] for row in rows] == ["p/a", "p/s/"] else "otherwise"

    # Large objects.

    def test_ranges(self):
        self.s3.put(self.bucket, b"k", b"0123456789")
        answer = self.s3.request("GET", self.bucket, b"k", headers={"range": "bytes=2-4"})
        self.assertEqual(answer.body, b"234")
        self.cell = str(answer.status)

    def interrupted(self, kind, **options):
        """An installation whose cycle is killed at the second part or range of a large object."""
        fault = self.proxy.fault(kind, then=lambda: running[0].process.kill(), lose_answer=True, first=2, times=1, **options)
        return fault, (running := [])

    def test_download_resumed(self):
        up = self.tree(self.machine("up", "up"))
        self.rest(up)
        down = self.machine("down", "down")
        down.top = {"concurrency": 4}
        fault, running = self.interrupted("GET", key=b"large")
        running.append(down.start_once())
        fault.wait_until_reached()
        running[0].process.communicate()
        self.proxy.wait_until_quiet()
        self.proxy.heal()
        self.rest(down)
        self.assert_same_tree(up.root, down.root)
        self.cell = "works"

    def test_parts_etag(self):
        content = trees.large_content(LARGE)
        self.assertEqual(self.say("put", "-", self.at(b"large"), data=content)[0], 0)
        etag = self.s3.list(self.bucket)[b"large"].etag
        digests = [hashlib.md5(content[at : at + trees.PART_SIZE]) for at in range(0, LARGE, trees.PART_SIZE)]
        parts = hashlib.md5(b"".join(digest.digest() for digest in digests)).hexdigest() + f"-{len(digests)}"
        self.cell = {parts: "of the parts", hashlib.md5(content).hexdigest(): "of the whole"}.get(etag, "another")

    def test_upload_resumed(self):
        up = self.tree(self.machine("up", "up"))
        up.top = {"concurrency": 4}
        fault, running = self.interrupted("PUT", where=lambda request: request.part is not None)
        running.append(up.start_once())
        fault.wait_until_reached()
        running[0].process.communicate()
        self.proxy.wait_until_quiet()
        self.proxy.heal()
        self.rest(up)
        self.assert_mirrored(up)
        self.cell = "works"

    # Digests and conditions, asked of the service itself.

    def put_status(self, key=b"k", body=b"new", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.s3.request("PUT", self.bucket, key, headers=named, body=body).status

    def refuses(self, **headers):
        return "stored" if self.put_status(**headers) < 300 else "refused"

    def test_wrong_md5(self):
        self.cell = self.refuses(content_md5="1B2M2Y8AsgTpgAmY7PhCfg==")

    def test_wrong_crc32c(self):
        self.cell = self.refuses(x_amz_checksum_crc32c="AAAAAA==")

    def test_wrong_crc64nvme(self):
        self.cell = self.refuses(x_amz_checksum_crc64nvme="AAAAAAAAAAA=")

    def verdict(self, status):
        """Of a condition that does not hold."""
        return {412: "honoured", 501: "501"}.get(status, "ignored" if status < 300 else str(status))

    def test_put_if_none_match(self):
        self.s3.put(self.bucket, b"k", b"old")
        self.cell = self.verdict(self.put_status(if_none_match="*"))

    def test_put_if_match(self):
        etag = self.s3.put(self.bucket, b"k", b"old")
        self.cell = self.verdict(self.put_status(if_match='"00000000000000000000000000000000"'))
        if self.cell == "honoured" and self.put_status(if_match=f'"{etag}"') >= 300:
            self.assertLess(self.put_status(if_match=etag), 300)
            self.cell = "unquoted only"

    def conditional(self, method):
        self.s3.put(self.bucket, b"k", b"old")
        headers = {"if-match": '"00000000000000000000000000000000"'}
        return self.verdict(self.s3.request(method, self.bucket, b"k", headers=headers).status)

    def test_delete_if_match(self):
        self.cell = self.conditional("DELETE")

    def test_get_if_match(self):
        self.cell = self.conditional("GET")

    def test_capabilities_seen(self):
        machine = self.machine("up", "up", prefix="p")
        run = machine.run("check", "--probe", "--json")
        found = next(one for one in json.loads(run.out)["checks"] if one["capabilities"])["capabilities"]
        self.assertEqual([name for name in self.SEEN if found[name] == "unknown"], [], run)
        expected = {name: EXPECTED[row][self.server.name] for name, row in self.SEEN.items()}
        seen = {name: self.SAID.get(found[name], found[name]) for name in self.SEEN}
        put = "unquoted only" if found["putIfMatch"] == "no" and found["putIfMatchUnquoted"] == "yes" else seen["putIfMatch"]
        seen["putIfMatch"] = put
        # A key that is refused is not kept, while a wrong digest had better be.
        expected = {
            name: "yes" if cell in (("works",) if self.SEEN[name].startswith("keys") else self.GOOD) else "no"
            for name, cell in expected.items()
        }
        seen = {name: "yes" if cell in self.GOOD else "no" for name, cell in seen.items()}
        self.assertEqual(seen, expected, run)
        self.assertEqual(list(self.s3.list(self.bucket)), [], "probes are left")
        self.cell = "as above"

    SAID = {"yes": "works", "no": "not"}
    GOOD = ("works", "refused", "honoured", "unquoted only", "by bytes")
    SEEN = {
        "putIfNoneMatch": "put_if_none_match",
        "putIfMatch": "put_if_match",
        "deleteIfMatch": "delete_if_match",
        "getIfMatch": "get_if_match",
        "contentMD5": "wrong_md5",
        "crc32c": "wrong_crc32c",
        "crc64nvme": "wrong_crc64nvme",
        "byteOrder": "listing_order",
        "backslashes": "keys_with_backslashes",
    }

    # Deletes.

    def test_deletes_in_batches(self):
        keys = [f"p/{index:04}".encode() for index in range(1_050)] + [b"p/" + key for key in PLAIN]
        for key in keys:
            self.s3.put(self.bucket, key)
        self.s3.put(self.bucket, b"q", b"stays")
        code, out = self.say("rm", "--recursive", "--yes", self.at(b"p/"), "--json")
        self.assertEqual((code, json.loads(out)["deleted"]), (0, len(keys)))
        self.cell = "works" if list(self.s3.list(self.bucket)) == [b"q"] else "incomplete"

    # Mirrors.

    def assert_mirrored(self, machine):
        expected = trees.snapshot(machine.root, mtimes=False, modes=False)
        # What a kill leaves of a trial goes with a trial an hour later.
        keys = [key for key in self.s3.list(self.bucket) if not key.startswith(b".syncd/")]
        self.assertEqual(sorted(keys), sorted(expected))
        for name, facts in expected.items():
            self.assertEqual(hashlib.md5(self.s3.get(self.bucket, name)).hexdigest(), facts.md5, name)

    def test_times_and_modes(self):
        up = self.machine("up", "up")
        trees.write(up.root, "f", "x", mode=0o640)
        self.rest(up)
        down = self.machine("down", "down")
        self.rest(down)
        before, after = (os.stat(machine.root / "f") for machine in (up, down))
        same = (before.st_mtime_ns, before.st_mode) == (after.st_mtime_ns, after.st_mode)
        self.cell = "kept" if same else "lost"

    def test_mirror_up(self):
        up = self.tree(self.machine("up", "up", delete=True))
        self.rest(up)
        self.assert_mirrored(up)
        trees.write(up.root, "d0/new", "new")
        (up.root / "d1" / "f 1").unlink()
        trees.write(up.root, "empty", "not any more")
        self.rest(up)
        self.assert_mirrored(up)
        self.cell = "works"

    def test_mirror_down(self):
        up = self.tree(self.machine("up", "up", delete=True))
        self.rest(up)
        down = self.machine("down", "down", delete=True)
        self.rest(down)
        self.assert_same_tree(up.root, down.root)
        trees.write(up.root, "empty", "not any more")
        (up.root / "d1" / "f 1").unlink()
        self.rest(up)
        self.rest(down)
        self.assert_same_tree(up.root, down.root)
        self.cell = "works"

    # Places between two effects at which it is ended; beyond the last of them a cycle ends by itself.
    CRASHES = (1, 2, 3, 5, 8, 13, 21, 34, 55)

    def crash(self, machine):
        for place in self.CRASHES:
            machine.write_config()
            machine.start_once(environment={"SYNCD_CRASH_AT": str(place)}).process.communicate()

    def test_mirror_up_with_crashes(self):
        up = self.tree(self.machine("up", "up", delete=True))
        self.crash(up)
        self.rest(up)
        self.assert_mirrored(up)
        self.assert_no_uploads()
        self.cell = "works"

    def test_mirror_down_with_crashes(self):
        up = self.tree(self.machine("up", "up", delete=True))
        self.rest(up)
        down = self.machine("down", "down", delete=True)
        self.crash(down)
        self.rest(down)
        self.assert_same_tree(up.root, down.root)
        self.cell = "works"

    def test_mirror_with_kills(self):
        seed = random.randrange(1 << 32)
        print(f"        seed {seed}", flush=True)
        chance = random.Random(seed)
        up = self.tree(self.machine("up", "up", delete=True))
        down = self.machine("down", "down", delete=True)
        for machine in (up, down):
            for _ in range(6):
                running = machine.start_once()
                time.sleep(chance.uniform(0.02, 0.8))
                running.kill()
            self.rest(machine)
        self.assert_mirrored(up)
        self.assert_same_tree(up.root, down.root)
        self.cell = "works"

    def assert_no_uploads(self):
        if self.server.name in UNDATED_UPLOADS:
            return
        uploads = [key for key, _ in self.s3.uploads(self.bucket) if not key.startswith(b".syncd/")]
        self.assertEqual(uploads, [], "unfinished uploads")
