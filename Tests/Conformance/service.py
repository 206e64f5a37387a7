"""Services under test: started and stopped by the scripts in scripts/servers, reached as the harness of Tests/RealServer
reaches its own server."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.s3client import Credentials, S3Client

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "scripts" / "servers"
# By the names that the command line and the table of expectations use, in the order of the document.
NAMES = ["seaweedfs", "ceph", "swift", "rclone", "moto"]


class ServiceFailure(Exception):
    """The service did not start."""


class Service:
    """One service, for as long as it is used as a context."""

    def __init__(self, name):
        self.name = name
        self.directory = None
        self.version = ""
        self.port = 0
        self.credentials = None

    def install(self):
        self._script("install")

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix=f"syncd-{self.name}-"))
        try:
            self._script("start", str(self.directory))
        except ServiceFailure:
            self.__exit__()
            raise
        values = {}
        for line in (self.directory / "env").read_text().splitlines():
            name, _, value = line.partition("=")
            values[name] = value.strip("'")
        self.port = int(values["AWS_ENDPOINT_URL"].rpartition(":")[2])
        self.credentials = Credentials(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"])
        self.version = values.get("SERVER_VERSION") or self._seaweed_version()
        return self

    def __exit__(self, *_):
        subprocess.run([str(SCRIPTS / f"{self.name}.sh"), "stop", str(self.directory)], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self):
        return S3Client(self.port, self.credentials)

    def forget(self):
        """Makes the service read its store anew. rclone answers from memory for up to a second after a change, and a
        check must not depend on how fast it was."""
        control = self.directory / "rc.sock"
        if control.exists():
            rclone = SCRIPTS.parent.parent / ".venv" / "bin" / "rclone"
            command = [str(rclone), "rc", "--unix-socket", str(control), "vfs/forget"]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)

    def _script(self, *arguments):
        done = subprocess.run([str(SCRIPTS / f"{self.name}.sh"), *arguments], env=os.environ, check=False)
        if done.returncode != 0:
            raise ServiceFailure(f"{self.name}: {' '.join(arguments)} ended with {done.returncode}")

    @staticmethod
    def _seaweed_version():
        weed = SCRIPTS.parent.parent / ".venv" / "bin" / "weed"
        words = subprocess.run([str(weed), "version"], capture_output=True, text=True, check=True).stdout.split()
        return f"SeaweedFS {words[words.index('GB') + 1] if 'GB' in words else words[2]}"
