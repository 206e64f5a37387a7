"""An HTTP proxy that stands between syncd and the server: it counts requests, and makes some of them go wrong."""

import http.client
import http.server
import socket
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .s3client import EMPTY_SHA256, query_text, sign

HOLD_SECONDS = 60


@dataclass(frozen=True)
class SeenRequest:
    """One request. `kind` is LIST for a listing, else the method: the classes that `--json` counts by. `range` and
    `checksum` are the texts of these headers, `size` the bytes of the body."""

    kind: str
    target: str
    key: bytes
    query: tuple
    range: str = ""
    size: int = 0
    checksum: str = ""

    @property
    def part(self):
        """The number of the part that this request sends; None for any other."""
        return int(dict(self.query).get("partNumber", 0)) or None

    @property
    def piece(self):
        """What of the object this request carries: a part's number, a range, or nothing for the whole."""
        return self.part or self.range

    def asks(self, name):
        """Whether the query names this parameter."""
        return name in dict(self.query)


@dataclass
class Fault:
    """What happens to the requests of one kind, from the `first` such request on, to `times` of them.

    One of: an error answer (`status`, `code`), an answer that ends after `cut_after` bytes of its body, another body
    than the one that was sent (`alter_request`) or answered (`alter`), a connection closed before anything was sent on
    (`close`) or when the server has answered (`lose_answer`), or a wait (`hold`) until `release()` or `drop()`; and
    `then` is called before all that. `key` and `where` choose among the requests of the kind.
    """

    kind: str
    first: int = 1
    times: int | None = None
    key: bytes | None = None
    where: Callable[[SeenRequest], bool] | None = None
    then: Callable[[], None] | None = None
    status: int | None = None
    code: str = "InternalError"
    cut_after: int | None = None
    alter_request: Callable[[bytes], bytes] | None = None
    alter: Callable[[bytes], bytes] | None = None
    close: bool = False
    lose_answer: bool = False
    hold: bool = False
    matched: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    _done: threading.Event = field(default_factory=threading.Event)

    def applies(self, request):
        if request.kind != self.kind or (self.key is not None and request.key != self.key):
            return False
        if self.where is not None and not self.where(request):
            return False
        self.matched += 1
        return self.matched >= self.first and (self.times is None or self.matched < self.first + self.times)

    def wait_until_reached(self, seconds=HOLD_SECONDS):
        """Blocks until the first request is held (or met, where nothing is held)."""
        if not self.reached.wait(seconds):
            raise AssertionError(f"no {self.kind} request number {self.first} came in {seconds} s")

    def release(self):
        """Lets all held requests go on to the server."""
        self._done.set()

    def drop(self):
        """Closes the connections of all held requests; none of them reaches the server."""
        self.dropped = True
        self._done.set()

    def wait(self):
        self._done.wait(HOLD_SECONDS)


