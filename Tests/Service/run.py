#!/usr/bin/env python3
"""Installs syncd's Debian package on a bare Debian 12 that is booted for it, and runs it there as a service.

    Tests/Service/run.py --package dist/syncd_VERSION_ARCHITECTURE.deb [--root DIR] [--tools DIR] [-k PATTERN] [--keep]

One line for each step, then `N passed, N failed`. The root file system is made by scripts/service-root.sh, copied, and
booted by systemd-nspawn without a network; what runs inside is Tests/Service/inside, with SeaweedFS for the buckets.
Wants to be root.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
# Of the whole run inside, boot and shutdown included.
SECONDS = 900
EXIT_FILE = "exit"

UNIT = """[Unit]
Description=Tests of the service
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=oneshot
Environment=PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
ExecStart=-/usr/bin/python3 /opt/test/inside/story.py {arguments}
StandardOutput=append:/results/output
StandardError=append:/results/output
TimeoutStartSec=infinity
"""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--package", type=Path, required=True, help="the .deb to test")
    parser.add_argument(
        "--root",
        type=Path,
        default=os.environ.get("SYNCD_SERVICE_ROOT", CHECKOUT / ".build" / "service-root"),
        help="where the root file system is kept ($SYNCD_SERVICE_ROOT, .build/service-root)",
    )
    parser.add_argument("--tools", type=Path, default=CHECKOUT / ".venv" / "bin", help="where weed is (.venv/bin)")
    parser.add_argument("-k", dest="pattern", default="", help="only steps whose name has it, and those all need")
    parser.add_argument("--keep", action="store_true", help="keep the machine's files, and say where they are")
    return parser.parse_args()


class Machine:
    """A copy of the root, with what the tests need laid into it."""

    def __init__(self, arguments):
        self.directory = Path(tempfile.mkdtemp(prefix="machine-", dir=arguments.root))
        self.root = self.directory / "root"
        self.results = self.directory / "results"
        self.results.mkdir()
        self.process = None
        source = arguments.root / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", source, self.root], check=True)
        test = self.root / "opt" / "test"
        test.mkdir(parents=True)
        shutil.copytree(HERE / "inside", test / "inside")
        shutil.copytree(CHECKOUT / "Tests" / "RealServer" / "harness", test / "harness")
        shutil.copy(CHECKOUT / "README.md", test)
        shutil.copy(arguments.package, test / "syncd.deb")
        # 150 MB that nothing writes to.
        self.weed = (arguments.tools / "weed").resolve()
        unit = self.root / "etc" / "systemd" / "system" / "syncd-test.service"
        unit.write_text(UNIT.format(arguments=arguments.pattern))
        wants = unit.parent / "multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / unit.name).symlink_to(f"/{unit.relative_to(self.root)}")

    def boot(self):
        with open(self.results / "console", "wb") as console:
            self.process = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
                 # As on a machine, units may raise limits.
                 "--capability=CAP_SYS_RESOURCE", "--hostname=syncd-test",
                 f"--bind={self.results}:/results", f"--bind-ro={self.weed}:/opt/weed", "-D", str(self.root), "-b"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            )  # fmt: skip

    def follow(self):
        """Prints what the tests say, until the machine has gone. - Returns: their exit code, None where there is none."""
        output = self.results / "output"
        output.touch()
        deadline = time.monotonic() + SECONDS
        with open(output, errors="replace") as lines:
            while True:
                ended = self.process.poll() is not None
                for line in lines:
                    print(line, end="", flush=True)
                if ended:
                    break
                if time.monotonic() > deadline:
                    print(f"the machine did not end in {SECONDS} s")
                    return None
                time.sleep(0.2)
        try:
            return int((self.results / EXIT_FILE).read_text())
        except (OSError, ValueError):
            return None

    def end(self, keep):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if keep:
            print(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


def main():
    arguments = parse_arguments()
    if not arguments.package.is_file():
        sys.exit(f"no package at {arguments.package}: make deb")
    arguments.root = Path(arguments.root).resolve()
    subprocess.run([CHECKOUT / "scripts" / "service-root.sh", arguments.root], check=True)
    machine = Machine(arguments)
    try:
        machine.boot()
        code = machine.follow()
        if code is None:
            console = (machine.results / "console").read_text(errors="replace")
            print(f"the tests did not come to their end; the end of the machine's console:\n{console[-4_000:]}")
            print("0 passed, 1 failed")
            code = 1
    finally:
        machine.end(arguments.keep)
    return code


if __name__ == "__main__":
    sys.exit(main())
