"""What is measured: trees of files, and the rows that each of them makes in the report."""

import functools
import hashlib
import os
import random
import time

from harness import trees

MEBIBYTE = 1 << 20
# What the tools cut large objects into: syncd and the AWS CLI, rclone, s5cmd.
PART_SIZES = [8 * MEBIBYTE, 5 * MEBIBYTE, 50 * MEBIBYTE, 16 * MEBIBYTE]


# Of syncd's wall and CPU by those of the best tool: docs/BENCHMARKS.md tells them. None where nothing was promised.
SMALL_BARS = {"up": (0.85, 0.5), "idle": (0.6, 0.2), "changed": (0.6, 0.2), "down": (0.9, 0.6)}
LARGE_BARS = {"up": (1.0, 1.0), "down": (1.0, 1.0)}
SMALL_TITLES = {"up": "first upload", "idle": "nothing to do", "changed": "1 % changed", "down": "the same down"}


class Work:
    """A tree, and the rows that are made of it in the report, in their order: {"up", "idle", "changed" or "down": title}.

    `down` fetches what the tool itself had uploaded. Where a work `stays`, buckets are filled once and keep their
    objects over all rounds, and where it is `shared`, tools that leave the same in a bucket use the same one.
    """

    stays = False
    shared = False
    # Whether trees are removed after each round; small files stay until the end: ext4 looks long for an inode where
    # thousands were freed a moment ago.
    bulky = False

    def __init__(self, name, titles, bars=None):
        self.name = name
        self.titles = titles
        self.bars = bars or {}

    def make(self, root):
        raise NotImplementedError

    def change(self, root, seed):
        """What happens to the tree before the row `changed`."""

    def is_small(self, name):
        """Whether it is looked for when this file was there, beside a large one."""
        return False

    def words(self):
        """The tree in a few words."""
        raise NotImplementedError

    def facts(self):
        """Lines to go above the tables: what bounds every tool."""
        return []


class SmallFiles(Work):
    def __init__(self, name, titles, bars, count, size, per_directory=100):
        super().__init__(name, titles, bars)
        self.count = count
        self.size = size
        self.per_directory = per_directory

    def words(self):
        return f"{self.count:,} files of {self.size:,} bytes, {self.per_directory} in a directory"

    def _name(self, index):
        return f"d{index // self.per_directory:04}/f{index % self.per_directory:03}"

    def make(self, root):
        for index in range(self.count):
            trees.write(root, self._name(index), trees.content(self.size, index))

    def change(self, root, seed):
        """Gives one file in a hundred new content of the same size."""
        # Other tools see a change by its time, and the service's times are in whole seconds.
        time.sleep(1.5)
        for index in random.Random(seed).sample(range(self.count), max(1, self.count // 100)):
            trees.write(root, self._name(index), trees.content(self.size, f"{seed} {index}"), mtime_ns=None)


class StayingFiles(SmallFiles):
    stays = True

    @property
    def shared(self):
        return "changed" not in self.titles


class LargeFile(Work):
    bulky = True

    def __init__(self, name, titles, bars, size):
        super().__init__(name, titles, bars)
        self.size = size

    def words(self):
        return f"one file of {self.size >> 20:,} MiB"

    def make(self, root):
        write_random(root, "large", self.size)

    def facts(self):
        return hash_facts(self.size)


class EqualFiles(Work):
    """Files that are large enough to travel in parts with some tools, and whole with others."""

    bulky = True

    def __init__(self, name, titles, bars, count, size):
        super().__init__(name, titles, bars)
        self.count = count
        self.size = size

    def words(self):
        return f"{self.count:,} files of {self.size >> 20:,} MiB"

    def make(self, root):
        for index in range(self.count):
            write_random(root, f"f{index:03}", self.size, index)

    def facts(self):
        return hash_facts(self.count * self.size)


class MixedFiles(Work):
    """Small files beside a large one, which should not wait for it."""

    bulky = True

    def __init__(self, name, titles, bars, small, large):
        super().__init__(name, titles, bars)
        self.small = small
        self.large = large

    def words(self):
        return f"{self.small.words()}, beside {self.large.words()}"

    def make(self, root):
        self.small.make(root)
        self.large.make(root)

    def is_small(self, name):
        return name != b"large"

    def facts(self):
        return self.large.facts()


def write_random(root, name, size, seed=1):
    root.mkdir(parents=True, exist_ok=True)
    chooser = random.Random(seed)
    with open(root / name, "wb") as file:
        for start in range(0, size, MEBIBYTE):
            file.write(chooser.randbytes(min(MEBIBYTE, size - start)))
    os.utime(root / name, ns=(trees.OLD, trees.OLD))


@functools.cache
def hash_seconds():
    """The CPU that each hash takes for a byte: one core, from memory."""
    data = random.Random(2).randbytes(64 * MEBIBYTE)
    costs = {}
    for name in ("md5", "sha256"):
        tries = []
        for _ in range(5):
            begun = time.process_time()
            hashlib.new(name, data)
            tries.append(time.process_time() - begun)
        costs[name] = min(tries) / len(data)
    return costs


def hash_facts(size):
    """What the hashes alone cost, which every tool that verifies must pay."""
    named = {"MD5": "md5", "SHA-256": "sha256"}
    words = ", ".join(f"{title} {hash_seconds()[name] * size:.2f} s" for title, name in named.items())
    return [f"Hashes alone, of {size >> 20:,} MiB in memory (CPU): {words}.", ""]


def etags(path):
    """The ETags that an upload of the file may have left, whole or in parts of any tool's size."""
    status = os.stat(path)
    return _etags(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4_096)
def _etags(path, _, size):
    digests = {part: [] for part in PART_SIZES}
    whole = hashlib.md5()
    with open(path, "rb") as file:
        hashers = {part: hashlib.md5() for part in PART_SIZES}
        filled = dict.fromkeys(PART_SIZES, 0)
        while piece := file.read(MEBIBYTE):
            whole.update(piece)
            for part in PART_SIZES:
                hashers[part].update(piece)
                filled[part] += len(piece)
                if filled[part] == part:
                    digests[part].append(hashers[part].digest())
                    hashers[part], filled[part] = hashlib.md5(), 0
        for part in PART_SIZES:
            if filled[part]:
                digests[part].append(hashers[part].digest())
    tags = {whole.hexdigest()}
    if size:
        tags |= {f"{hashlib.md5(b''.join(parts)).hexdigest()}-{len(parts)}" for parts in digests.values()}
    return tags
