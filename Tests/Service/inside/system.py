"""What the steps do to the system they run in: commands, units, the configuration, and waiting."""

import json
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

CONFIG = Path("/etc/syncd/config.json")
CREDSTORE = Path("/etc/credstore")
STATE = Path("/var/lib/syncd")
PHOTOS = Path("/srv/photos")
DROP_INS = Path("/etc/systemd/system/syncd.service.d")
SERVICE = "syncd.service"


def run(*command, expect=0, input_text=None):
    """Runs a command. - Returns: what it wrote, both streams; `expect` is its exit code, or None for any."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        input=input_text,
        text=True,
        errors="replace",
    )
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def systemctl(*words, expect=0):
    return run("systemctl", "--no-pager", *words, expect=expect)


def properties(unit, *names):
    """What systemd says of a unit. - Returns: a dictionary."""
    lines = systemctl("show", unit, *(f"--property={name}" for name in names)).splitlines()
    return dict(line.split("=", 1) for line in lines)


def state(unit=SERVICE):
    return properties(unit, "ActiveState")["ActiveState"]


def restarts():
    return int(properties(SERVICE, "NRestarts")["NRestarts"])


def main_pid():
    return int(properties(SERVICE, "MainPID")["MainPID"])


def failed_units():
    """Those of ours: a container may lack what others need."""
    lines = systemctl("list-units", "--failed", "--plain", "--no-legend").splitlines()
    return [line.split()[0] for line in lines if line.startswith("syncd")]


def journal(unit=SERVICE, since=None):
    arguments = ["--no-pager", "--output=short-precise", f"--unit={unit}"]
    return run("journalctl", *arguments, *([f"--since=@{since:.3f}"] if since else []))


def wait_for(condition, what, seconds=30.0, every=0.02):
    """Waits until the condition holds. - Returns: seconds that it took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            told = properties(SERVICE, "StatusText")
            raise AssertionError(f"not within {seconds:g} s: {what}; {told}\n{journal()[-3_000:]}")
        time.sleep(every)
    return time.monotonic() - begun


def drop_in(name, text):
    """Sets a drop-in of the service, or removes it where the text is empty; whoever calls restarts."""
    DROP_INS.mkdir(parents=True, exist_ok=True)
    path = DROP_INS / f"{name}.conf"
    if text:
        path.write_text(text)
    else:
        path.unlink()
    systemctl("daemon-reload")


def write_config(endpoint, folders):
    """Replaces the configuration as an editor does: in one step."""
    CONFIG.parent.mkdir(exist_ok=True)
    new = CONFIG.with_suffix(".new")
    config = {"connection": {"endpoint": endpoint}, "stateDirectory": str(STATE), "folders": folders}
    new.write_text(json.dumps(config, indent=2))
    new.replace(CONFIG)


def write(path, content, owner="syncd"):
    """A file of that content, its directories too, which belong to that user."""
    made = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    user = pwd.getpwnam(owner)
    for each in [*made, path]:
        os.chown(each, user.pw_uid, user.pw_gid)


def make_root(path):
    """An empty folder of the service's user."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    user = pwd.getpwnam("syncd")
    os.chown(path, user.pw_uid, user.pw_gid)


def status():
    """What `syncd status --json` says, as the service's user."""
    return json.loads(run("runuser", "-u", "syncd", "--", "syncd", "status", "--json"))


def in_sync(name):
    return any(folder["name"] == name and folder["inSync"] for folder in status()["folders"])
