#!/usr/bin/env python3
"""An S3 server in memory that holds a tree of files in every bucket it is asked for, and lists them in byte order.

    Bench/listing.py TREE

It prints the port it listens on, and ends with its standard input. A page is found by bisection and put together from
rows made in advance: listing costs it next to nothing, so that what is measured is the client and the way to it. It
checks no signatures. What is written to it stays in memory, and is seen in all buckets.
"""

import bisect
import hashlib
import os
import sys
import threading
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "RealServer"))

from harness import memoryserver  # noqa: E402

PAGE = 1_000
AFTER_SLASH = b"0"


def quoted(key):
    return urllib.parse.quote(key, safe="/")


class Pages:
    """The keys in byte order, and the row that each makes in a listing."""

    def __init__(self, objects):
        self.objects = objects
        self.keys = []
        self.rows = {}
        self.lock = threading.Lock()

    def refresh(self):
        with self.lock:
            if len(self.keys) == len(self.objects):
                return
            self.keys = sorted(self.objects)
            for key in self.keys:
                if key not in self.rows:
                    self.rows[key] = self._row(key, self.objects[key][0])

    @staticmethod
    def _row(key, body):
        return (
            f"<Contents><Key>{quoted(key)}</Key>"
            "<LastModified>2026-01-02T03:04:05.000Z</LastModified>"
            f"<ETag>&quot;{hashlib.md5(body).hexdigest()}&quot;</ETag><Size>{len(body)}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>"
        )

    def page(self, prefix, delimiter, after, limit):
        """- Returns: the rows of a page, the common prefixes in it, and where the next one begins; None at the end."""
        self.refresh()
        rows, prefixes = [], []
        index = max(bisect.bisect_left(self.keys, prefix), bisect.bisect_right(self.keys, after))
        last = None
        while index < len(self.keys) and self.keys[index].startswith(prefix):
            if len(rows) + len(prefixes) == limit:
                return rows, prefixes, last
            key = last = self.keys[index]
            end = key.find(b"/", len(prefix)) if delimiter else -1
            if end < 0:
                rows.append(self.rows[key])
                index += 1
                continue
            prefixes.append(key[: end + 1])
            index = bisect.bisect_left(self.keys, key[:end] + AFTER_SLASH)
            last = self.keys[index - 1]
        return rows, prefixes, None


class Handler(memoryserver.MemoryHandler):
    pages = None

    def _list(self, query):
        text = {name: urllib.parse.unquote_to_bytes(value.replace("+", " ")) for name, value in query.items()}
        if self.command == "HEAD" or "location" in query:
            body = b'<?xml version="1.0" encoding="UTF-8"?><LocationConstraint/>'
            return self._answer(200, body, {"Content-Type": "application/xml"})
        prefix, token = text.get("prefix", b""), text.get("continuation-token", b"")
        after = bytes.fromhex(token.decode()) if token else text.get("start-after", text.get("marker", b""))
        limit = min(PAGE, int(text.get("max-keys", PAGE)))
        rows, prefixes, last = self.pages.page(prefix, text.get("delimiter"), after, limit)
        rows += [f"<CommonPrefixes><Prefix>{quoted(name)}</Prefix></CommonPrefixes>" for name in prefixes]
        next_page = ""
        if last and "list-type" in text:
            next_page = f"<NextContinuationToken>{last.hex()}</NextContinuationToken>"
        elif last:
            next_page = f"<NextMarker>{quoted(last)}</NextMarker>"
        self._answer(200, self._document(rows, next_page).encode(), {"Content-Type": "application/xml"})

    @staticmethod
    def _document(rows, next_page):
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>'
            f"<KeyCount>{len(rows)}</KeyCount><IsTruncated>{'true' if next_page else 'false'}</IsTruncated>"
            f"{next_page}{''.join(rows)}</ListBucketResult>"
        )


def load(server, root):
    top = os.fsencode(root)
    for directory, _, names in os.walk(top):
        for name in names:
            path = os.path.join(directory, name)
            seconds = os.stat(path).st_mtime_ns / 1e9
            # As rclone notes the time of a file; others look at the listing alone.
            metadata = {"x-amz-meta-mtime": f"{seconds:.9f}"}
            with open(path, "rb") as file:
                server.objects[os.path.relpath(path, top)] = (file.read(), metadata)


def main():
    server = memoryserver.MemoryServer(handler=Handler)
    Handler.pages = Pages(server.objects)
    load(server, sys.argv[1])
    Handler.pages.refresh()
    print(server.endpoint.rpartition(":")[2], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
