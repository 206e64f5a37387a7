"""Where keys come from: each place with a stand-in for whoever lends them, their renewal, and what is told of them."""

import json
import os
import stat

from harness import trees
from harness.case import RealServerCase
from harness.daemon import DaemonCase
from harness.lender import ROLE, ROLES_PATH, Lender
from harness.memoryserver import MemoryServer
from harness.s3client import Credentials

WRONG = Credentials("AKWRONGWRONGWRONG000", "wrong/secret+canary")


class LentKeysCase(DaemonCase):
    """The configuration has no keys."""

    def setUp(self):
        super().setUp()
        self.here = self.up("here")
        for key in ("accessKeyId", "secretAccessKey"):
            del self.here.connection[key]
        trees.write_many(self.here.root, 3)
        self.keys = self.server.credentials

    def lender(self, *keys, **options):
        lender = Lender(*keys or [self.keys], **options)
        self.addCleanup(lender.close)
        return lender

    def aws_file(self, name, text):
        path = self.here.home / ".aws" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def profile_text(self, keys, name="default"):
        return f"[{name}]\naws_access_key_id = {keys.access_key}\naws_secret_access_key = {keys.secret_key}\n"

    def assert_mirrors(self, environment=None, origin=""):
        """A cycle works, and `check` names the place and not the secret."""
        run = self.here.run("--once", "--json", expect=0, environment=environment)
        self.assertTrue(run.folder["inSync"], run)
        self.assert_bucket_equals(self.here.root)
        check = self.here.run("check", "--json", expect=0, environment=environment)
        found = next(one for one in json.loads(check.out)["checks"] if one["check"] == "credentials")
        self.assertIn(origin, found["detail"])
        self.assertIn(f"{self.keys.access_key[:4]}…{self.keys.access_key[-4:]}", found["detail"])
        return run


class PlaceTests(LentKeysCase):
    def test_a_profile(self):
        self.aws_file("credentials", self.profile_text(self.keys))
        self.assert_mirrors(origin='profile "default"')

    def test_a_profile_by_name(self):
        self.aws_file("credentials", self.profile_text(WRONG) + self.profile_text(self.keys, "night"))
        self.here.connection["profile"] = "night"
        self.assert_mirrors(origin='profile "night"')
        del self.here.connection["profile"]
        self.assert_mirrors({"AWS_PROFILE": "night"}, origin='profile "night"')

    def test_a_command(self):
        keys = {"Version": 1, "AccessKeyId": self.keys.access_key, "SecretAccessKey": self.keys.secret_key}
        script = self.here.home / "lend keys"
        script.write_text(f"#!/bin/sh\necho noise >&2\necho '{json.dumps(keys)}'\n")
        script.chmod(0o700)
        self.aws_file("config", f"[default]\ncredential_process = '{script}' --quietly\n")
        self.assert_mirrors(origin="credential_process")
        script.write_text("#!/bin/sh\nexit 3\n")
        run = self.here.run("--once", expect=77)
        self.assertIn("credential_process ended with", run.err)

    def test_a_stop_while_a_command_hangs_is_a_stop_and_no_refusal(self):
        begun = self.here.home / "begun"
        os.mkfifo(begun)
        self.aws_file("config", f"[default]\ncredential_process = echo x > '{begun}'; sleep 60\n")
        running = self.here.start_once()
        # Opening it waits for the command.
        begun.read_text()
        running.terminate()
        run = running.wait(expect=1)
        self.assertNotIn("credential_process", run.err)

    def test_a_role_for_the_keys_of_another_profile(self):
        base = Credentials("AKBASEBASEBASEBASE00", "base/secret+key")
        lender = self.lender(base=base)
        self.aws_file("credentials", self.profile_text(base, "base"))
        self.aws_file("config", f"[profile work]\nrole_arn = {ROLE}\nsource_profile = base\n")
        self.here.connection["profile"] = "work"
        self.assert_mirrors({"AWS_ENDPOINT_URL_STS": lender.endpoint}, origin=f"role {ROLE}")
        self.assertEqual(lender.faults, [])
        self.assertEqual(set(lender.requests), {"AssumeRole"})
        lender.status = 403
        run = self.here.run("--once", environment={"AWS_ENDPOINT_URL_STS": lender.endpoint}, expect=77)
        self.assertIn("AccessDenied: not for you", run.err)

    def test_a_token_of_the_machines_identity(self):
        lender = self.lender()
        token = self.place / "token"
        token.write_text(lender.token + "\n")
        environment = {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
            "AWS_ROLE_ARN": ROLE,
            "AWS_ENDPOINT_URL_STS": lender.endpoint,
        }
        self.assert_mirrors(environment, origin="web identity")
        self.assertEqual(lender.faults, [])

    def test_a_container(self):
        lender = self.lender()
        lender.authorization = "let me in"
        token = self.place / "token"
        token.write_text("let me in\n")
        environment = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{lender.endpoint}/v1/keys",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
        }
        self.assert_mirrors(environment, origin="the container")
        self.assertEqual(lender.faults, [])
        self.assertEqual(set(lender.requests), {"/v1/keys"})

    def test_an_instance(self):
        lender = self.lender()
        environment = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": lender.endpoint}
        self.assert_mirrors(environment, origin="instance role web")
        self.assertEqual(lender.faults, [])
        self.assertEqual(lender.requests[:3], ["token", ROLES_PATH, ROLES_PATH + "web"])

    def test_no_place_at_all(self):
        run = self.here.run("--once", expect=78)
        self.assertIn("connection: no credentials", run.err)
        run = self.here.run("check", expect=78)
        self.assertIn("there are none", run.out)

    def test_a_profile_that_is_not_there_is_a_fault_of_the_configuration(self):
        self.here.connection["profile"] = "nihgt"
        run = self.here.run("--once", expect=78)
        self.assertIn('connection: profile "nihgt" is not there', run.err)


