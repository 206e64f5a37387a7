"""An S3 server in memory, for buckets that SeaweedFS cannot hold: a key beneath a key, empty and dot segments, bytes that
are no text. It lists in byte order and checks neither signatures nor permissions."""

import email.utils
import hashlib
import http.server
import ssl
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

PAGE = 1_000


class MemoryServer:
    """One bucket, of any name. `objects` maps keys to (body, metadata); tests may change it at any time."""

    def __init__(self, certificate=None, handler=None):
        """With `certificate`, a PEM file that holds the key as well, it speaks TLS. `handler` answers in place of
        `MemoryHandler`."""
        self.objects = {}
        self.scheme = "https" if certificate else "http"
        self.lock = threading.Lock()
        self._http = _Listener(("127.0.0.1", 0), handler or MemoryHandler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        self._http.memory = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self._http.server_address[1]}"

    def put(self, key, body=b""):
        with self.lock:
            self.objects[key] = (body, {})

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 128


class MemoryHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.memory = self.server.memory

    def log_message(self, *_):
        pass

    def do_GET(self):
        key, query = self._target()
        if not key:
            return self._list(query)
        with self.memory.lock:
            found = self.memory.objects.get(key)
        if found is None:
            return self._fail(404, "NoSuchKey")
        body, metadata = found
        etag = hashlib.md5(body).hexdigest()
        wanted = self.headers.get("If-Match")
        if wanted and wanted.strip('"') != etag:
            return self._fail(412, "PreconditionFailed")
        headers = {"ETag": f'"{etag}"', "Last-Modified": email.utils.formatdate(time.time(), usegmt=True)}
        self._answer(200, body, headers | metadata)

    do_HEAD = do_GET

    def do_PUT(self):
        key, _ = self._target()
        body = self._body()
        metadata = {name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}
        with self.memory.lock:
            self.memory.objects[key] = (body, metadata)
        self._answer(200, b"", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def do_DELETE(self):
        key, _ = self._target()
        with self.memory.lock:
            self.memory.objects.pop(key, None)
        self._answer(204, b"")

    def do_POST(self):
        """DeleteObjects, the only POST that syncd sends."""
        root = ElementTree.fromstring(self._body())
        keys = [element.text or "" for element in root.iter() if element.tag.rpartition("}")[2] == "Key"]
        with self.memory.lock:
            for key in keys:
                self.memory.objects.pop(key.encode(), None)
        rows = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{rows}</DeleteResult>".encode())

    def _list(self, query):
        prefix = urllib.parse.unquote_to_bytes(query.get("prefix", ""))
        after = bytes.fromhex(query.get("continuation-token", ""))
        with self.memory.lock:
            everything = sorted(key for key in self.memory.objects if key.startswith(prefix) and key > after)
            page = [(key, self.memory.objects[key][0]) for key in everything[:PAGE]]
        rows = [
            f"<Contents><Key>{urllib.parse.quote(key, safe='/')}</Key>"
            f"<LastModified>2026-01-02T03:04:05.000Z</LastModified>"
            f'<ETag>&quot;{hashlib.md5(body).hexdigest()}&quot;</ETag><Size>{len(body)}</Size></Contents>'
            for key, body in page
        ]
        truncated = len(everything) > PAGE
        token = f"<NextContinuationToken>{page[-1][0].hex()}</NextContinuationToken>" if truncated else ""
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><EncodingType>url</EncodingType>'
            f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{str(truncated).lower()}</IsTruncated>{token}"
            f"{''.join(rows)}</ListBucketResult>"
        )
        self._answer(200, text.encode(), {"Content-Type": "application/xml"})

    def _target(self):
        path, _, query = self.path.partition("?")
        if path.startswith("http://"):
            # Asked as a proxy: it answers for every host.
            path = "/" + path.removeprefix("http://").partition("/")[2]
        key = urllib.parse.unquote_to_bytes(path[1:].partition("/")[2])
        # Values stay percent-encoded here: a prefix need not be UTF-8.
        pairs = (pair.partition("=") for pair in query.split("&") if pair)
        return key, {name: value for name, _, value in pairs}

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _fail(self, status, code):
        self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())

    def _answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
