"""The tools that are measured: how each is called, and what it is called with."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CONCURRENCY = 32
LAUNCHER = Path(__file__).resolve().parent / "launch.py"


@dataclass
class Figures:
    """What one run cost."""

    wall: float
    cpu: float
    rss: int


class RunFailure(Exception):
    """A tool that ended with an error, or left something else than it should."""


def measure(command, environment):
    """Runs a command to its end. CPU and memory are the system's own account of the process and its children."""
    null = subprocess.DEVNULL
    with tempfile.NamedTemporaryFile("r") as figures:
        # Isolated and without site packages: the launcher is to be small.
        launched = [sys.executable, "-I", "-S", str(LAUNCHER), figures.name, *command]
        done = subprocess.run(
            launched, env=environment, stdin=null, stdout=null, stderr=subprocess.PIPE, check=False
        )
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace")[-500:].strip()
            raise RunFailure(f"exit {done.returncode}: {words}")
        wall, cpu, rss = figures.read().split()
    return Figures(float(wall), float(cpu), int(rss))


class Tool:
    """One tool with one choice of flags. `rounds` are those that it takes part in, where it is too slow for all."""

    rounds = None

    def __init__(self, name, flags, binary, server):
        self.name = name
        self.flags = flags
        self.binary = str(binary)
        self.server = server

    def environment(self):
        credentials = self.server.credentials
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "5",
            # Checksums beyond what the service demands would cost the AWS CLI time that no other tool spends.
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "RCLONE_CONFIG": "/dev/null",
            "RCLONE_CONFIG_S_TYPE": "s3",
            "RCLONE_CONFIG_S_PROVIDER": "SeaweedFS",
            "RCLONE_CONFIG_S_ENV_AUTH": "true",
            "RCLONE_CONFIG_S_ENDPOINT": self.server.endpoint,
        }

    def command(self, row, tree, bucket, place):
        """The command of a row; `place` is a directory of the tool's own for this round."""
        raise NotImplementedError

    def run(self, row, tree, bucket, place):
        return measure(self.command(row, tree, bucket, Path(place)), self.environment())


class Syncd(Tool):
    def command(self, row, tree, bucket, place):
        direction = "down" if row.endswith("down") else "up"
        folder = {"name": "bench", "path": str(tree), "bucket": bucket, "direction": direction, "delete": True}
        configuration = {
            "connection": {"endpoint": self.server.endpoint},
            "stateDirectory": str(place / f"state-{direction}"),
            "folders": [folder],
            "concurrency": CONCURRENCY,
        }
        file = place / f"{direction}.json"
        file.write_text(json.dumps(configuration))
        return [self.binary, "--once", "--quiet", "--config", str(file)]


class S5cmd(Tool):
    """Its quicker command for each work: `cp` for a whole tree, `sync`, which takes three times as long there, to look
    for changes."""

    def command(self, row, tree, bucket, place):
        ends = (f"s3://{bucket}/*", f"{tree}/") if row.endswith("down") else (f"{tree}/", f"s3://{bucket}/")
        action = ["cp"] if row.endswith(("up", "down")) else ["sync", "--delete"]
        return [self.binary, "--endpoint-url", self.server.endpoint, *self.flags, *action, *ends]


class Rclone(Tool):
    def command(self, row, tree, bucket, place):
        ends = (f"s:{bucket}", str(tree)) if row.endswith("down") else (str(tree), f"s:{bucket}")
        return [self.binary, "sync", *self.flags, *ends]


class AWS(Tool):
    # Several times slower than the others: enough to place it.
    rounds = 1

    def environment(self):
        return super().environment() | {"AWS_CONFIG_FILE": str(self.config)}

    def command(self, row, tree, bucket, place):
        self.config = place / "aws.config"
        self.config.write_text(f"[default]\ns3 =\n    max_concurrent_requests = {CONCURRENCY}\n")
        ends = (f"s3://{bucket}", str(tree)) if row.endswith("down") else (str(tree), f"s3://{bucket}")
        return [self.binary, "s3", "sync", "--endpoint-url", self.server.endpoint, *self.flags, "--delete", *ends]


def native_s5cmd(directory):
    """The program itself: what the package puts into `bin` is a Python script that starts it, which is not to count."""
    found = sorted(directory.parent.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"))
    return found[0] if found else directory / "s5cmd"


def all_tools(syncd, directory, server):
    workers = ["--numworkers", str(CONCURRENCY)]
    parallel = ["--transfers", str(CONCURRENCY), "--checkers", str(CONCURRENCY), "--fast-list"]
    return [
        Syncd("syncd", [], syncd, server),
        S5cmd("s5cmd", workers, native_s5cmd(directory), server),
        Rclone("rclone sync", parallel, directory / "rclone", server),
        AWS("aws s3 sync", ["--only-show-errors"], directory / "aws", server),
    ]


def version(tool):
    """What a tool says it is."""
    arguments = {"syncd": ["--version"], "s5cmd": ["version"], "rclone": ["version"], "aws": ["--version"]}
    name = Path(tool.binary).name
    done = subprocess.run([tool.binary, *arguments[name]], capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0].strip()
