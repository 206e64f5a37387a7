"""The tools that are measured: how each is called, and what it is called with."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from servers import Endpoint

CONCURRENCY = 32
LAUNCHER = Path(__file__).resolve().parent / "launch.py"
ALL_ROWS = ("up", "idle", "changed", "down")


@dataclass
class Figures:
    """What one run cost, and when it began by the clock."""

    wall: float
    cpu: float
    rss: int
    begun: float
    # Seconds until the last of the small files was there, where that is looked for.
    small: float | None = None


@dataclass(frozen=True)
class Job:
    """A piece of work: `row` says which, `place` is a directory of the tool's own for this round."""

    row: str
    tree: Path
    bucket: str
    place: Path
    endpoint: Endpoint


class RunFailure(Exception):
    """A tool that ended with an error, or left something else than it should."""


def measure(command, environment):
    """Runs a command to its end. CPU and memory are the system's own account of the process and its children."""
    null = subprocess.DEVNULL
    with tempfile.NamedTemporaryFile("r") as figures:
        # Isolated and without site packages: the launcher is to be small.
        launched = [sys.executable, "-I", "-S", str(LAUNCHER), figures.name, *map(str, command)]
        done = subprocess.run(
            launched, env=environment, stdin=null, stdout=null, stderr=subprocess.PIPE, check=False
        )
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace")[-500:].strip()
            raise RunFailure(f"exit {done.returncode}: {words}")
        wall, cpu, rss, begun = figures.read().split()
    return Figures(float(wall), float(cpu), int(rss), float(begun))


class Tool:
    """One tool with one choice of flags, for the rows that it takes part in.

    `rounds` are those that it takes part in, where it is too slow for all. `table` is where its figures stand: with the
    tools that have as many transfers at once, with those at their defaults, or in both. A tool that `sees_less` stands
    in the tables and is not counted among the best; neither is a floor, which does a part of the work only.
    """

    table = "equal"
    sees_less = False
    is_floor = False
    only_looks = False

    def __init__(self, name, flags, binary, rows=ALL_ROWS, rounds=None):
        self.name = name
        self.flags = flags
        self.binary = str(binary)
        self.rows = rows
        self.rounds = rounds
        # Whose first upload stands in for the tool's own where that is not measured.
        self.filler = self

    def environment(self, job):
        credentials = job.endpoint.credentials
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
            "RCLONE_CONFIG_S_ENDPOINT": job.endpoint.url,
        } | ({"AWS_CA_BUNDLE": job.endpoint.ca_file} if job.endpoint.ca_file else {})

    def command(self, job):
        raise NotImplementedError

    def run(self, job):
        return measure(self.command(job), self.environment(job))

    def described(self):
        return " ".join(map(str, self.flags)) or "its defaults"


class Syncd(Tool):
    table = "both"

    def command(self, job):
        direction = "down" if job.row == "down" else "up"
        folder = {"name": "bench", "path": str(job.tree), "bucket": job.bucket, "direction": direction, "delete": True}
        configuration = {
            "connection": {"endpoint": job.endpoint.url, "caFile": job.endpoint.ca_file},
            "stateDirectory": str(job.place / f"state-{direction}"),
            "folders": [folder],
            "concurrency": CONCURRENCY,
        }
        file = job.place / f"{direction}.json"
        file.write_text(json.dumps(configuration))
        return [self.binary, "--once", "--quiet", "--config", file]


class S5cmd(Tool):
    """Its quicker command for each work: `cp` for a whole tree, `sync`, which takes three times as long there, to look
    for changes."""

    def command(self, job):
        ends = (f"{job.tree}/", f"s3://{job.bucket}/")
        if job.row == "down":
            ends = (f"s3://{job.bucket}/*", f"{job.tree}/")
        action = ["cp"] if job.row in ("up", "down") else ["sync", "--delete"]
        return [self.binary, "--endpoint-url", job.endpoint.url, *self.flags, *action, *ends]


