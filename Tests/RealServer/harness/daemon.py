"""`syncd run` under test: started, asked through its socket, and looked at through /proc."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse

from .case import RealServerCase
from .machine import FOLDER_KEYS, PENDING_KEYS, STATES

END_SECONDS = 10
# What a change may take until the bucket has it: generous, as the machine may be busy with other tests.
SOON_SECONDS = 8


class ControlConnection(http.client.HTTPConnection):
    """HTTP over the Unix socket of a state directory, whose path may be longer than an address holds."""

    def __init__(self, directory, timeout=30):
        super().__init__("syncd", timeout=timeout)
        self.directory = directory

    def connect(self):
        self.sock = connect(self.directory, self.timeout)


def connect(directory, timeout=30):
    """A raw connection to the control socket."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(f"/proc/self/fd/{descriptor}/control.sock")
        return connection
    finally:
        os.close(descriptor)


class Daemon:
    """A running daemon. Its log goes to a file beside the state directory."""

    def __init__(self, machine, environment=None, arguments=(), wrapper=()):
        """`wrapper` is a command that becomes syncd."""
        self.machine = machine
        self.log_path = machine.place / "daemon.log"
        self._log_begin = self.log_path.stat().st_size if self.log_path.exists() else 0
        command = [*wrapper, *machine.prefix, machine.binary, "run", *arguments, "--config", str(machine.config)]
        base = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(machine.home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "SWIFT_BACKTRACE": "enable=no",
            # Whatever machine runs the tests, nothing is to be asked beyond it.
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=base | (environment or {}),
                cwd=machine.home,
            )

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        """What this process has logged."""
        with open(self.log_path, "rb") as file:
            file.seek(self._log_begin)
            return file.read().decode("utf-8", "replace")

    def lines(self, *words):
        """Lines of the log that hold one of these words."""
        return [line for line in self.log.splitlines() if any(word in line for word in words)]

    # Asking.

    def ask(self, method, place, timeout=30, **query):
        """One request to the control socket. - Returns: status and body."""
        connection = ControlConnection(self.machine.state, timeout)
        try:
            target = place + ("?" + urllib.parse.urlencode(query) if query else "")
            connection.request(method, target)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def status(self):
        status, body = self.ask("GET", "/status")
        if status != 200:
            raise AssertionError(f"/status answered {status}: {body[:500]}")
        return json.loads(body)

    def folder(self, name=None):
        """What the daemon says of one folder: the first, where none is named."""
        folders = self.status()["folders"]
        return next(folder for folder in folders if name in (None, folder["name"]))

    def metrics(self):
        """The samples of the metrics, {name and labels as printed: value}."""
        _, body = self.ask("GET", "/metrics")
        samples = {}
        for line in body.decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def requests(self, folder="files"):
        """Requests to the service so far, by the daemon's own count."""
        prefix = f'syncd_requests_total{{folder="{folder}"'
        return sum(value for name, value in self.metrics().items() if name.startswith(prefix))

    @property
    def answers(self):
        try:
            return self.ask("GET", "/status", timeout=5)[0] == 200
        except OSError:
            return False

    # What it costs.

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mebibytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1_024

    # The end.

    def terminate(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=END_SECONDS + 5):
        return self.process.wait(seconds)

    def kill(self):
        """As `kill -9`."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class DaemonCase(RealServerCase):
    """A test of `syncd run`. Daemons that a test leaves running are killed, and their logs checked for the secret."""

    def setUp(self):
        super().setUp()
        self.daemons = []
        self.addCleanup(self._end_daemons)

    def _end_daemons(self):
        for daemon in self.daemons:
            crashed = daemon.process.poll()
            daemon.kill()
            self.assertNotIn(crashed, [-number for number in (4, 5, 6, 7, 11)], daemon.log)
            self.assertNotIn(self.server.credentials.secret_key, daemon.log, "the log holds the secret key")

    def start_daemon(self, machine, ready=True, **options):
        """Starts a daemon with the machine's configuration, and waits until it answers and its folders are settled."""
        machine.write_config()
        daemon = Daemon(machine, **options)
        self.daemons.append(daemon)
        self.wait_until_answering(daemon)
        if ready:
            self.wait_for(lambda: self.has_cycled(daemon), "the first cycles")
        return daemon

    def wait_until_answering(self, daemon, seconds=30):
        def answering():
            self.assertIsNone(daemon.process.poll(), f"the daemon ended:\n{daemon.log}")
            return daemon.answers

        self.wait_for(answering, "an answer of the daemon", seconds)

    @staticmethod
    def has_cycled(daemon):
        folders = daemon.status()["folders"]
        return all(folder["lastCycle"] and folder["state"] not in ("scanning", "transferring") for folder in folders)

    def up(self, name="up", **folder):
        """An installation whose intervals are too long to matter, unless a test says otherwise."""
        intervals = {"scanInterval": "1h", "listInterval": "1h", "deleteDelay": "2s"}
        return self.machine(name, "up", **{"delete": True} | intervals | folder)

    def look_again(self, daemon, name="files"):
        """Has a whole cycle begin and end."""
        # The first to end may have been under way.
        for _ in range(2):
            before = self.cycles(daemon, name)
            daemon.machine.run("sync", name, expect=0)
            self.wait_for(lambda before=before: self.cycles(daemon, name) > before, "another cycle")

    @staticmethod
    def cycles(daemon, name):
        return daemon.metrics()[f'syncd_cycles_total{{folder="{name}"}}']

    def end(self, daemon, number=signal.SIGTERM, code=0):
        """Ends a daemon as a service manager does, in time."""
        begun = time.monotonic()
        daemon.terminate(number)
        self.assertEqual(daemon.wait(), code, daemon.log)
        took = time.monotonic() - begun
        self.assertLess(took, END_SECONDS, daemon.log)
        return took

    # Waiting for the bucket.

    def holds(self, key, data=None, prefix=b""):
        """Whether the bucket holds an object, with this content where one is named."""
        key = key.encode() if isinstance(key, str) else key
        found = self.s3.get(self.bucket, prefix + key) if self.s3.head(self.bucket, prefix + key) else None
        if data is None:
            return found is not None
        return found == (data.encode() if isinstance(data, str) else data)

    def wait_for_object(self, key, data=None, seconds=SOON_SECONDS, prefix=b""):
        """- Returns: how long it took."""
        begun = time.monotonic()
        self.wait_for(lambda: self.holds(key, data, prefix), f"{key!r} in the bucket", seconds)
        return time.monotonic() - begun

    def wait_until_gone(self, key, seconds=SOON_SECONDS):
        begun = time.monotonic()
        key = key.encode() if isinstance(key, str) else key
        self.wait_for(lambda: self.s3.head(self.bucket, key) is None, f"{key!r} gone", seconds)
        return time.monotonic() - begun

    def wait_for_state(self, daemon, state, name=None, seconds=SOON_SECONDS):
        return self._wait_for_folder(daemon, name, lambda folder: folder["state"] == state, f"state {state}", seconds)

    def wait_until_in_sync(self, daemon, name=None, seconds=30):
        return self._wait_for_folder(daemon, name, lambda folder: folder["inSync"], "in sync", seconds)

    def _wait_for_folder(self, daemon, name, condition, what, seconds):
        """- Returns: how long it took."""
        begun = time.monotonic()
        try:
            self.wait_for(lambda: condition(daemon.folder(name)), what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {daemon.folder(name)}\n{daemon.log}") from None
        return time.monotonic() - begun

    def tell(self, text):
        """A figure that was measured, for whoever reads the run."""
        print(f"        {text}", flush=True)

    # What a status of a daemon must have.

    def assert_status_contract(self, document):
        for folder in document["folders"]:
            self.assertEqual(sorted(folder), sorted(FOLDER_KEYS))
            self.assertIn(folder["state"], STATES)
            self.assertEqual(sorted(folder["pending"]), sorted(PENDING_KEYS))
