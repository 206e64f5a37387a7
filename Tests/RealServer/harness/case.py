"""The base of all tests here: a bucket, a proxy before the server, and a place on disk, new for each test."""

import base64
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import uuid
from dataclasses import dataclass
from pathlib import Path

from . import trees
from .machine import Machine
from .proxy import FaultProxy
from .seaweed import SeaweedServer


@dataclass
class Setting:
    """What the runner hands to every test."""

    binary: Path
    tools: Path
    server: SeaweedServer


class RealServerCase(unittest.TestCase):
    """A test against the real server. `machine()` makes as many installations of syncd as a test wants."""

    setting: Setting

    def setUp(self):
        self.server = self.setting.server
        self.s3 = self.server.client()
        self.addCleanup(self.s3.close)
        self.place = Path(tempfile.mkdtemp(prefix="syncd-test-"))
        self.place.chmod(0o755)
        self.addCleanup(self._remove_place)
        self.bucket = f"t-{uuid.uuid4().hex[:16]}"
        self.s3.create_bucket(self.bucket)
        self.addCleanup(self.delete_bucket)
        self.proxy = FaultProxy(self.server.port, self.server.credentials)
        self.addCleanup(self.proxy.close)
        self.machines = []

    def tearDown(self):
        for machine in self.machines:
            self.assertEqual(machine.files_with_secret(), [], "the state directory holds the secret key")

    def delete_bucket(self):
        self.s3.delete_bucket(self.bucket)

    def _remove_place(self):
        for directory, _, _ in os.walk(self.place):
            os.chmod(directory, 0o700)
        shutil.rmtree(self.place, ignore_errors=True)

    def machine(self, name="here", direction="up", endpoint=None, **folder):
        """An installation whose requests go through the proxy, unless `endpoint` says otherwise."""
        machine = Machine(
            self.setting.binary,
            self.place / name,
            self.server.credentials,
            endpoint or self.proxy.endpoint,
            **{"bucket": self.bucket, "direction": direction} | folder,
        )
        self.machines.append(machine)
        return machine

    # What the bucket holds.

    def listing(self, prefix=b""):
        """{path below the prefix: (size, ETag)} of all objects."""
        objects = self.s3.list(self.bucket, prefix)
        return {key[len(prefix) :]: (listed.size, listed.etag) for key, listed in objects.items()}

    def keys(self):
        return sorted(self.s3.list(self.bucket))

    def assert_bucket_equals(self, root, prefix=b"", without=()):
        tree = trees.snapshot(root, mtimes=False, modes=False)
        found = self.listing(prefix)
        expected = {name: (facts.size, facts.md5) for name, facts in tree.items() if name not in without}
        # An object that travelled in parts has another ETag than one that was put whole.
        for name in expected:
            if "-" in found.get(name, (0, ""))[1]:
                expected[name] = (expected[name][0], trees.etag(root, name))
        self.assert_equal_trees(expected, found, "the bucket")

    def assert_same_tree(self, expected_root, found_root, **what):
        expected = trees.snapshot(expected_root, **what)
        self.assert_equal_trees(expected, trees.snapshot(found_root, **what), str(found_root))

    def assert_equal_trees(self, expected, found, place):
        lines = trees.differences(expected, found)
        if lines:
            self.fail(f"{place} differs:\n  " + "\n  ".join(lines))

    # What a cycle did.

    def assert_idle(self, machine):
        """The next cycle finds nothing to do: it sends nothing but listings, by its own count and by the proxy's."""
        self.proxy.forget()
        run = machine.once()
        self.assertEqual(set(run.requests), {"LIST"}, f"by syncd's own count\n{run}")
        self.assertEqual(self.proxy.counts, run.requests, f"by the proxy's count\n{run}")
        self.assertTrue(run.folder["inSync"], run)
        self.assertEqual(run.cycle["result"], "inSync", run)
        return run

    def assert_counts(self, run, **expected):
        """The cycle's own counts; what is not named must be 0."""
        names = ["uploaded", "downloaded", "deletedLocal", "deletedRemote"]
        counts = {name: run.cycle[name] for name in names}
        self.assertEqual(counts, dict.fromkeys(names, 0) | expected, run)

    def assert_nothing_changed(self, kinds=("PUT", "POST", "DELETE")):
        """No request since the last `proxy.forget()` changed anything in the bucket."""
        changing = {kind: count for kind, count in self.proxy.counts.items() if kind in kinds}
        self.assertEqual(changing, {}, "requests that change the bucket")

    def problems(self, run):
        """{path: kind} of the first folder; the path in bytes, exactly."""
        return {
            base64.b64decode(problem["pathBase64"]) if "pathBase64" in problem else problem["path"].encode():
            problem["kind"]
            for problem in run.folder["problems"]
        }  # fmt: skip

    def wait_for(self, condition, what, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"{what}: not in {seconds} s")
            time.sleep(0.02)

    # Other tools.

    def tool(self, *command):
        """Runs a tool of the virtual environment against the server itself, and expects it to succeed."""
        credentials = self.server.credentials
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.place),
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.server.endpoint,
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_S_TYPE": "s3",
            "RCLONE_CONFIG_S_PROVIDER": "SeaweedFS",
            "RCLONE_CONFIG_S_ENV_AUTH": "true",
            "RCLONE_CONFIG_S_ENDPOINT": self.server.endpoint,
            "RCLONE_CONFIG_S_LIST_URL_ENCODE": "true",
        }
        command = [str(self.setting.tools / command[0]), *map(os.fspath, command[1:])]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=180, check=False)
        if done.returncode != 0:
            self.fail(f"{command} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')[-2_000:]}")
        return done.stdout.decode(errors="replace")

    def rclone_check(self, root, prefix=""):
        """rclone compares every file's MD5 with its object's, both ways."""
        # What syncd keeps at the root is no part of the tree; twins in NFC and NFD are two files.
        options = ["--no-unicode-normalization", "--exclude=/.syncd*/**", "--exclude=/.syncd*"]
        self.tool("rclone", "check", root, f"s:{self.bucket}/{prefix}", *options)
