#!/usr/bin/env python3
"""Measures syncd beside s5cmd, rclone and the AWS CLI, in groups of work, against servers on this machine.

    Bench/bench.py [GROUP…] [--quick] [--rounds N] [--shrink N] [--no-count] [--no-report] [--tools DIR] [--binary PATH]

In each round every tool does every piece of work, one after the other, the first of them another one each time, so that
a machine whose speed drifts drifts for all. Every result is checked. Each group's tables go into docs/BENCHMARKS.md
between marks of its own, and its chart into docs/benchmarks, as soon as it is done.
"""

import argparse
import contextlib
import datetime
import os
import platform
import shutil
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
sys.path[:0] = [str(HERE), str(CHECKOUT / "Tests" / "RealServer")]

import chart  # noqa: E402
import groups  # noqa: E402
import report  # noqa: E402
import tools  # noqa: E402
from runs import Bench  # noqa: E402
from servers import Weed  # noqa: E402

ROUNDS = 7
QUICK_SHRINK = 100
# Where counting is tried in a quick run: once for requests, once for bytes alone.
QUICK_COUNTS = ("small", "tls")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(groups.MAKERS)}; all but million")
    parser.add_argument("--rounds", type=int, help=f"{ROUNDS}, but 1 for million")
    parser.add_argument("--shrink", type=int, default=1, metavar="N", help="an Nth of the files, and no report")
    parser.add_argument("--quick", action="store_true", help="little work, one round, no report: does it run?")
    parser.add_argument("--no-count", action="store_true", help="no round in which requests are counted")
    parser.add_argument("--tools", type=Path, default=CHECKOUT / ".venv" / "bin")
    parser.add_argument("--binary", type=Path, default=CHECKOUT / ".build" / "release" / "syncd")
    parser.add_argument("--no-report", action="store_true", help="print the tables, and leave docs alone")
    arguments = parser.parse_args()
    unknown = set(arguments.groups) - set(groups.MAKERS)
    if unknown:
        parser.error(f"no such group: {' '.join(sorted(unknown))}")
    arguments.groups = arguments.groups or groups.BY_DEFAULT
    if arguments.quick:
        arguments.shrink, arguments.rounds = QUICK_SHRINK, 1
    arguments.no_report |= arguments.shrink > 1
    return arguments


class GroupRun:
    """One group of work: run, and told."""

    def __init__(self, arguments, name, group):
        self.arguments = arguments
        self.name = name
        self.group = group
        self.rounds = arguments.rounds or group.rounds or ROUNDS
        self.with_count = not arguments.no_count and (not arguments.quick or name in QUICK_COUNTS)
        self.benches = []

    def run(self):
        with tempfile.TemporaryDirectory(prefix=f"syncd-bench-{self.name}-", ignore_cleanup_errors=True) as place:
            with Weed(self.arguments.tools.resolve() / "weed", place) as weed:
                for part in self.group.parts:
                    self._run_part(part, weed, Path(place) / part.work.name)

    def _run_part(self, part, weed, place):
        (place / "tree").mkdir(parents=True)
        print(f"{part.work.name}: making {part.work.words()}", flush=True)
        part.work.make(place / "tree")
        cast = tools.Cast(self.arguments.binary.resolve(), self.arguments.tools.resolve())
        chosen = groups.tools_of(part, cast, self.arguments.tools.resolve())
        with contextlib.ExitStack() as stack:
            side = part.side(stack, weed, place / "tree")
            bench = Bench(part.work, chosen, side, place, self.rounds)
            bench.run(self.with_count)
        self.benches.append(bench)
        shutil.rmtree(place, ignore_errors=True)

    def tables(self):
        return [(bench, report.tables(bench, self.group.is_split)) for bench in self.benches]

    def chart(self):
        everything = [table for _, of_bench in self.tables() for table in of_bench]
        return chart.draw(f"syncd beside others: {self.group.title}", everything)

    def lines(self):
        """What goes between the group's marks."""
        # The bars are for the full work; on a few files it is the start of each process that is measured.
        with_bars = self.arguments.shrink == 1
        lines = [f"## Figures: {self.group.title}", "", *self._head(), ""]
        lines += [f"![{self.group.title}: wall and CPU of each tool](benchmarks/{self.name}.svg)", ""]
        for bench, of_bench in self.tables():
            lines += bench.work.facts()
            for table in of_bench:
                lines += table.lines(with_bars)
            for name, what in bench.failed.items():
                lines += [f"Out of the tables: {name}, {what}", ""]
        return lines + self._foot()

    def _head(self):
        works = dict.fromkeys(bench.work.words() for bench in self.benches)
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return [
            f"{datetime.date.today()}: {'; '.join(works)}; {rounds}, {tools.CONCURRENCY} transfers at once where nothing"
            f" else is said, {machine()}, shared with the server. Repeat it by `make bench GROUPS={self.name}`."
        ]

    def _foot(self):
        lines = ["Versions and flags:", ""]
        told = {}
        for bench in self.benches:
            for tool in bench.tools:
                rounds = f"; in {tool.rounds} of the rounds only, being several times slower" if tool.rounds else ""
                told.setdefault(tool.name, f"- {tool.name}: {tools.version(tool)}; {tool.described()}{rounds}")
        sides = dict.fromkeys(bench.side.version for bench in self.benches)
        servers = [f"- server: {side}, on loopback, its data on the same disk" for side in sides]
        return [*lines, *told.values(), *servers, ""]

    def write(self):
        file = CHECKOUT / "docs" / "BENCHMARKS.md"
        file.write_text(report.replace_between_marks(file.read_text(), self.name, self.lines()))
        picture = file.parent / "benchmarks" / f"{self.name}.svg"
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(self.chart())
        print(f"written to {file.relative_to(CHECKOUT)} and {picture.relative_to(CHECKOUT)}", flush=True)


def machine():
    """What this ran on, in a few words."""
    models = [line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return f"{os.cpu_count()} cores ({models[0] if models else platform.machine()}), {memory:.0f} GiB"


def main():
    arguments = parse_arguments()
    # So that servers end and trees are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    def shrunk(amount, least=5):
        return max(least, amount // arguments.shrink)

    failed = []
    for name in [name for name in groups.MAKERS if name in arguments.groups]:
        run = GroupRun(arguments, name, groups.MAKERS[name](shrunk))
        run.run()
        print("\n".join(run.lines()), flush=True)
        failed += [f"{name}: {tool}" for bench in run.benches for tool in bench.failed]
        if arguments.no_report:
            run.chart()
        else:
            run.write()
    if failed:
        print("failed, and out of the tables: " + "; ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
