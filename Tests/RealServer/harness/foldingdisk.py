"""A file system that takes several spellings of a name for one: NTFS by ntfs-3g, told to ignore case."""

import os
import subprocess

SIZE = 16 << 20
TOOLS = "/usr/sbin:/sbin:/usr/bin:/bin"


class FoldingDisk:
    """Mounted over `directory`, which only root may do: `close()` unmounts it. The image lies at `image`. Names of any case
    are found, and all are shown in lower case."""

    def __init__(self, image, directory):
        self.directory = os.fspath(directory)
        with open(image, "wb") as file:
            file.truncate(SIZE)
        self._run("mkntfs", "-q", "-F", "-Q", image)
        self._run("lowntfs-3g", "-o", "ignore_case", image, self.directory)

    def close(self):
        self._run("umount", self.directory)

    @staticmethod
    def _run(*command):
        done = subprocess.run(
            command, env={"PATH": TOOLS}, capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        if done.returncode != 0:
            raise AssertionError(
                f"{command[0]}: {done.stderr.strip()}. Tests of file systems that fold names mount one: run them as root, "
                "where mounting is allowed and FUSE is there"
            )
