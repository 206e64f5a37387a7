"""Trees of files: making them, changing them, and comparing them byte for byte. Names are bytes throughout."""

import functools
import hashlib
import os
import random
import shutil
import stat
from dataclasses import dataclass

SECOND = 1_000_000_000
# Long ago, so that nothing in a tree looks as if it had just been written.
OLD = 1_600_000_000 * SECOND


@dataclass(frozen=True)
class FileFacts:
    size: int
    md5: str
    mtime_ns: int
    mode: int


def name_bytes(name):
    return name.encode() if isinstance(name, str) else bytes(name)


def path_of(root, name):
    return os.path.join(os.fsencode(root), name_bytes(name))


def content(size, seed=0):
    """`size` bytes that look random and are the same every time."""
    return random.Random(f"{size} {seed}").randbytes(size)


BLOCK = 1 << 20


def blocks(size, seed=0):
    """The bytes of something large, MiB by MiB, no two of them alike: quicker to make than `content`."""
    block = content(BLOCK, seed)
    for start in range(0, size, BLOCK):
        yield (start.to_bytes(8, "big") + block[8:])[: size - start]


@functools.lru_cache(maxsize=16)
def large_content(size, seed=0):
    return b"".join(blocks(size, seed))


def write(root, name, data, mtime_ns=OLD, mode=0o644):
    """Writes one file with the directories above it. `data` is bytes or text; `mtime_ns` None leaves it at now."""
    path = path_of(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(name_bytes(data))
    os.chmod(path, mode)
    if mtime_ns is not None:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def write_many(root, count, prefix="file", size=100):
    """`count` small files of different content, `prefix000.txt` and so on."""
    for index in range(count):
        write(root, f"{prefix}{index:03}.txt", content(size, f"{prefix}{index}"))


def write_large(root, name, size, seed=0):
    """Writes one large file without holding it in memory."""
    path = write(root, name, b"", None)
    with open(path, "wb") as file:
        file.writelines(blocks(size, seed))
    os.utime(path, ns=(OLD, OLD))
    return path


def read(root, name):
    with open(path_of(root, name), "rb") as file:
        return file.read()


def exists(root, name):
    return os.path.lexists(path_of(root, name))


def remove(root, name):
    path = path_of(root, name)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.remove(path)


PARTS_FROM = 16 << 20
PART_SIZE = 8 << 20


def etag(root, name):
    """The ETag that a file's upload leaves: its MD5, or from 16 MiB on that of its parts' MD5s."""
    path = os.path.join(os.fsencode(root), name)
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < PARTS_FROM:
            return hashlib.file_digest(file, "md5").hexdigest()
        digests = [hashlib.md5(part).digest() for part in iter(lambda: file.read(PART_SIZE), b"")]
    return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"


def md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def snapshot(root, mtimes=True, modes=True):
    """All regular files below `root`, {name: FileFacts}, but for what syncd keeps there for itself."""
    found = {}
    _collect(os.fsencode(root), b"", found, mtimes, modes)
    return found


def _collect(directory, prefix, found, mtimes, modes):
    for entry in os.scandir(directory):
        if entry.name.startswith(b".syncd"):
            continue
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            _collect(entry.path, name + b"/", found, mtimes, modes)
        elif entry.is_file(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            found[name] = FileFacts(
                size=status.st_size,
                md5=md5(entry.path),
                mtime_ns=status.st_mtime_ns if mtimes else 0,
                mode=stat.S_IMODE(status.st_mode) if modes else 0,
            )


def differences(expected, found, limit=10):
    """What differs between two snapshots, or a snapshot and a listing, a line each."""
    lines = []
    for name in sorted(set(expected) | set(found)):
        if name not in found:
            lines.append(f"{name!r} is missing")
        elif name not in expected:
            lines.append(f"{name!r} should not be there")
        elif expected[name] != found[name]:
            lines.append(f"{name!r} is {found[name]}, should be {expected[name]}")
    more = len(lines) - limit
    return lines[:limit] + ([f"and {more} more"] if more > 0 else [])


def leftovers(root):
    """Temporary files of syncd below `root`; there are none when a cycle has ended."""
    found = []
    for directory, _, names in os.walk(os.fsencode(root)):
        found += [os.path.join(directory, name) for name in names if name.startswith(b".syncd.")]
    return found


def trash(root):
    """The content of the trash, {path as it was: [content of each version]}, cycles in order."""
    top = path_of(root, b".syncd-trash")
    found = {}
    for cycle in sorted(os.listdir(top)) if os.path.isdir(top) else []:
        for name in snapshot(os.path.join(top, cycle)):
            found.setdefault(name, []).append(read(os.path.join(top, cycle), name))
    return found


def trash_digests(root):
    """The MD5s of what the trash holds, {path as it was: those of all its versions}."""
    top = path_of(root, b".syncd-trash")
    found = {}
    for cycle in os.listdir(top) if os.path.isdir(top) else []:
        for name, facts in snapshot(os.path.join(top, cycle)).items():
            # A second version within one cycle's second bears a number.
            stem, _, number = name.rpartition(b"~")
            found.setdefault(stem if number.isdigit() else name, set()).add(facts.md5)
    return found


AWKWARD_NAMES = [
    b"plain.txt",
    b"two words",
    b" leading and trailing ",
    b"plus+percent%tilde~hash#question?",
    b"%41%2F%zz",
    b"it's \"quoted\"",
    b"<xml> & &amp; ]]>",
    b"new\nline",
    b"carriage\rreturn\ttab",
    b"control\x01\x02\x1f\x7f",
    "emoji 🦄 and 漢字".encode(),
    "caf\u00e9".encode(),
    "cafe\u0301".encode(),
    "\ufffe and \u2028".encode(),
    "right to left \u05d0\u05d1".encode(),
    b"-rf",
    b"--",
    b"...",
    b"trailing dot.",
    b"star*[a-z]{x}|$HOME`id`!(',;:@=)^",
    b".hidden",
    b"Case",
    b"case",
    b"n" * 255,
    b"a",
    b"a-b",
    b"a.d/inner",
    b"a0/inner",
    b"sp ace/per%cent/pl+us",
]

SIZES = [0, 1, 15, 16, 17, 4_095, 4_096, 1_048_575, 1_048_576, 1_048_577, 5 << 20, (16 << 20) + 1, 64 << 20]


def write_awkward_tree(root):
    """Names that break careless code, sizes about every limit, times to the nanosecond, several modes."""
    modes = [0o644, 0o600, 0o755, 0o444, 0o640]
    for index, name in enumerate(AWKWARD_NAMES):
        write(root, name, b"content of " + name, OLD + index * SECOND + 123_456_789 + index, modes[index % 5])
    for index, size in enumerate(SIZES):
        write(root, f"sizes/{size:09}.bin", content(size), OLD + 500 * SECOND + index, modes[index % 5])
    write(root, b"deep/" + b"/".join(b"level%02d" % depth for depth in range(60)) + b"/bottom", "deep")
    for index in range(40):
        write(root, f"empty/{index:02}", b"", OLD + index)
