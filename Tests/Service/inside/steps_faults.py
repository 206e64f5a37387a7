"""The service in bad days: killed, wedged, stopped in the middle of an upload, without keys."""

import os
import signal
import time

from steps_service import edit_arrives, object_is
from system import (
    CREDSTORE,
    PHOTOS,
    SERVICE,
    drop_in,
    failed_units,
    in_sync,
    journal,
    main_pid,
    properties,
    restarts,
    run,
    state,
    systemctl,
    wait_for,
    write,
)

STOP_SECONDS = 10
LARGE = 64 << 20


def after_kill_9_it_is_restarted_and_goes_on(world):
    pid, before = main_pid(), restarts()
    os.kill(pid, signal.SIGKILL)
    took = wait_for(lambda: state() == "active" and main_pid() not in (0, pid), "it is back", 30)
    world.tell(f"back after {took:.1f} s")
    assert restarts() == before + 1
    edit_arrives(world, "index.html", b"<p>after the kill")


def one_that_hangs_is_killed_by_the_watchdog_and_restarted(world):
    drop_in("wedge", "[Service]\nWatchdogSec=5\nRestartSec=1\nEnvironment=SYNCD_WEDGE_AFTER=3\n")
    begun = time.time()
    systemctl("restart", SERVICE)
    pid, before = main_pid(), restarts()
    took = wait_for(lambda: restarts() > before, "the watchdog has bitten", 30, every=0.1)
    world.tell(f"restarted {took:.1f} s after the start, 3 s of which it was well")
    said = journal(since=begun)
    assert "a network thread hangs from now on" in said, said
    assert "Watchdog timeout" in said, said
    wait_for(lambda: state() == "active" and main_pid() not in (0, pid), "it is back", 30)
    drop_in("wedge", "")
    systemctl("restart", SERVICE)
    edit_arrives(world, "index.html", b"<p>after the watchdog")


def one_that_is_well_is_left_alone_by_the_watchdog(world):
    drop_in("well", "[Service]\nWatchdogSec=2\n")
    systemctl("restart", SERVICE)
    pid = main_pid()
    # A part that a slow service does not answer is waiting, not hanging.
    fault = world.proxy.fault("PUT", hold=True)
    write(PHOTOS / "slow.txt", b"slow")
    fault.wait_until_reached()
    time.sleep(7)
    assert main_pid() == pid
    fault.release()
    world.proxy.heal()
    wait_for(lambda: object_is(world, b"photos/slow.txt", b"slow"), "the file in the bucket", 20)
    drop_in("well", "")
    systemctl("restart", SERVICE)


def a_stop_in_the_middle_of_an_upload_takes_less_than_10_seconds(world):
    wait_for(lambda: in_sync("photos"), "photos in sync")
    fault = world.proxy.fault("PUT", hold=True, where=lambda request: bool(request.part))
    write(PHOTOS / "large.bin", os.urandom(LARGE))
    fault.wait_until_reached()
    begun = time.monotonic()
    systemctl("stop", SERVICE)
    took = time.monotonic() - begun
    world.tell(f"{took:.1f} s")
    assert took < STOP_SECONDS, took
    known = properties(SERVICE, "Result", "ExecMainStatus", "ActiveState")
    assert known == {"Result": "success", "ExecMainStatus": "0", "ActiveState": "inactive"}, known
    fault.drop()
    world.proxy.heal()
    systemctl("start", SERVICE)
    content = (PHOTOS / "large.bin").read_bytes()
    wait_for(lambda: object_is(world, b"photos/large.bin", content), "the large file in the bucket", 60, every=0.5)


def root_is_kept_from_opening_its_state(_):
    systemctl("stop", SERVICE)
    said = run("syncd", "pause", "photos", expect=1)
    assert "/var/lib/syncd belongs to syncd: run this as that user" in said, said
    for command in ("pause", "resume"):
        run("runuser", "-u", "syncd", "--", "syncd", command, "photos")
    systemctl("start", SERVICE)


def without_its_keys_it_says_so_and_is_not_restarted_for_ever(_):
    secret = CREDSTORE / "syncd-secret-access-key"
    content = secret.read_text()
    secret.unlink()
    begun = time.time()
    systemctl("restart", SERVICE, expect=1)
    said = journal(since=begun)
    assert 'the systemd credential "syncd-secret-access-key" is missing' in said, said
    assert properties(SERVICE, "ExecMainStatus")["ExecMainStatus"] == "78"
    time.sleep(6)
    assert state() == "failed"
    run("install", "-m", "600", "/dev/stdin", secret, input_text=content)
    systemctl("restart", SERVICE)
    assert failed_units() == []


STEPS = [
    after_kill_9_it_is_restarted_and_goes_on,
    one_that_hangs_is_killed_by_the_watchdog_and_restarted,
    one_that_is_well_is_left_alone_by_the_watchdog,
    a_stop_in_the_middle_of_an_upload_takes_less_than_10_seconds,
    root_is_kept_from_opening_its_state,
    without_its_keys_it_says_so_and_is_not_restarted_for_ever,
]
