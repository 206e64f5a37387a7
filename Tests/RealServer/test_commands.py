"""The command line itself: usage, output, and a state directory that is not as it should be."""

import json
import os
import subprocess

from harness import trees
from harness.case import RealServerCase


class UsageTests(RealServerCase):
    def say(self, *arguments, expect):
        machine = self.machine(f"m{len(self.machines)}")
        machine.write_config()
        return machine.start(*arguments).wait(expect)

    def test_help_and_version(self):
        self.assertIn("syncd --once", self.say("--help", expect=0).out)
        self.assertRegex(self.say("--version", expect=0).out, r"^syncd \d+\.\d+\.\d+\n$")
        for command in ("plan", "status", "verify", "approve"):
            self.assertIn("Examples:", self.say(command, "--help", expect=0).out)

    def test_what_is_no_command_line_is_64(self):
        wrong = [
            ("--onec",), ("frobnicate",), ("plan", "one", "two"), ("approve",), ("--once", "plan"), ("--once", "files"),
            ("--dry-run",), ("--quiet",), ("--once", "verify"), ("--read",),
        ]  # fmt: skip
        for arguments in wrong:
            with self.subTest(" ".join(arguments)):
                run = self.say(*arguments, expect=64)
                self.assertEqual(run.out, "")
                self.assertTrue(run.err.startswith("syncd: "), run)

    def test_a_folder_that_is_not_in_the_configuration(self):
        machine = self.machine()
        for command in ("plan", "status", "verify", "approve"):
            run = machine.run(command, "fiels", expect=64)
            self.assertIn('did you mean "files"?', run.err)

    def test_a_dry_run_is_a_plan(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        plan = machine.run("plan", expect=2)
        dry = machine.run("--once", "--dry-run", expect=2)
        self.assertEqual(dry.out, plan.out)
        self.assertEqual(self.keys(), [])


class PolicyTests(RealServerCase):
    def test_the_policy_of_a_configuration_is_json_and_needs_no_server(self):
        machine = self.machine(prefix="photos", delete=True, endpoint="http://127.0.0.1:1")
        policy = json.loads(machine.run("policy", expect=0).out)
        actions = {action for statement in policy["Statement"] for action in statement["Action"]}
        self.assertIn("s3:DeleteObject", actions)
        conditions = [statement["Condition"] for statement in policy["Statement"] if "Condition" in statement]
        self.assertEqual(conditions, [{"StringLike": {"s3:prefix": ["photos/*"]}}])
        reading = json.loads(machine.run("policy", "--read-only", expect=0).out)
        self.assertFalse([one for one in reading["Statement"] if "s3:PutObject" in one["Action"]])

    def test_a_bucket_needs_no_configuration(self):
        machine = self.machine()
        command = [machine.binary, "policy", "--bucket", "family", "--read-only"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin"})
        self.assertIn("arn:aws:s3:::family/*", done.stdout)


class OutputTests(RealServerCase):
    def test_quiet_says_nothing_of_what_went_well(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        run = machine.run("--once", "--quiet", expect=0)
        self.assertEqual((run.out, run.err), ("", ""))

    def test_names_cannot_steer_the_terminal(self):
        machine = self.machine()
        name = b"evil\x1b[2J\n\rsyncd: all is well\x07\xff"
        trees.write(machine.root, name, "x")
        for arguments in (("plan",), ("--once",), ("status",), ("status", "--problems")):
            run = machine.run(*arguments)
            shown = run.out + run.err
            for character in "\x1b\r\x07":
                self.assertNotIn(character, shown, run)
            self.assertNotIn("\nsyncd: all is well", shown, run)
        run = machine.once(expect=3)
        self.assertEqual(self.problems(run), {name: "name"})

    def test_the_log_keeps_the_secret_and_stays_on_standard_error(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        self.proxy.fault("PUT", times=1, status=500)
        run = machine.run("--once", "--json", "--verbose", expect=0)
        self.assertEqual(run.document["folders"][0]["inSync"], True)
        self.assertNotEqual(run.err, "")
        machine.connection["secretAccessKey"] = machine.credentials.secret_key + "x"
        machine.run("--once", "--verbose", expect=77)

    def test_json_is_one_object_whatever_happens(self):
        machine = self.machine(delete=True)
        trees.write_many(machine.root, 12)
        machine.once()
        self.proxy.fault("LIST", status=403, code="AccessDenied")
        machine.once(expect=1)
        self.proxy.heal()
        machine.root.rename(machine.place / "away")
        machine.once(expect=4)
        self.assertEqual(machine.plan(expect=4).document["folders"][0]["halt"]["command"], None)

    def test_a_reader_that_goes_away_does_not_kill_the_cycle(self):
        machine = self.machine()
        trees.write_many(machine.root, 30)
        machine.write_config()
        running = machine.start("--once", "--json")
        running.process.stdout.close()
        running.process.stdout = None
        self.assertGreaterEqual(running.wait().code, 0)
        self.assert_bucket_equals(machine.root)

    def test_the_first_of_several_causes_is_the_exit_code(self):
        good, missing = self.machine("good"), self.machine("missing")
        trees.write(good.root, b"not \xff UTF-8", "x")
        missing.root.rmdir()
        good.folders = [good.folder | {"prefix": "a"}, missing.folder | {"name": "missing", "prefix": "b"}]
        run = good.once(expect=4)
        states = [folder["state"] for folder in run.document["folders"]]
        self.assertEqual(states, ["idle", "halted"])
        good.folders.append(good.folder | {"name": "gone", "path": str(good.home), "bucket": "no-such-bucket-here"})
        self.assertEqual(len(good.once(expect=4).document["folders"]), 3)


class StateTests(RealServerCase):
    def test_a_state_directory_that_cannot_be_made(self):
        machine = self.machine()
        machine.state = machine.config / "beneath a file"
        run = machine.run("--once", expect=1)
        self.assertIn("stateDirectory", run.err)

    def test_the_state_is_for_its_owner_alone(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        machine.once()
        self.assertEqual(os.stat(machine.state).st_mode & 0o777, 0o700)
        for path in machine.state.iterdir():
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)

    def test_a_status_that_is_damaged_is_no_obstacle(self):
        machine = self.machine()
        trees.write_many(machine.root, 2)
        machine.once()
        (machine.state / "status.json").write_text('{"version":')
        machine.run("status", "--json")
        self.assert_idle(machine)
        self.assertEqual(machine.status().folder["inSync"], True)

    def test_an_index_that_is_damaged_is_told_and_destroys_nothing(self):
        machine = self.machine(delete=True)
        trees.write_many(machine.root, 12)
        machine.once()
        before = self.keys()
        databases = [path for path in machine.state.iterdir() if path.read_bytes()[:15] == b"SQLite format 3"]
        self.assertEqual(len(databases), 1)
        for damage in (b"no database at all" * 500, databases[0].read_bytes()[:5_000]):
            databases[0].write_bytes(damage)
            run = machine.once()
            self.assertIn(f"the index {databases[0]} was damaged", run.err, "the message names the file")
            self.assert_counts(run)
            self.assertEqual(self.keys(), before)

    def test_a_lost_state_directory_costs_no_transfer(self):
        up = self.machine("up", delete=True)
        trees.write_many(up.root, 12)
        up.once()
        trees.remove(up.state, "")
        self.proxy.forget()
        self.assert_counts(up.once())
        self.assert_nothing_changed()
        down = self.machine("down", direction="down", delete=True)
        down.once()
        trees.remove(down.state, "")
        self.proxy.forget()
        self.assert_counts(down.once())
        self.assertNotIn("GET", self.proxy.counts)

    def test_another_bucket_for_the_same_folder_is_another_pair(self):
        machine = self.machine(delete=True)
        trees.write_many(machine.root, 12)
        machine.once()
        machine.folder["prefix"] = "elsewhere"
        self.assertEqual(machine.status().folder["lastCycle"], None)
        self.assert_counts(machine.once(), uploaded=12)
        self.assertEqual(len(self.keys()), 24)
