"""Starts and stops one SeaweedFS with its S3 gateway on loopback, with keys of its own."""

import json
import os
import random
import secrets
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time
from pathlib import Path

from .s3client import Credentials, S3Client

PORTS = 8
STARTUP_SECONDS = 60


class ServerFailure(Exception):
    """The server did not start; the text holds the end of its log."""


def generated_credentials():
    """Keys nobody else has. The secret holds what real ones do: letters, digits, `+` and `/`."""
    alphabet = string.ascii_letters + string.digits + "+/"
    return Credentials(
        access_key="AK" + secrets.token_hex(8).upper(),
        secret_key="".join(secrets.choice(alphabet) for _ in range(36)) + "+/",
    )


def free_ports(count):
    """The first of `count` free ports in a row, below those that the system gives to outgoing connections."""
    for _ in range(200):
        first = random.randrange(11_000, 31_000)
        if all(_is_free(first + index) for index in range(count)):
            return first
    raise ServerFailure("no free ports were found on 127.0.0.1")


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class SeaweedServer:
    """A running `weed mini`. Use it as a context: leaving it stops the process and removes its data."""

    def __init__(self, weed, directory=None):
        self.weed = str(weed)
        self.credentials = generated_credentials()
        self.directory = Path(tempfile.mkdtemp(prefix="weed-", dir=directory))
        self.port = free_ports(PORTS)
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self):
        return S3Client(self.port, self.credentials)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        identities = [
            {
                "name": "admin",
                "credentials": [
                    {"accessKey": self.credentials.access_key, "secretKey": self.credentials.secret_key}
                ],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
        ]
        identity_file = self.directory / "s3.json"
        identity_file.write_text(json.dumps({"identities": identities}))
        (self.directory / "data").mkdir(exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.weed, "mini", *self._options(identity_file)],
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready()

    def _options(self, identity_file):
        port = self.port
        services = [("s3", port), ("master", port + 1), ("volume", port + 2), ("filer", port + 3)]
        options = [f"-dir={self.directory / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        for name, number in services:
            options += [f"-{name}.port={number}", f"-{name}.port.grpc={number + 4}"]
        options += [f"-s3.config={identity_file}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        return options + ["-s3.autoCreateBucket=false", "-webdav=false", "-admin.ui=false"]

    def _wait_until_ready(self):
        """Ready is: an object can be written, and read back. The gateway answers before a volume can be assigned."""
        client = self.client()
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if client.head("readiness", b"probe") is None:
                    client.request("PUT", "readiness")
                    client.put("readiness", b"probe", b"probe")
                if client.get("readiness", b"probe") == b"probe":
                    client.delete_bucket("readiness")
                    client.close()
                    return
            except Exception:  # Whatever a server that is not ready yet answers or does.
                client.close()
            time.sleep(0.1)
        raise ServerFailure(f"SeaweedFS did not become ready:\n{self.log_end()}")

    def log_end(self):
        log = self.directory / "log"
        return log.read_text(errors="replace")[-2_000:] if log.exists() else ""

    def stop(self):
        """Ends the process, and removes what it stored."""
        self.halt()
        shutil.rmtree(self.directory, ignore_errors=True)

    def halt(self):
        """Ends the process by its id; `start()` goes on with what it stored."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
