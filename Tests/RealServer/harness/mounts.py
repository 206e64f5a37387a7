"""File systems that come and go: what a test mounts, which only root may do."""

import os
import subprocess


class Mounts:
    """All that a test mounts. `close()` unmounts what is left, the last first; a daemon may still hold it open."""

    def __init__(self):
        self._targets = []

    def bind(self, source, target):
        """Shows `source` at `target`, too: another mount of the same file system."""
        self._mount("--bind", source, target)

    def tmpfs(self, target):
        self._mount("-t", "tmpfs", "tmpfs", target)

    def ramfs(self, target):
        """A file system that holds no extended attributes."""
        self._mount("-t", "ramfs", "ramfs", target)

    def image(self, image, target):
        """An ext4 image, made where there is none, on the first free loop device."""
        if not image.exists():
            with open(image, "wb") as file:
                file.truncate(16 << 20)
            self._run("mkfs.ext4", "-q", "-F", image)
        self._mount("-o", "loop", image, target)

    def unmount(self, target, lazily=False):
        """Lazily, as where a process holds it open: new look-ups do not find it any more."""
        self._run("umount", *(["--lazy"] if lazily else []), target)
        self._targets.remove(os.fspath(target))

    def close(self):
        for target in reversed(self._targets):
            self._run("umount", "--lazy", target)
        self._targets = []

    def _mount(self, *arguments):
        target = os.fspath(arguments[-1])
        os.makedirs(target, exist_ok=True)
        self._run("mount", *arguments)
        self._targets.append(target)

    @staticmethod
    def _run(*command):
        environment = os.environ | {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
        command = [os.fspath(word) for word in command]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)} was refused: {done.stderr.strip()}. Tests of gates mount and unmount: run them as "
                "root, where mounting is allowed"
            )
