"""What an idle daemon costs: CPU of a walk and of a listing, CPU and requests between them, and memory.

    .venv/bin/python Bench/idle.py --files 1000000

It makes the files, mirrors them to a SeaweedFS of its own with `syncd --once`, then runs `syncd run` on them and reads
the kernel's account of the process around a first whole cycle, a few walks, and a time in which nothing is due.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PER_DIRECTORY = 1_000
# Long enough that one walk is done before the next is due.
SCAN_INTERVAL = 120
WALKS = 3
IDLE_SECONDS = 60


class Daemon:
    def __init__(self, binary, config):
        self.binary, self.config = binary, config
        self.process = subprocess.Popen([binary, "run", "--config", config], stderr=subprocess.DEVNULL)

    def cpu(self):
        """User and system time so far, in seconds."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self):
        """In MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def metric(self, name):
        """The sum of a metric's samples."""
        command = [self.binary, "status", "--openmetrics", "--config", self.config]
        page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return sum(int(line.split()[-1]) for line in page.splitlines() if line.startswith(name + "{"))

    def wait_for_cycle(self, number):
        while self.metric("syncd_cycles_total") < number:
            if self.process.poll() is not None:
                raise SystemExit(f"idle: syncd ended with {self.process.returncode}")
            time.sleep(1)


def make_files(root, count):
    for number in range(count):
        if number % PER_DIRECTORY == 0:
            directory = root / f"d{number // PER_DIRECTORY:05}"
            directory.mkdir(parents=True)
        (directory / f"f{number:07}").write_bytes(b"%d\n" % number)


def measure(arguments, work):
    server = work / "server"
    script = ROOT / "scripts/servers/seaweedfs.sh"
    subprocess.run([script, "start", server], check=True)
    try:
        for line in (server / "env").read_text().splitlines():
            name, _, value = line.partition("=")
            os.environ[name] = value
        subprocess.run([ROOT / ".venv/bin/python", ROOT / "scripts/make-bucket.py", "idle"], check=True)
        make_files(work / "root", arguments.files)
        folder = {"name": "idle", "path": str(work / "root"), "bucket": "idle", "scanInterval": f"{SCAN_INTERVAL}s"}
        config = work / "config.json"
        connection = {"endpoint": os.environ["AWS_ENDPOINT_URL"]}
        config.write_text(
            json.dumps({"connection": connection, "stateDirectory": str(work / "state"), "folders": [folder]})
        )
        subprocess.run([arguments.syncd, "--once", "--quiet", "--config", config], check=True)
        return observe(Daemon(arguments.syncd, str(config)))
    finally:
        subprocess.run([script, "stop", server], check=False)


def observe(daemon):
    try:
        daemon.wait_for_cycle(1)
        figures = {"walk and listing": daemon.cpu()}
        walks = []
        for number in range(2, 2 + WALKS):
            before = daemon.cpu()
            daemon.wait_for_cycle(number)
            walks.append(daemon.cpu() - before)
        figures["walk"] = sorted(walks)[WALKS // 2]
        requests, before = daemon.metric("syncd_requests_total"), daemon.cpu()
        time.sleep(IDLE_SECONDS)
        figures["idle"] = daemon.cpu() - before
        figures["requests"] = daemon.metric("syncd_requests_total") - requests
        figures["peak"] = daemon.peak()
        return figures
    finally:
        daemon.process.terminate()
        daemon.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--syncd", default=str(ROOT / ".build/release/syncd"))
    arguments = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="syncd-idle-"))
    try:
        figures = measure(arguments, work)
    finally:
        shutil.rmtree(work)
    print(f"{arguments.files:,} files")
    print(f"a walk and a listing      {figures['walk and listing']:.2f} s of CPU")
    print(f"a walk                    {figures['walk']:.2f} s of CPU")
    print(f"nothing due, {IDLE_SECONDS} s         {figures['idle']:.2f} s of CPU, {figures['requests']} requests")
    print(f"peak memory               {figures['peak']:.0f} MiB")
    print(f"by default, one of each an hour: {figures['walk and listing'] / 36:.2f} % of a core")


if __name__ == "__main__":
    main()
