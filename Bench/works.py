"""What is measured: trees of files, and the rows that each of them makes in the report."""

import hashlib
import os
import random
import time

from harness import trees

FILES_PER_DIRECTORY = 100
MEBIBYTE = 1 << 20
# What the tools cut large objects into: syncd and the AWS CLI, rclone, s5cmd.
PART_SIZES = [8 * MEBIBYTE, 5 * MEBIBYTE, 50 * MEBIBYTE, 16 * MEBIBYTE]


class Work:
    """A tree, and what is done with it. A row whose name ends in `down` fetches what the tool itself had uploaded."""

    rows = ()

    def make(self, root):
        raise NotImplementedError

    def change(self, root, seed):
        """What happens to the tree before the row `changed`."""

    def words(self):
        """The tree in a few words."""
        raise NotImplementedError

    def facts(self):
        """Lines to go above the tables: what bounds every tool."""
        return []


class SmallFiles(Work):
    rows = ("up", "idle", "changed", "down")

    def __init__(self, count, size):
        self.count = count
        self.size = size

    def words(self):
        return f"{self.count:,} files of {self.size:,} bytes"

    def _name(self, index):
        return f"d{index // FILES_PER_DIRECTORY:04}/f{index % FILES_PER_DIRECTORY:03}"

    def make(self, root):
        for index in range(self.count):
            trees.write(root, self._name(index), trees.content(self.size, index))

    def change(self, root, seed):
        """Gives one file in a hundred new content of the same size."""
        # Other tools see a change by its time, and the service's times are in whole seconds.
        time.sleep(1.5)
        for index in random.Random(seed).sample(range(self.count), max(1, self.count // 100)):
            trees.write(root, self._name(index), trees.content(self.size, f"{seed} {index}"), mtime_ns=None)


class LargeFile(Work):
    rows = ("large up", "large down")

    def __init__(self, size):
        self.size = size

    def words(self):
        return f"one file of {self.size >> 20:,} MiB"

    def make(self, root):
        root.mkdir(parents=True, exist_ok=True)
        chooser = random.Random(1)
        with open(root / "large", "wb") as file:
            for _ in range(self.size // MEBIBYTE):
                file.write(chooser.randbytes(MEBIBYTE))

    def facts(self):
        """What the hashes alone cost, which every tool that verifies must pay: one core, from memory."""
        data = random.Random(2).randbytes(64 * MEBIBYTE)
        costs = []
        for name in ("md5", "sha256"):
            tries = []
            for _ in range(5):
                begun = time.process_time()
                hashlib.new(name, data)
                tries.append(time.process_time() - begun)
            costs.append((name, min(tries) * self.size / len(data)))
        words = ", ".join(f"{name.upper().replace('SHA', 'SHA-')} {cost:.2f} s" for name, cost in costs)
        return [f"Hashes alone, of {self.size >> 20:,} MiB in memory (CPU): {words}.", ""]


def etags(path):
    """The ETags that an upload of the file may have left, whole or in parts of any tool's size."""
    digests = {size: [] for size in PART_SIZES}
    whole = hashlib.md5()
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
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
