"""The groups of work: what is done in each, by which tools, and on which side of what."""

from collections.abc import Callable
from dataclasses import dataclass, field

import floors
import servers
from runs import Side
from works import (
    LARGE_BARS,
    MEBIBYTE,
    SMALL_BARS,
    SMALL_TITLES,
    EqualFiles,
    LargeFile,
    MixedFiles,
    SmallFiles,
    StayingFiles,
    Work,
)

DELAY = 0.020
AWAY = "20 ms away"
KIBIBYTE = 1 << 10


@dataclass
class Part:
    """One kind of work of a group. `slow` are tools that take part in one round only, `side` opens the server's side."""

    work: Work
    cast: list[str]
    side: Callable
    slow: list[str] = field(default_factory=list)


@dataclass
class Group:
    title: str
    parts: list[Part]
    # Whether tools at their defaults have tables of their own.
    is_split: bool = False
    rounds: int | None = None


def plain_side(stack, weed, _):
    relay = stack.enter_context(servers.Relay(weed.port))
    plain = weed.plain
    return Side(weed.client(), plain, plain, servers.through(relay, plain), relay, weed.version)


def tls_side(stack, weed, _):
    relay = stack.enter_context(servers.Relay(weed.tls_port))
    return Side(weed.client(), weed.plain, weed.tls, servers.through(relay, weed.tls), relay, f"{weed.version}, TLS")


def delayed_side(stack, weed, _):
    relay = stack.enter_context(servers.Relay(weed.port, DELAY))
    delayed = servers.through(relay, weed.plain)
    return Side(weed.client(), weed.plain, delayed, delayed, relay, f"{weed.version}, {AWAY}")


def ordered_side(stack, _, tree):
    listing = stack.enter_context(servers.Listing(tree))
    relay = stack.enter_context(servers.Relay(listing.port, DELAY))
    delayed = servers.through(relay, listing.endpoint)
    return Side(listing.client(), None, delayed, delayed, relay, f"{listing.version}, {AWAY}")


SMALL_CAST = ["syncd", "s5cmd", "fast_list", "rclone", "rclone_default", "server_time", "aws", "curl", "find", "ls"]
LARGE_CAST = ["syncd", "s5cmd", "rclone", "rclone_default", "aws", "curl"]
MANY_CAST = ["syncd", "s5cmd", "fast_list", "rclone", "rclone_default", "server_time", "aws", "find", "ls"]
DELAY_CAST = ["syncd", "s5cmd", "fast_list", "rclone", "server_time", "aws"]
DELAY_CAST += ["s5cmd_default", "rclone_default", "aws_default"]
IDLE_CAST = [*DELAY_CAST, "server_time_parallel", "ls"]
MILLION_CAST = ["syncd", "s5cmd", "fast_list", "server_time", "find", "ls"]


def titles(rows, words):
    return {row: SMALL_TITLES[row] + words for row in rows}


def up_and_down(what):
    return {"up": f"{what} up", "down": f"the same {what.removeprefix('a ')} down"}


def small(shrunk):
    work = SmallFiles("small", SMALL_TITLES, SMALL_BARS, shrunk(10_000), 4 * KIBIBYTE)
    return Group("many small files", [Part(work, SMALL_CAST, plain_side)])


def large(shrunk):
    work = LargeFile("large", up_and_down("a large file"), LARGE_BARS, shrunk(1_024, 24) * MEBIBYTE)
    return Group("one large file", [Part(work, LARGE_CAST, plain_side)])


def parts(shrunk):
    work = EqualFiles("parts", up_and_down("files of 8 MiB"), {}, shrunk(200), 8 * MEBIBYTE)
    return Group("files of a part's size", [Part(work, LARGE_CAST, plain_side)])


def mixed(shrunk):
    few = SmallFiles("mixed", {}, {}, shrunk(2_000), 4 * KIBIBYTE)
    one = LargeFile("mixed", {}, {}, shrunk(2_048, 24) * MEBIBYTE)
    work = MixedFiles("mixed", up_and_down("small files beside a large one"), {}, few, one)
    return Group("small files beside a large one", [Part(work, LARGE_CAST, plain_side)])


def tls(shrunk):
    of_small = titles(SMALL_TITLES, ", over TLS")
    of_large = {row: f"{title}, over TLS" for row, title in up_and_down("a large file").items()}
    few = SmallFiles("tls-small", of_small, {}, shrunk(10_000), 4 * KIBIBYTE)
    one = LargeFile("tls-large", of_large, {}, shrunk(1_024, 24) * MEBIBYTE)
    return Group("over TLS", [Part(few, SMALL_CAST, tls_side), Part(one, LARGE_CAST, tls_side)])


def many(shrunk):
    rows = titles(("idle", "changed"), ", 100,000 files")
    work = StayingFiles("many", rows, SMALL_BARS, shrunk(100_000, 1_100), KIBIBYTE, per_directory=500)
    return Group("a hundred thousand files", [Part(work, MANY_CAST, plain_side, slow=["rclone", "rclone_default"])])


def delay(shrunk):
    rows = titles(("up", "changed", "down"), f", {AWAY}")
    few = SmallFiles("delay-small", rows, dict.fromkeys(rows, (1.05, None)), shrunk(5_000), 4 * KIBIBYTE)
    chosen = [Part(few, [*DELAY_CAST, "curl", "ls"], delayed_side)]
    for name, words, side in (
        ("delay-idle", "", delayed_side),
        ("delay-ordered", ", listed in byte order", ordered_side),
    ):
        row = {"idle": f"nothing to do with 100,000 objects{words}, {AWAY}"}
        work = StayingFiles(name, row, {"idle": (0.5, None)}, shrunk(100_000, 1_100), KIBIBYTE // 2, per_directory=500)
        chosen.append(Part(work, IDLE_CAST, side, slow=["fast_list", "rclone", "rclone_default"]))
    return Group(f"a server {AWAY}", chosen, is_split=True)


def million(shrunk):
    bars = {"up": (0.85, 0.5), "idle": (0.9, 0.3), "down": (0.85, 0.5)}
    rows = titles(bars, ", 1,000,000 files")
    work = SmallFiles("million", rows, bars, shrunk(1_000_000), KIBIBYTE // 2, per_directory=1_000)
    return Group("a million files", [Part(work, MILLION_CAST, plain_side)], rounds=1)


# In the order in which they are run and stand in the document.
MAKERS = {maker.__name__: maker for maker in (small, large, parts, mixed, tls, many, delay, million)}
BY_DEFAULT = [name for name in MAKERS if name != "million"]


def tools_of(part, cast, directory):
    """The tools of a part, syncd first; each with the rounds that it takes part in."""
    chosen = []
    for name in part.cast:
        makers = {"curl": floors.Curl, "find": floors.Find, "ls": lambda: floors.PlainListing(directory)}
        tool = makers[name]() if name in makers else getattr(cast, name)
        if name in part.slow:
            tool.rounds = 1
        if part.work.titles.keys() & set(tool.rows):
            chosen.append(tool)
    return chosen
