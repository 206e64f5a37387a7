#!/usr/bin/env python3
"""Runs syncd against a real S3 server (SeaweedFS, started here on loopback) and looks at what it did from outside.

    Tests/RealServer/run.py --binary .build/debug/syncd [--tools DIR] [-k PATTERN] [--full]

One line for each test, then `N passed, N failed`. A missing tool or a skipped test is a failure. With `--full` it runs
what is too long for every day instead: full_*.py.
"""

import argparse
import contextlib
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
TOOLS = ["weed", "rclone"]

sys.path.insert(0, str(HERE))

from harness.case import RealServerCase, Setting  # noqa: E402
from harness.seaweed import SeaweedServer, ServerFailure  # noqa: E402


class LineResult(unittest.TestResult):
    """Tells each test in a line as it ends, and what went wrong at the end."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self.failed = []
        self._begun = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._begun = time.monotonic()

    def _line(self, word, test):
        area = type(test).__module__.removeprefix("test_").removeprefix("full_").replace("_", " ")
        name = getattr(test, "_testMethodName", str(test)).removeprefix("test_").replace("_", " ")
        print(f"{word}  {area}: {name} ({time.monotonic() - self._begun:.1f} s)", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self._line("ok    ", test)

    def _fail(self, test, text):
        self.failed.append((test, text))
        self._line("FAILED", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._fail(test, self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        self._fail(test, self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._fail(test, f"skipped, and no test here may be: {reason}")

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            text = self._exc_info_to_string(error, test)
            self.failed.append((subtest, text))
            self._line("FAILED", test)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--binary", type=Path, required=True, help="the syncd to test")
    parser.add_argument(
        "--tools", type=Path, default=CHECKOUT / ".venv" / "bin", help="where weed and rclone are (.venv/bin)"
    )
    parser.add_argument("-k", dest="patterns", action="append", metavar="PATTERN", help="only tests whose name has it")
    parser.add_argument("--full", action="store_true", help="the long tests instead: hours of kills, 30 GB of disk")
    return parser.parse_args()


def missing(arguments):
    """What cannot be done without, a line each."""
    lines = [f"no {tool} in {arguments.tools}" for tool in TOOLS if not (arguments.tools / tool).exists()]
    if not arguments.binary.is_file():
        lines.append(f"no binary at {arguments.binary}")
    return lines


def run(arguments):
    result = LineResult()
    loader = unittest.TestLoader()
    if arguments.patterns:
        loader.testNamePatterns = [pattern if "*" in pattern else f"*{pattern}*" for pattern in arguments.patterns]
    pattern = "full_*.py" if arguments.full else "test_*.py"
    suite = loader.discover(str(HERE), pattern=pattern, top_level_dir=str(HERE))
    with SeaweedServer(arguments.tools.resolve() / "weed") as server:
        RealServerCase.setting = Setting(arguments.binary.resolve(), arguments.tools.resolve(), server)
        suite.run(result)
    return result


def main():
    arguments = parse_arguments()
    lines = missing(arguments)
    result = LineResult()
    if not lines:
        try:
            result = run(arguments)
        except ServerFailure as error:
            lines = [str(error)]
    for test, text in result.failed:
        print(f"\n--- {test}\n{text.rstrip()}")
    for line in lines:
        print(line)
    failed = len(result.failed) + len(lines)
    if failed == 0 and result.passed == 0:
        print("no test has such a name")
        failed = 1
    print(f"{result.passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
