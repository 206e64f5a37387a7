"""Bad configurations, wrong keys, absent servers: a clear word, the right exit code, and nothing lost."""

import json
import socket
import time

from harness import trees
from harness.case import RealServerCase


class ConfigurationTests(RealServerCase):
    def complain(self, text, *words):
        machine = self.machine(f"m{len(self.machines)}")
        machine.write_config_text(text if isinstance(text, str) else json.dumps(text))
        run = machine.start("--once").wait(expect=78)
        for word in words:
            self.assertIn(word, run.err, run)

    def value(self, machine=None, **changes):
        folder = {"name": "files", "path": str(self.place / "root"), "bucket": self.bucket} | changes
        return {"folders": [folder], "stateDirectory": str(self.place / "state")}

    def test_malformed_json_is_told_by_line_and_column(self):
        self.complain('{\n  "folders": [,]\n}', "line 2, column 15")

    def test_unknown_and_missing_keys(self):
        self.complain(self.value(direktion="up"), "folders[0].direktion", 'did you mean "direction"?')
        self.complain({"folders": [{"name": "x", "path": "/x"}]}, "folders[0].bucket: is missing")
        self.complain({}, "folders: is missing")

    def test_wrong_types_durations_and_choices(self):
        self.complain(self.value(delete="yes"), "folders[0].delete")
        self.complain(self.value(scanInterval="15 minutes"), "folders[0].scanInterval")
        self.complain(self.value(direction="both", delete=False), "folders[0].delete", "deletes always travel")
        self.complain(self.value(conflict="local"), "folders[0].conflict", 'goes with "direction": "both"')
        self.complain(self.value(maxDeletePercent=101), "folders[0].maxDeletePercent", "0 to 100")
        self.complain(self.value() | {"uploadBytesPerSecond": "8 MB"}, "uploadBytesPerSecond")

    def test_overlaps(self):
        value = self.value()
        value["folders"].append(value["folders"][0] | {"name": "inner", "path": value["folders"][0]["path"] + "/in"})
        self.complain(value, "folders[1]")
        self.complain(self.value() | {"stateDirectory": str(self.place / "root" / "state")}, "stateDirectory")
        value = self.value()
        value["folders"].append({"name": "other", "path": "/srv/other", "bucket": self.bucket, "prefix": "in"})
        self.complain(value, "folders[1].prefix", "two folders cannot share objects")
        value["folders"][1] = value["folders"][0] | {"prefix": "in"}
        self.complain(value, "folders[1].name", "is the name of folders[0] already")
        (self.place / "root").mkdir()
        (self.place / "link").symlink_to(self.place / "root")
        value["folders"][1] |= {"name": "other", "path": str(self.place / "link" / "inner"), "bucket": "other"}
        self.complain(value, "folders[1].path: lies inside the root of folders[0]")
        self.complain(self.value(path=str(self.place)), "folders[0].path: holds this configuration file")

    def test_values_that_cannot_be_right(self):
        self.complain(self.value(name=""), "folders[0].name: is empty")
        self.complain(self.value(path="relative/path"), "folders[0].path", "not absolute")
        self.complain(self.value(prefix="a//b"), "folders[0].prefix", "empty segment")
        self.complain(self.value(exclude="*.tmp"), "folders[0].exclude", "must be a list")
        self.complain(self.value(bucket="no/bucket"), "folders[0].bucket", "is no bucket name")
        self.complain(self.value() | {"concurrency": 0}, "concurrency", "from 1 to 512")
        self.complain(self.value() | {"connection": {"endpoint": "ftp://x"}}, "connection.endpoint")
        self.complain(self.value() | {"connection": {"endpoint": "http://user:pw@x"}}, "connection.endpoint")
        self.complain("[]", "must be an object")
        self.complain("", "line 1, column 1")
        self.complain('{"folders": [], "folders": []}', "stands twice")
        self.complain(self.value(direction="upp", delete=1), "folders[0].direction", "folders[0].delete")

    def test_a_missing_file(self):
        machine = self.machine()
        run = machine.start("--once").wait(expect=78)
        self.assertIn("No such file", run.err)

    def test_a_secret_in_a_file_that_others_can_read(self):
        machine = self.machine()
        machine.write_config()
        machine.config.chmod(0o644)
        run = machine.start("--once").wait(expect=78)
        self.assertIn("secretAccessKey", run.err)


class ServiceTests(RealServerCase):
    def test_a_bucket_that_is_not_there(self):
        machine = self.machine(bucket="no-such-bucket-here")
        trees.write_many(machine.root, 2)
        run = machine.once(expect=1)
        self.assertIn("no-such-bucket-here", run.err)

    def test_wrong_keys(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        machine.connection["secretAccessKey"] = "x" * 40
        self.assertIn("SignatureDoesNotMatch", machine.once(expect=77).err)
        machine.connection["accessKeyId"] = "NOBODYATALL"
        machine.once(expect=77)

    def test_no_keys_at_all(self):
        machine = self.machine()
        del machine.connection["accessKeyId"], machine.connection["secretAccessKey"]
        self.assertIn("AWS_ACCESS_KEY_ID", machine.run("--once", expect=78).err)

    def test_an_endpoint_where_nobody_answers(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            machine = self.machine(endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}")
            trees.write_many(machine.root, 2)
            begun = time.monotonic()
            run = machine.once(expect=69)
        self.assertLess(time.monotonic() - begun, 60)
        self.assertIn("no answer", run.err)

    def test_a_server_that_fails_for_a_moment_is_asked_again(self):
        machine = self.machine()
        trees.write_many(machine.root, 10)
        self.proxy.fault("PUT", first=3, times=2, status=503, code="SlowDown")
        self.proxy.fault("LIST", times=1, close=True)
        self.assert_counts(machine.once(), uploaded=10)
        self.assert_bucket_equals(machine.root)

    def test_a_refused_upload_is_a_problem_and_stops_nothing_else(self):
        machine = self.machine()
        trees.write_many(machine.root, 5)
        self.proxy.fault("PUT", key=b"file002.txt", status=403, code="AccessDenied")
        run = machine.once(expect=3)
        self.assertEqual(self.problems(run), {b"file002.txt": "denied"})
        self.assert_counts(run, uploaded=4)
        self.assertIn("file002.txt", machine.run("status", "--problems", expect=0).out)
        self.proxy.heal()
        self.assert_counts(machine.once(), uploaded=1)

    def test_a_second_process_on_the_same_state_is_turned_away(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        fault = self.proxy.fault("LIST", hold=True)
        running = machine.start_once()
        fault.wait_until_reached()
        self.assertEqual(machine.status().document["running"], True)
        self.assertIn("another syncd", machine.run("--once", expect=75).err)
        machine.state, state = machine.place / "other-state", machine.state
        self.assertIn("another syncd", machine.run("--once", expect=75).err)
        machine.state = state
        fault.release()
        running.wait(expect=0)
        self.assertEqual(machine.status().document["running"], False)
