"""A file system of a few MiB that a test can fill."""

import errno
import os
import subprocess


class SmallDisk:
    """A tmpfs mounted at a directory, which only root may do: `close()` unmounts it."""

    def __init__(self, path, mebibytes=8):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._mount("-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", str(path))

    @staticmethod
    def _mount(*arguments):
        command = ["mount", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)} was refused: {done.stderr.strip()}. Tests of full disks mount small ones: run them "
                "as root, where mounting is allowed"
            )

    def grow(self, mebibytes):
        self._mount("-o", f"remount,size={mebibytes}m", str(self.path))

    def fill(self, name="ballast", leave=0):
        """Writes a file until nothing fits, then frees `leave` bytes again."""
        ballast = self.path / name
        with open(ballast, "wb", buffering=0) as file:
            size = 4_096 * 256
            while size >= 4_096:
                try:
                    # A short write is a write.
                    file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2
        if leave:
            os.truncate(ballast, max(0, ballast.stat().st_size - leave))
        return ballast

    def close(self):
        subprocess.run(["umount", str(self.path)], check=True)
