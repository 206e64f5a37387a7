"""Runs one command and writes what it cost: `launch.py FIGURES COMMAND…`, a process of its own for each run.

The kernel counts into a process's peak memory what its parent held when it was started. This parent holds little, so
the figure is the command's own. Nothing but small modules of the standard library is imported, for the same reason.
"""

import os
import sys
import time


def main():
    figures, command = sys.argv[1], sys.argv[2:]
    clock, begun = time.time(), time.monotonic()
    process = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.monotonic() - begun
    with open(figures, "w") as file:
        file.write(f"{wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss * 1024} {clock}")
    return os.waitstatus_to_exitcode(status)


sys.exit(main() & 0xFF)
