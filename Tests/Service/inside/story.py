"""The steps of the story, in their order: each begins where the one before it ended. Runs as root in a booted system.

    story.py [PATTERN]    only the steps whose name has the pattern, and those that every other one needs
"""

import re
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

import steps_faults  # noqa: E402
import steps_package  # noqa: E402
import steps_service  # noqa: E402
from harness.proxy import FaultProxy  # noqa: E402
from harness.seaweed import SeaweedServer  # noqa: E402
from system import journal  # noqa: E402

RESULTS = Path("/results")
STORY = [*steps_package.BEFORE, *steps_service.STEPS, *steps_faults.STEPS, *steps_package.AFTER]


class World:
    """What the steps share."""

    def __init__(self, server, proxy):
        self.s3 = server.client()
        self.credentials = server.credentials
        self.proxy = proxy
        self.endpoint = proxy.endpoint
        self.bucket = "photos"
        self.measured = []

    def tell(self, text):
        """A figure that belongs to the step."""
        self.measured.append(text)


def tell(word, step, begun, world):
    name = step.__name__.replace("_", " ")
    figures = "".join(f"; {text}" for text in world.measured)
    world.measured = []
    print(f"{word}  service: {name} ({time.monotonic() - begun:.1f} s{figures})", flush=True)


def play(world, pattern):
    """- Returns: how many steps passed, and what went wrong with each of the others."""
    passed, failed = 0, []
    for step in STORY:
        if pattern and not re.search(pattern, step.__name__) and not getattr(step, "always", False):
            continue
        begun = time.monotonic()
        try:
            step(world)
        except Exception:
            failed.append((step, traceback.format_exc()))
            tell("FAILED", step, begun, world)
        else:
            passed += 1
            tell("ok    ", step, begun, world)
    return passed, failed


def main():
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    with SeaweedServer("/opt/weed") as server:
        proxy = FaultProxy(server.port, server.credentials)
        world = World(server, proxy)
        world.s3.create_bucket(world.bucket)
        passed, failed = play(world, pattern)
        proxy.close()
    for step, text in failed:
        print(f"\n--- {step.__name__}\n{text.rstrip()}")
    if failed:
        print(f"\n--- the service's journal\n{journal()[-12_000:]}")
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    (RESULTS / "exit").write_text("1" if failed or not passed else "0")


if __name__ == "__main__":
    main()
