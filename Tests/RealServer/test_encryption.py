"""Objects under a key of the operator's own, and what is remembered of a service."""

import base64
import json
import os
import subprocess

from harness import trees
from harness.case import RealServerCase

LARGE = 17 << 20
ODD = "back\\slash"


class CustomerKeyTests(RealServerCase):
    """SSE-C: the service keeps no copy of the key, so nobody reads the objects without it."""

    def setUp(self):
        super().setUp()
        self.key = self.place / "key"
        self.key.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
        self.key.chmod(0o600)

    def encrypted(self, name, direction):
        return self.machine(name, direction=direction, encryption="customer", customerKeyFile=str(self.key))

    def test_a_mirror_up_and_down_under_the_operators_own_key(self):
        up = self.encrypted("up", "up")
        trees.write(up.root, "small", "content")
        trees.write(up.root, "large", trees.large_content(LARGE))
        run = up.once()
        self.assert_counts(run, uploaded=2)
        self.assert_idle(up)
        down = self.encrypted("down", "down")
        self.assert_counts(down.once(), downloaded=2)
        self.assertEqual(trees.snapshot(down.root), trees.snapshot(up.root))
        self.assert_idle(down)
        secret = self.key.read_text().strip()
        self.assertNotIn(secret, run.out + run.err)

    def test_without_the_key_nothing_is_read_and_nothing_is_lost(self):
        up = self.encrypted("up", "up")
        trees.write(up.root, "small", "content")
        up.once()
        down = self.machine("down", direction="down")
        run = down.once(expect=3)
        self.assertEqual(len(run.folder["problems"]), 1)
        self.assertEqual(trees.snapshot(down.root), {})

    def test_the_connector_takes_the_key_as_a_file(self):
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.place),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": self.server.credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.credentials.secret_key,
            "AWS_ENDPOINT_URL": self.proxy.endpoint,
        }

        def say(*arguments, data=b""):
            command = [str(self.setting.binary), *arguments]
            done = subprocess.run(command, env=environment, input=data, capture_output=True, check=False)
            return done.returncode, done.stdout

        address = f"s3://{self.bucket}/k"
        option = ("--customer-key-file", str(self.key))
        self.assertEqual(say("put", "-", address, *option, data=b"secret")[0], 0)
        self.assertEqual(say("get", address, "-", *option), (0, b"secret"))
        self.assertEqual(say("stat", address, *option)[0], 0)
        self.assertEqual(say("get", address, "-")[0], 1)
        self.key.chmod(0o644)
        self.assertEqual(say("stat", address, *option)[0], 64)


class PolicyOfKeysTests(RealServerCase):
    def test_a_key_of_kms_is_in_the_policy_by_its_arn_and_else_is_told(self):
        machine = self.machine(encryption="aws:kms", kmsKeyId="arn:aws:kms:eu-west-1:1:key/k")
        run = machine.run("policy", expect=0)
        self.assertIn("arn:aws:kms:eu-west-1:1:key/k", run.out)
        self.assertEqual(run.err, "")
        machine.folder["kmsKeyId"] = "alias/backup"
        run = machine.run("policy", expect=0)
        self.assertNotIn("kms:", run.out)
        self.assertIn("not named by its ARN", run.err)


class RememberedCapabilitiesTests(RealServerCase):
    def test_a_service_is_tried_once_and_check_tells_what_was_seen(self):
        machine = self.machine()
        trees.write(machine.root, ODD, "content")
        machine.once(expect=3)
        self.assertEqual(self.keys(), [], "the probes are gone")
        self.proxy.forget()
        trees.write(machine.root, "other\\name", "content")
        machine.once(expect=3)
        self.assertEqual(self.proxy.counts.get("PUT", 0), 0, "it was tried again")
        checks = json.loads(machine.run("check", "--json").out)["checks"]
        found = next(check for check in checks if check["check"] == "capabilities")
        self.assertIn("(seen ", found["detail"])
        self.assertEqual(found["capabilities"]["backslashes"], "no")
        self.assertEqual(found["capabilities"]["crc64nvme"], "yes")

    def test_checksums_go_in_the_md5s_place_once_they_were_seen_to_be_compared(self):
        machine = self.machine()
        trees.write(machine.root, ODD, "content")
        machine.once(expect=3)
        self.proxy.forget()
        trees.write(machine.root, "plain", "content")
        machine.once(expect=3)
        puts = [request for request in self.proxy.requests if request.kind == "PUT"]
        self.assertEqual(len(puts), 1)
        self.assertTrue(puts[0].checksum, "it went with an MD5")
        self.assertEqual(self.s3.get(self.bucket, b"plain"), b"content")

    def test_the_operators_word_spares_the_trial(self):
        machine = self.machine()
        machine.connection["provider"] = "seaweedfs"
        trees.write(machine.root, ODD, "content")
        machine.once(expect=3)
        self.assertEqual(self.proxy.counts.get("PUT", 0), 0)