class FaultProxy:
    """Forwards to a server on loopback, byte for byte as far as signatures can tell."""

    def __init__(self, server_port, credentials):
        self.server_port = server_port
        self.credentials = credentials
        # Objects in a page of a listing, where that is to be fewer than the client asks for.
        self.page_size = None
        # Whether objects are answered whatever If-Match says, as some services do.
        self.ignores_conditions = False
        self.faults = []
        self.requests = []
        # PUTs that the server took, and GETs whose answer was handed on whole.
        self.done = []
        self.connections = 0
        self._lock = threading.Lock()
        self._http = _Listener(("127.0.0.1", 0), _Handler)
        self._http.proxy = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self):
        return self._http.server_address[1]

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        for fault in self.faults:
            fault.drop()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def fault(self, kind, **options):
        """Adds a fault; it counts requests from now on."""
        fault = Fault(kind, **options)
        with self._lock:
            self.faults.append(fault)
        return fault

    def heal(self):
        """Removes all faults, and lets what they hold go on."""
        with self._lock:
            faults, self.faults = self.faults, []
        for fault in faults:
            fault.release()

    def count_connection(self, change):
        with self._lock:
            self.connections += change

    def wait_until_quiet(self, seconds=HOLD_SECONDS):
        """Blocks until all connections are closed: until nothing that a killed client had sent is still under way."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < 3:
            quiet = quiet + 1 if self.connections == 0 else 0
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.connections} connections are still open after {seconds} s")
            time.sleep(0.02)

    def forget(self):
        """Starts counting anew."""
        with self._lock:
            self.requests = []

    def take_done(self):
        """The requests that came to an end since the last time."""
        with self._lock:
            done, self.done = self.done, []
        return done

    @property
    def counts(self):
        """Requests by kind, since the last `forget()`."""
        with self._lock:
            return dict(Counter(request.kind for request in self.requests))

    def note_done(self, request):
        with self._lock:
            self.done.append(request)

    def admit(self, request):
        """Notes a request. - Returns: the fault that it meets, if any."""
        with self._lock:
            self.requests.append(request)
            met = [fault for fault in self.faults if fault.applies(request)]
        for fault in met:
            fault.reached.set()
        return met[0] if met else None


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Connections that break off are what this proxy is for: nothing is printed of them."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body of an answer leave together; without this, small answers wait for the client's delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 300

    def setup(self):
        super().setup()
        self.server.proxy.count_connection(1)
        self.upstream = http.client.HTTPConnection("127.0.0.1", self.server.proxy.server_port, timeout=120)

    def finish(self):
        self.upstream.close()
        self.server.proxy.count_connection(-1)
        super().finish()

    def log_message(self, *_):
        pass

    def forward(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            return self._hang_up()
        request = self._seen(length)
        fault = self.server.proxy.admit(request)
        if fault is None:
            return self._pass_on(request, body)
        if fault.then is not None:
            fault.then()
        if fault.hold:
            fault.wait()
            if not fault.dropped:
                return self._pass_on(request, body)
        if fault.close or fault.hold:
            return self._hang_up()
        if fault.status is not None:
            text = f"<Error><Code>{fault.code}</Code><Message>made to fail by a proxy</Message></Error>"
            headers = [("Content-Type", "application/xml")]
            return self._answer(fault.status, "Failed", headers, text.encode())
        if fault.alter_request is not None:
            body = fault.alter_request(body)
        status, reason, headers, answered = self._ask(request, body)
        if fault.lose_answer:
            return self._hang_up()
        if fault.alter is not None:
            answered = fault.alter(answered)
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        self._answer(status, reason, headers, answered, cut_after=fault.cut_after)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = forward

    def _pass_on(self, request, body):
        self._answer(*self._ask(request, body))
        if request.kind == "GET":
            self.server.proxy.note_done(request)

    def _seen(self, size):
        path, _, query = self.path.partition("?")
        bucket, _, key = path[1:].partition("/")
        pairs = tuple(urllib.parse.parse_qsl(query, keep_blank_values=True))
        kind = "LIST" if self.command == "GET" and not key else self.command
        span = self.headers.get("Range") or ""
        checksum = self.headers.get("x-amz-checksum-crc64nvme") or ""
        return SeenRequest(kind, self.path, urllib.parse.unquote_to_bytes(key), pairs, span, size, checksum)

    def _ask(self, request, body):
        target, headers = self.path, list(self.headers.items())
        page_size = self.server.proxy.page_size
        if request.kind == "LIST" and page_size:
            target, headers = self._with_small_pages(request, page_size)
        if request.kind == "GET" and self.server.proxy.ignores_conditions and not request.query:
            headers = self._without_conditions()
        self.upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in ("connection", "expect"):
                self.upstream.putheader(name, value)
        self.upstream.endheaders(body or None)
        response = self.upstream.getresponse()
        hop = ("connection", "transfer-encoding", "keep-alive")
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in hop]
        answered = response.read()
        if request.kind == "PUT" and response.status < 300:
            self.server.proxy.note_done(request)
        return response.status, response.reason, kept, answered

    def _with_small_pages(self, request, page_size):
        """The same listing with another `max-keys`, and a signature to match."""
        pairs = [(name, value) for name, value in request.query if name != "max-keys"]
        query = query_text([*pairs, ("max-keys", str(page_size))])
        path = self.path.partition("?")[0]
        credentials = self.server.proxy.credentials
        signed = sign(credentials, "GET", self.headers["Host"], path, query, {}, EMPTY_SHA256)
        return f"{path}?{query}", list(signed.items())

    def _without_conditions(self):
        """The headers of the same request without If-Match, and a signature to match."""
        kept = {"Range": self.headers["Range"]} if "Range" in self.headers else {}
        credentials = self.server.proxy.credentials
        return list(sign(credentials, "GET", self.headers["Host"], self.path, "", kept, EMPTY_SHA256).items())

    def _answer(self, status, reason, headers, body, cut_after=None):
        self.send_response_only(status, reason)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in names and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut_after is None else body[:cut_after])
        self.wfile.flush()
        if cut_after is not None:
            self._hang_up()

    def _hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
