#!/usr/bin/env python3
"""Runs syncd against every S3 service that can be run here, and says what works where.

    Tests/Conformance/run.py --binary .build/debug/syncd [--server NAME]... [-k PATTERN] [--write FILE | --check FILE]

Services are installed and started by scripts/servers. One line for each check, then `N passed, N failed`. What a service is
expected to do is data (expected.py); a cell that is otherwise fails, be it better or worse. `--write` makes the document
of a whole run that passed, `--check` fails where the document says something else.
"""

import argparse
import contextlib
import signal
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "RealServer")]

from bothways import Checks  # noqa: E402
from document import document, same_tables  # noqa: E402
from expected import EXPECTED  # noqa: E402
from harness.case import RealServerCase, Setting  # noqa: E402
from service import NAMES, Service, ServiceFailure  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--binary", type=Path, required=True, help="the syncd to test")
    parser.add_argument("--server", action="append", choices=NAMES, help="only this service; all without")
    parser.add_argument("-k", dest="pattern", default="", help="only checks whose name has it")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the document of this run")
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare this run with the document")
    arguments = parser.parse_args()
    if (arguments.write or arguments.check) and (arguments.server or arguments.pattern):
        parser.error("--write and --check are about all services and all checks")
    return arguments


def run_check(service, name):
    """- Returns: the cell, and what went wrong; either may be None."""
    case = Checks(f"test_{name}")
    result = unittest.TestResult()
    case.run(result)
    faults = result.failures + result.errors + result.skipped
    return case.cell, faults[0][1] if faults else None


def run_service(service, names):
    """Runs the checks on a service that is up. - Returns: its cells, and the texts of what failed."""
    cells, failed = {}, []
    for name in names:
        begun = time.monotonic()
        cell, fault = run_check(service, name)
        cells[name] = cell
        expected = EXPECTED[name][service.name]
        if fault is None and cell != expected:
            fault = f"is {cell!r}, expected {expected!r}"
        if fault is not None:
            failed.append(f"--- {service.name}: {name}\n{fault.rstrip()}")
        word = "ok    " if fault is None else "FAILED"
        print(f"{word}  {service.name}: {name.replace('_', ' ')}: {cell} ({time.monotonic() - begun:.1f} s)", flush=True)
    return cells, failed


def run(arguments):
    names = [name for name in EXPECTED if arguments.pattern in name]
    table, versions, failed = {}, {}, []
    for server in arguments.server or NAMES:
        service = Service(server)
        try:
            service.install()
            with service:
                print(f"{service.version}", flush=True)
                RealServerCase.setting = Setting(arguments.binary.resolve(), CHECKOUT / ".venv" / "bin", service)
                table[server], texts = run_service(service, names)
                versions[server] = service.version
                failed += texts
        except ServiceFailure as error:
            failed.append(str(error))
    return table, versions, failed


def main():
    arguments = parse_arguments()
    if not arguments.binary.is_file():
        sys.exit(f"no binary at {arguments.binary}")
    table, versions, failed = run(arguments)
    if arguments.write and not failed:
        arguments.write.write_text(document(table, versions))
    if arguments.check and not failed and not same_tables(arguments.check.read_text(), document(table, versions)):
        failed.append(f"{arguments.check} says something else than this run: write it anew with --write")
    for text in failed:
        print(f"\n{text}")
    passed = sum(len(cells) for cells in table.values()) - len([text for text in failed if text.startswith("---")])
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    # However it is ended, the service under test is stopped.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
