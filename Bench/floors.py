"""Floors: programs that do a part of the work only, and tell what the server and the machine take for it at least. They
are no rivals: they compare nothing and keep nothing in step."""

import os
import urllib.parse

from tools import CONCURRENCY, Tool, native_s5cmd


class Floor(Tool):
    is_floor = True
    table = "both"


class Look(Floor):
    """Changes nothing, so that there is nothing to check of it."""

    only_looks = True

    def __init__(self, name, flags, binary):
        super().__init__(name, flags, binary, rows=("idle", "changed"))


class Curl(Floor):
    """The same files, one by one to their objects' addresses and back, as many at once as the tools have transfers."""

    def __init__(self):
        flags = ["--parallel", "--parallel-max", str(CONCURRENCY), "--aws-sigv4", "aws:amz:us-east-1:s3"]
        super().__init__("floor: curl", flags, "/usr/bin/curl", rows=("up", "down"))
        self.names = []

    def command(self, job):
        credentials = job.endpoint.credentials
        if job.row == "up":
            self.names = sorted(self._names(os.fsencode(job.tree)))
        option = "upload-file" if job.row == "up" else "output"
        lines = [f'user = "{credentials.access_key}:{credentials.secret_key}"', "create-dirs"]
        lines += [f'cacert = "{job.endpoint.ca_file}"'] if job.endpoint.ca_file else []
        for name in map(os.fsdecode, self.names):
            address = f"{job.endpoint.url}/{job.bucket}/{urllib.parse.quote(name)}"
            lines += [f'{option} = "{job.tree}/{name}"', f'url = "{address}"']
        file = job.place / "curl.conf"
        file.write_text("\n".join(lines) + "\n")
        unsigned = ["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
        return [self.binary, "--silent", "--show-error", "--fail", *self.flags, *unsigned, "--config", file]

    @staticmethod
    def _names(top):
        for directory, _, names in os.walk(top):
            for name in names:
                yield os.path.relpath(os.path.join(directory, name), top)


class Find(Look):
    """Looks at every file of the tree."""

    def __init__(self):
        super().__init__("floor: find", ["-type", "f", "-printf", "'%s %T@ %P\\n'"], "/usr/bin/find")

    def command(self, job):
        return [self.binary, job.tree, "-type", "f", "-printf", "%s %T@ %P\n"]


class PlainListing(Look):
    """Lists the bucket that the first tool has filled."""

    def __init__(self, directory):
        super().__init__("floor: s5cmd ls", [], native_s5cmd(directory))

    def command(self, job):
        return [self.binary, "--endpoint-url", job.endpoint.url, "ls", f"s3://{job.bucket}/*"]

    def described(self):
        return "ls"
