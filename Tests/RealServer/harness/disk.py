"""A disk whose bytes can rot beneath its file system: an ext4 image on a loop device."""

import os
import shutil
import subprocess

SIZE = 16 << 20
TOOLS = "/usr/sbin:/sbin:/usr/bin:/bin"


class NoDisk(Exception):
    """This machine lets nobody mount an image: no root, or a container without loop devices."""


class RottingDisk:
    """Mounted over `directory`, which must be empty. The image lies at `image`."""

    def __init__(self, image, directory):
        self.image = os.fspath(image)
        self.directory = os.fspath(directory)
        with open(self.image, "wb") as file:
            file.truncate(SIZE)
        self._run("mkfs.ext4", "-q", "-F", self.image)
        self._mount()

    def rot(self, content, rotten):
        """Changes `content` on the disk, where it must be once, into `rotten` of the same length. No inode knows."""
        self.close()
        with open(self.image, "r+b") as file:
            data = file.read()
            if data.count(content) != 1:
                raise AssertionError(f"the content is {data.count(content)} times on the disk")
            file.seek(data.index(content))
            file.write(rotten)
        self._mount()

    def close(self):
        self._run("umount", self.directory)

    def _mount(self):
        self._run("mount", "-o", "loop", self.image, self.directory)

    def _run(self, tool, *arguments):
        path = shutil.which(tool, path=TOOLS)
        if path is None:
            raise NoDisk(f"no {tool}")
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise NoDisk(f"{tool}: {done.stderr.strip()}")