class Rclone(Tool):
    def command(self, job):
        ends = (f"s:{job.bucket}", job.tree) if job.row == "down" else (job.tree, f"s:{job.bucket}")
        trust = ["--ca-cert", job.endpoint.ca_file] if job.endpoint.ca_file else []
        return [self.binary, "sync", *self.flags, *trust, *ends]


class AWS(Tool):
    concurrency = CONCURRENCY

    def environment(self, job):
        return super().environment(job) | {"AWS_CONFIG_FILE": str(job.place / "aws.config")}

    def command(self, job):
        chosen = f"s3 =\n    max_concurrent_requests = {self.concurrency}\n" if self.concurrency else ""
        (job.place / "aws.config").write_text(f"[default]\n{chosen}")
        ends = (f"s3://{job.bucket}", job.tree) if job.row == "down" else (job.tree, f"s3://{job.bucket}")
        return [self.binary, "s3", "sync", "--endpoint-url", job.endpoint.url, *self.flags, "--delete", *ends]

    def described(self):
        chosen = f"max_concurrent_requests = {self.concurrency}" if self.concurrency else "its defaults"
        return f"{super().described()}, {chosen}"


def native_s5cmd(directory):
    """The program itself: what the package puts into `bin` is a Python script that starts it, which is not to count."""
    found = sorted(directory.parent.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"))
    return found[0] if found else directory / "s5cmd"


class Cast:
    """All tools that take part, by name: a group chooses among them."""

    def __init__(self, syncd, directory):
        workers = ["--numworkers", str(CONCURRENCY)]
        parallel = ["--transfers", str(CONCURRENCY), "--checkers", str(CONCURRENCY)]
        by_server_time = [*parallel, "--update", "--use-server-modtime", "--s3-no-head"]
        looking = ("idle", "changed")
        rclone, aws, s5cmd = directory / "rclone", directory / "aws", native_s5cmd(directory)
        self.syncd = Syncd("syncd", [], syncd)
        self.s5cmd = S5cmd("s5cmd", workers, s5cmd)
        self.s5cmd_default = S5cmd("s5cmd, defaults", [], s5cmd)
        self.fast_list = Rclone("rclone sync, fast list", [*parallel, "--fast-list"], rclone)
        self.rclone = Rclone("rclone sync", parallel, rclone)
        self.rclone_default = Rclone("rclone sync, defaults", [], rclone)
        self.server_time = Rclone("rclone, server's times", [*by_server_time, "--fast-list"], rclone, rows=looking)
        self.server_time_parallel = Rclone("rclone, server's times, parallel", by_server_time, rclone, rows=looking)
        # Several times slower than the others: one round is enough to place it.
        self.aws = AWS("aws s3 sync", ["--only-show-errors"], aws, rounds=1)
        self.aws_default = AWS("aws s3 sync, defaults", ["--only-show-errors"], aws, rounds=1)
        self._settle_differences()

    def _settle_differences(self):
        for tool in (self.server_time, self.server_time_parallel):
            tool.sees_less = True
        self.aws_default.concurrency = None
        # These look at nothing of an object that s5cmd would not leave.
        for tool in (self.server_time, self.server_time_parallel, self.aws, self.aws_default, self.s5cmd_default):
            tool.filler = self.s5cmd
        self.rclone_default.filler = self.rclone
        self.fast_list.filler = self.rclone
        for tool in (self.s5cmd_default, self.rclone_default, self.aws_default):
            tool.table = "defaults"


def version(tool):
    """What a tool says it is."""
    arguments = {"syncd": ["--version"], "s5cmd": ["version"], "rclone": ["version"], "aws": ["--version"]}
    name = Path(tool.binary).name
    done = subprocess.run(
        [tool.binary, *arguments.get(name, ["--version"])], capture_output=True, text=True, check=True
    )
    # curl tells of every library that it was built with.
    return (done.stdout or done.stderr).splitlines()[0].partition(" libcurl")[0].strip()
