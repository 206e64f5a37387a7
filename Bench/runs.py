"""One kind of work, done by all tools in turn, round by round, with every result checked."""

import calendar
import os
import shutil
import tempfile
import time
from dataclasses import dataclass

import tools
import works
from harness import trees
from harness.s3client import S3Client
from servers import Endpoint, Relay
from tools import Job


@dataclass
class Side:
    """The server's side of a work: how buckets are looked at, where tools send their requests, and what counts these."""

    client: S3Client
    # Where buckets are filled without being measured; None where they hold what they should from the start.
    filled_at: Endpoint | None
    measured_at: Endpoint
    # Where requests go to be counted: elsewhere than what is timed, unless that goes through a relay anyhow.
    counted_at: Endpoint
    relay: Relay
    version: str


class Bench:
    def __init__(self, work, cast, side, place, rounds):
        self.work = work
        self.tools = cast
        self.side = side
        self.place = place
        self.tree = place / "tree"
        self.rounds = rounds
        self.figures = {row: {} for row in work.titles}
        self.counts = {row: {} for row in work.titles}
        # {tool: what it did wrong}: such a tool is out of the tables.
        self.failed = {}
        # {tool: (bucket, place)}, of this round, or for good where the work stays.
        self.homes = {}
        self.expected = {}

    def run(self, with_count=True):
        """The tree is there. In each round another tool is the first."""
        self._look_at_tree()
        if self.work.stays:
            self._fill()
        for number in range(self.rounds):
            shift = number % len(self.tools)
            self._round(number, self.tools[shift:] + self.tools[:shift], self.side.measured_at)
        if with_count and self.side.counted_at != self.side.measured_at:
            self._clear()
            self._round(self.rounds, self.tools, self.side.counted_at)

    def _clear(self):
        """Makes room: what follows is not timed."""
        kept = [self.tree, *(place for _, place in self.homes.values())]
        for path in self.place.iterdir():
            if path not in kept:
                shutil.rmtree(path)

    def _is_timed(self, endpoint):
        return endpoint == self.side.measured_at

    def _look_at_tree(self):
        self.expected = trees.snapshot(self.tree, mtimes=False, modes=False)

    def _round(self, number, order, endpoint):
        if self._is_timed(endpoint):
            order = [tool for tool in order if tool.rounds is None or number < tool.rounds]
        if not self.work.stays:
            self._move_in(number, order)
        elif number in (0, self.rounds):
            self._settle(order, endpoint)
        for row in self.work.titles:
            if row == "changed":
                self.work.change(self.tree, number)
                self._look_at_tree()
            for tool in order:
                if tool.name not in self.failed:
                    self._take_turn(row, tool, endpoint)
        if not self.work.stays:
            self._move_out()

    def _move_in(self, number, order):
        for index, tool in enumerate(order):
            bucket = f"bench-{self.work.name}-{number}-{index}"
            self._prepare(bucket)
            self.homes[tool] = (bucket, self._new_place())

    def _new_place(self):
        return type(self.place)(tempfile.mkdtemp(dir=self.place))

    def _prepare(self, bucket):
        """A bucket that has held an object: for its first one the server makes room, which takes it up to a second."""
        self.side.client.create_bucket(bucket)
        self.side.client.put(bucket, b"first", b"first")
        self.side.client.delete(bucket, b"first")

    def _move_out(self):
        for bucket, place in self.homes.values():
            self.side.client.delete_bucket(bucket)
            if self.work.bulky:
                shutil.rmtree(place)
        self.homes = {}

    def _fill(self):
        """Buckets that stay: filled by each tool itself, or by one that leaves the same."""
        filled = {}
        for index, tool in enumerate(self.tools):
            place = self._new_place()
            owner = tool.filler if self.work.shared else tool
            if owner not in filled:
                filled[owner] = f"bench-{self.work.name}-{index}"
                if self.side.filled_at is not None and not tool.is_floor:
                    print(f"filling a bucket for {tool.name}", flush=True)
                    self._prepare(filled[owner])
                    self._stand_in(tool, Job("up", self.tree, filled[owner], place, self.side.filled_at))
            self.homes[tool] = (filled[owner], place)

    def _keep_up(self, row, tool):
        """Brings a bucket, unmeasured, to where the tool's next row expects it."""
        is_missing = row == "up" and not tool.is_floor
        is_old = row == "changed" and "down" in tool.rows
        if is_missing or is_old:
            self._stand_in(tool, self._job("up", tool, self.side.filled_at))

    def _stand_in(self, tool, job, runner=None):
        """Uploads, unmeasured, what a tool is to find in its bucket."""
        try:
            (runner or tool.filler).run(job)
        except tools.RunFailure as error:
            self._expel(tool, f"filling its bucket: {error}")

    def _expel(self, tool, words):
        if tool.name == "syncd":
            raise tools.RunFailure(words)
        self.failed[tool.name] = words
        print(f"{tool.name} failed at {words}", flush=True)

    def _settle(self, order, endpoint):
        """Lets tools come level, unmeasured: syncd, to which another endpoint is another folder, and those that sat out
        some rounds and what changed in them."""
        for tool in order:
            if tool.name == "syncd" or (tool.rounds is not None and "changed" in self.work.titles):
                bucket, place = self.homes[tool]
                self._stand_in(tool, Job("changed", self.tree, bucket, place, endpoint), tool)

    def _job(self, row, tool, endpoint):
        bucket, place = self.homes[tool]
        if tool.only_looks:
            bucket = self.homes[next(tool for tool in self.homes if tool.name == "syncd")][0]
        tree = self.tree
        if row == "down":
            tree = place / "down"
            tree.mkdir()
        return Job(row, tree, bucket, place, endpoint)

    def _take_turn(self, row, tool, endpoint):
        if row not in tool.rows:
            return self._keep_up(row, tool)
        job = self._job(row, tool, endpoint)
        # What others have written is not to be waited for by a tool that makes its own work durable.
        os.sync()
        before = self.side.client.list(job.bucket) if row == "idle" else None
        self.side.relay.take_counts()
        try:
            figures = tool.run(job)
            counts = self.side.relay.take_counts()
            if not tool.only_looks:
                self._check(job, before, figures)
        except tools.RunFailure as error:
            return self._expel(tool, f"{self.work.titles[row]}: {error}")
        if endpoint == self.side.counted_at:
            self.counts[row][tool.name] = counts
        self._note(row, tool, figures, self._is_timed(endpoint))

    def _note(self, row, tool, figures, is_timed):
        if is_timed:
            self.figures[row].setdefault(tool.name, []).append(figures)
        print(
            f"{self.work.name:14} {row:8} {tool.name:26} {figures.wall:7.2f} s wall {figures.cpu:7.2f} s CPU"
            f" {figures.rss / (1 << 20):5.0f} MiB{'' if is_timed else '  (counted, not timed)'}",
            flush=True,
        )

    def _check(self, job, before, figures):
        """Every name, size and MD5 on both sides must be those of the tree, and nothing may be sent where nothing was
        to be done."""
        expected = self.expected
        if job.row == "down":
            found = trees.snapshot(job.tree, mtimes=False, modes=False)
            times = self._times_of_files(job.tree)
        else:
            objects = self.side.client.list(job.bucket)
            if before is not None and objects != before:
                raise tools.RunFailure("objects were written again that had not changed")
            found = {key: (listed.size, listed.etag) for key, listed in objects.items() if not key.startswith(b".syncd")}
            expected = self._expected_objects(found)
            times = self._times_of_objects(objects)
        lines = trees.differences(expected, found)
        if lines:
            raise tools.RunFailure("not what it should be:\n  " + "\n  ".join(lines))
        if times:
            figures.small = min(max(times) - figures.begun, figures.wall)

    def _expected_objects(self, found):
        expected = {name: (facts.size, facts.md5) for name, facts in self.expected.items()}
        for name, (size, etag) in found.items():
            # In parts: whichever size the tool cut them to.
            if "-" in etag and name in expected and etag in works.etags(trees.path_of(self.tree, name)):
                expected[name] = (size, etag)
        return expected

    def _times_of_files(self, tree):
        """When each of the small files was complete and had its name."""
        names = [name for name in self.expected if self.work.is_small(name)]
        return [os.stat(trees.path_of(tree, name)).st_ctime for name in names if trees.exists(tree, name)]

    def _times_of_objects(self, objects):
        """By when at the latest each of the small objects was there: the service tells whole seconds."""
        return [
            calendar.timegm(time.strptime(listed.modified[:19], "%Y-%m-%dT%H:%M:%S")) + 1
            for name, listed in objects.items()
            if self.work.is_small(name)
        ]

    def good(self, taken):
        """Figures or counts without the tools that failed."""
        return {
            row: {name: runs for name, runs in of_tools.items() if name not in self.failed}
            for row, of_tools in taken.items()
        }