class RenewalTests(LentKeysCase):
    def container(self, lender):
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{lender.endpoint}/v1/keys"}

    def test_refused_keys_are_asked_for_once_more(self):
        lender = self.lender(WRONG, self.keys)
        run = self.here.run("--once", "--json", environment=self.container(lender), expect=0)
        self.assertTrue(run.folder["inSync"], run)
        self.assertEqual(len(lender.requests), 2)

    def test_keys_that_stay_refused_end_the_cycle_with_one_line(self):
        trees.write_many(self.here.root, 200, prefix="more")
        lender = self.lender(WRONG)
        run = self.here.run("--once", environment=self.container(lender), expect=77)
        self.assertEqual(len([line for line in run.err.splitlines() if "InvalidAccessKeyId" in line]), 1, run)
        self.assertLessEqual(len(lender.requests), 2, "the lender is not asked for every request")

    def test_short_lived_keys_are_renewed_while_the_daemon_runs(self):
        lender = self.lender(life_seconds=40)
        daemon = self.start_daemon(self.here, environment=self.container(lender))
        self.wait_until_in_sync(daemon)
        asked = len(lender.requests)

        def renewed():
            self.assertEqual(self.here.run("sync", expect=0).code, 0)
            return len(lender.requests) > asked

        self.wait_for(renewed, "new keys before the old ones end", seconds=60)
        trees.write(self.here.root, "later", "with new keys", mtime_ns=None)
        self.wait_for_object("later")

    def test_a_lender_that_is_away_stops_nothing_before_the_keys_end(self):
        lender = self.lender()
        daemon = self.start_daemon(self.here, environment=self.container(lender))
        self.wait_until_in_sync(daemon)
        lender.close()
        trees.write(self.here.root, "later", "with the same keys", mtime_ns=None)
        self.wait_for_object("later")

    def test_a_daemon_takes_the_keys_that_a_profile_has_now(self):
        path = self.aws_file("credentials", self.profile_text(WRONG))
        daemon = self.start_daemon(self.here, ready=False)
        self.wait_for_state(daemon, "failing")
        lines = daemon.lines("InvalidAccessKeyId", "credentials")
        self.assertEqual(len(lines), 1, daemon.log)
        path.write_text(self.profile_text(self.keys))

        def in_sync():
            self.here.run("sync", expect=0)
            return daemon.folder()["inSync"]

        self.wait_for(in_sync, "a cycle with the new keys", seconds=40)
        self.assert_bucket_equals(self.here.root)


class ConnectionsTests(RealServerCase):
    def test_one_process_mirrors_to_several_services(self):
        memory = MemoryServer()
        self.addCleanup(memory.close)
        here = self.machine()
        other = here.place / "other"
        other.mkdir()
        trees.write_many(here.root, 3)
        trees.write_many(other, 2, prefix="other")
        here.top = {
            "connections": {
                "second": {"accessKeyId": "AK", "secretAccessKey": "other/secret", "endpoint": memory.endpoint}
            }
        }
        second = {"name": "second", "path": str(other), "bucket": "elsewhere", "connection": "second"}
        here.folders = [here.folder, second]
        run = here.run("--once", "--json", expect=0)
        self.assertTrue(all(folder["inSync"] for folder in run.document["folders"]), run)
        self.assertEqual(len(self.listing()), 3)
        self.assertEqual(sorted(memory.objects), [b"other000.txt", b"other001.txt"])
        check = here.run("check", expect=0)
        self.assertIn("credentials second", check.out)
        self.assertIn(memory.endpoint, check.out)

    def test_secrets_of_named_connections_are_kept_as_well(self):
        here = self.machine()
        here.top = {"connections": {"second": {"accessKeyId": "AK", "secretAccessKey": "other/secret"}}}
        here.write_config()
        here.config.chmod(0o644)
        self.assertTrue(here.config.stat().st_mode & stat.S_IROTH)
        run = here.start("--once").wait(expect=78)
        self.assertIn("secretAccessKey: stands in a file that others can reach", run.err)
