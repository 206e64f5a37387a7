"""syncd as a user runs it: one installation with a configuration, a state directory and a root, and what a run says."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

TIMEOUT_SECONDS = 180
NOBODY = 65_534

# The contract of `status --json`: scripts rely on every one of these keys.
DOCUMENT_KEYS = ["version", "running", "folders"]
FOLDER_KEYS = [
    "name", "path", "bucket", "prefix", "direction", "state", "inSync", "entries", "bytes", "pending", "skipped",
    "problems", "warnings", "halt", "lastCycle", "oldestUnsyncedSeconds", "watching", "capabilities",
    "guards",
]  # fmt: skip
PENDING_KEYS = ["uploads", "downloads", "deletes", "bytes"]
PROBLEM_KEYS = ["path", "kind", "message", "since"]
CYCLE_KEYS = [
    "startedAt", "finishedAt", "result", "uploaded", "downloaded", "deletedLocal", "deletedRemote", "bytesUp",
    "bytesDown", "requests",
]  # fmt: skip
STATES = ["idle", "scanning", "transferring", "paused", "halted", "failing"]


class Run:
    """What one command left: exit code, standard output, standard error."""

    def __init__(self, command, code, out, err):
        self.command = command
        self.code = code
        self.out = out
        self.err = err

    def __str__(self):
        shown = f"$ {shlex.join(self.command)}\nexit {self.code}"
        for name, text in (("out", self.out), ("err", self.err)):
            if text:
                shown += f"\n{name}: {text[:4_000].rstrip()}"
        return shown

    @property
    def document(self):
        """The one JSON object on standard output; anything beside it is a failure."""
        try:
            value = json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"standard output is not one JSON object ({error})\n{self}") from error
        if not isinstance(value, dict):
            raise AssertionError(f"standard output is no JSON object\n{self}")
        return value

    @property
    def folder(self):
        """The first folder of the document."""
        return self.document["folders"][0]

    @property
    def cycle(self):
        return self.folder["lastCycle"]

    @property
    def requests(self):
        """Requests of the cycle by class, without the classes that had none."""
        return {name: count for name, count in self.cycle["requests"].items() if count}


def document_faults(document):
    """What a `status --json` document lacks or has too much of, a line each."""
    faults = _key_faults("document", document, DOCUMENT_KEYS)
    for folder in document.get("folders", []):
        faults += _key_faults("folder", folder, FOLDER_KEYS)
        faults += _key_faults("pending", folder.get("pending") or {}, PENDING_KEYS)
        if folder.get("state") not in STATES:
            faults.append(f"state is {folder.get('state')!r}")
        for problem in folder.get("problems", []):
            faults += _key_faults("problem", problem, PROBLEM_KEYS, optional=["pathBase64"])
        if folder.get("halt") is not None:
            faults += _key_faults("halt", folder["halt"], ["reason", "command"])
        if folder.get("lastCycle") is not None:
            faults += _key_faults("lastCycle", folder["lastCycle"], CYCLE_KEYS)
            missing = {"LIST", "GET", "HEAD", "PUT", "DELETE"} - set(folder["lastCycle"].get("requests") or {})
            faults += [f"requests has no {name}" for name in sorted(missing)]
    return faults


def _key_faults(what, value, keys, optional=()):
    missing = [f"{what} has no key {key!r}" for key in keys if key not in value]
    return missing + [f"{what} has a key {key!r} too many" for key in value if key not in [*keys, *optional]]


class Running:
    """A command that has been started and not yet ended."""

    def __init__(self, machine, command, process):
        self.machine = machine
        self.command = command
        self.process = process
        # What was read of standard error before the end.
        self._complaints = b""

    def wait_for_complaint(self, text):
        """Reads standard error up to a line with this text."""
        while text.encode() not in self._complaints:
            line = self.process.stderr.readline()
            if not line:
                raise AssertionError(f"{shlex.join(self.command)} ended without {text!r}:\n{_text(self._complaints)}")
            self._complaints += line

    def wait(self, expect=None):
        """Waits for the end. - Returns: what it left; with `expect`, the exit code must be that one."""
        try:
            out, err = self.process.communicate(timeout=self.machine.timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            run = Run(self.command, "none: killed as it did not end", _text(out), _text(err))
            raise AssertionError(f"not done in {self.machine.timeout} s\n{run}") from None
        run = Run(self.command, self.process.returncode, _text(out), _text(self._complaints + err))
        self.machine.check(run)
        if expect is not None and run.code != expect:
            raise AssertionError(f"exit code {run.code}, expected {expect}\n{run}")
        return run

    def kill(self):
        """As `kill -9`: no chance to clean up."""
        self.process.kill()
        self.process.communicate()

    def terminate(self, number=signal.SIGTERM):
        self.process.send_signal(number)


def _text(data):
    return (data or b"").decode("utf-8", "replace")


class Machine:
    """One installation. `folder` holds what its configuration says of the one folder; change it at will, or give
    `folders` for several. Every run is checked for the secret key in what it prints."""

    def __init__(self, binary, place, credentials, endpoint, bucket, as_nobody=False, **folder):
        self.place = Path(place)
        self.credentials = credentials
        self.connection = {
            "accessKeyId": credentials.access_key,
            "secretAccessKey": credentials.secret_key,
            "region": "us-east-1",
            "endpoint": endpoint,
        }
        self.root = self.place / "root"
        self.state = self.place / "state"
        self.home = self.place / "home"
        self.config = self.place / "config.json"
        for directory in (self.root, self.home):
            directory.mkdir(parents=True)
        self.folder = {"name": "files", "path": str(self.root), "bucket": bucket, "direction": "up"} | folder
        self.folders = None
        self.top = {}
        self.binary = str(binary)
        self.prefix = []
        # Seconds that a command may take.
        self.timeout = TIMEOUT_SECONDS
        if as_nobody and os.geteuid() == 0:
            self._become_nobody()

    def _become_nobody(self):
        """Root may read everything, so what is about permissions runs as somebody else, with a binary they can reach."""
        binary = self.place / "syncd"
        shutil.copy(self.binary, binary)
        binary.chmod(0o755)
        self.binary = str(binary)
        self.prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        os.chown(self.place, NOBODY, NOBODY)
        os.chown(self.home, NOBODY, NOBODY)

    def give_root_away(self):
        """Makes the tree the property of whoever syncd runs as."""
        if not self.prefix:
            return
        os.chown(self.root, NOBODY, NOBODY)
        for directory, directories, files in os.walk(os.fsencode(self.root)):
            for name in directories + files:
                os.chown(os.path.join(directory, name), NOBODY, NOBODY, follow_symlinks=False)

    def write_config(self):
        folders = [self.folder] if self.folders is None else self.folders
        value = {"connection": self.connection, "stateDirectory": str(self.state), "folders": folders} | self.top
        self.write_config_text(json.dumps(value))

    def write_config_text(self, text):
        self.config.write_text(text)
        self.config.chmod(0o600)
        if self.prefix:
            os.chown(self.config, NOBODY, NOBODY)

    def start(self, *arguments, environment=None):
        """Starts a command with the configuration as it stands in the file."""
        command = [*self.prefix, self.binary, *arguments, "--config", str(self.config)]
        base = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            # A crash is to end the process, not to hold it for minutes while it looks for symbols.
            "SWIFT_BACKTRACE": "enable=no",
            # Whatever machine runs the tests, nothing is to be asked beyond it.
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=base | (environment or {}),
            cwd=self.home,
        )
        return Running(self, command, process)

    def run(self, *arguments, expect=None, environment=None):
        """Writes the configuration, and runs a command to its end."""
        self.write_config()
        return self.start(*arguments, environment=environment).wait(expect)

    def once(self, expect=0, *arguments):
        """One cycle, its answer in JSON."""
        run = self.run("--once", "--json", *arguments, expect=expect)
        faults = document_faults(run.document)
        if faults:
            raise AssertionError("\n".join(faults) + f"\n{run}")
        return run

    def start_once(self, environment=None):
        self.write_config()
        return self.start("--once", "--json", environment=environment)

    def plan(self, expect):
        return self.run("plan", "--json", expect=expect)

    def status(self):
        run = self.run("status", "--json", expect=0)
        faults = document_faults(run.document)
        if faults:
            raise AssertionError("\n".join(faults) + f"\n{run}")
        return run

    def approve(self, expect=0):
        return self.run("approve", self.folder["name"], "--json", expect=expect)

    def check(self, run):
        """Fails where a run printed the secret, or died of a signal that nobody sent it."""
        if self.credentials.secret_key in run.out + run.err:
            raise AssertionError(f"the secret key was printed by {shlex.join(run.command)}")
        if run.code in (-signal.SIGILL, -signal.SIGTRAP, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS):
            raise AssertionError(f"syncd crashed\n{run}")

    def files_with_secret(self):
        """Files of the state directory that hold the secret key; there must be none."""
        secret = self.credentials.secret_key.encode()
        files = [path for path in self.state.rglob("*") if path.is_file()] if self.state.exists() else []
        return [str(path) for path in files if secret in path.read_bytes()]
