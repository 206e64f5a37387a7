#!/usr/bin/env python3
"""A TCP relay that can stand between a tool and the server, a process of its own: it delays, and it counts.

    Bench/relay.py PORT [--delay SECONDS]

It listens on a free port of loopback, prints which, and hands every byte on to PORT of loopback: at once, or `--delay`
seconds later, each way. A connection takes a round trip until its first byte is on its way, as TCP's handshake does.
Nothing is throttled: what is under way is kept, however much follows it. For each line on standard input it prints what
passed since the last one, as JSON; at the end of the input it ends.

Requests are counted by looking at the bytes that pass. Where these are TLS, only bytes and connections are counted.
"""

import argparse
import json
import select
import socket
import sys
import time
from collections import Counter, deque

PIECE = 1 << 18
# Of one direction of one connection; far more than passes in 20 ms.
MOST_UNDER_WAY = 1 << 26
BACKLOG = 1_024


class RequestMeter:
    """Counts the requests of one connection, by class, from the bytes that the client sends on it."""

    def __init__(self, counts):
        self.counts = counts
        self.head = b""
        self.body = 0
        self.opaque = False

    def feed(self, data):
        view = memoryview(data)
        while len(view) and not self.opaque:
            if self.body:
                taken = min(self.body, len(view))
                self.body -= taken
                view = view[taken:]
                continue
            held = len(self.head)
            self.head += bytes(view)
            if not self.head[:1].isupper():
                self.opaque = True
                return
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            view = view[end + 4 - held :]
            self._count(self.head[:end])
            self.head = b""

    def _count(self, head):
        line, *fields = head.split(b"\r\n")
        method, target, _ = line.split(b" ")
        key = target.partition(b"?")[0].lstrip(b"/").partition(b"/")[2]
        kind = "LIST" if method == b"GET" and not key else method.decode()
        self.counts[kind] += 1
        for field in fields:
            name, _, value = field.partition(b":")
            if name.lower() == b"content-length":
                self.body = int(value)


class Stream:
    """One direction of a connection: from one socket to the other."""

    def __init__(self, source, target, word, meter=None):
        self.source, self.target, self.word, self.meter = source, target, word, meter
        self.twin = None
        self.waiting = deque()
        self.under_way = 0
        self.may_read = False
        # Whether its target takes no more for now, and whether its source is to wait.
        self.is_blocked = False
        self.is_full = False
        self.ended = False
        self.shut = False


class Relay:
    def __init__(self, port, delay):
        self.port, self.delay = port, delay
        self.counts = Counter()
        # What is due, and when: the delay is the same for all, so that the first is always the next.
        self.pieces = deque()
        self.handshakes = deque()
        self.streams = {}
        self.watched = {}
        self.poll = select.epoll()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.listener.setblocking(False)
        self.poll.register(self.listener, select.EPOLLIN)

    def run(self):
        print(self.listener.getsockname()[1], flush=True)
        self.poll.register(sys.stdin, select.EPOLLIN)
        while True:
            is_called = False
            for number, events in self.poll.poll(self._patience()):
                if number == self.listener.fileno():
                    is_called = True
                elif number == sys.stdin.fileno():
                    if not sys.stdin.readline():
                        return
                    print(json.dumps(self.counts), flush=True)
                    self.counts.clear()
                else:
                    self._move(number, events)
            # Last: a new connection may get the number of one that was closed meanwhile.
            if is_called:
                self._accept()
            self._deliver()

    def _patience(self):
        """Seconds until something is due; None for ever."""
        due = [queue[0][0] for queue in (self.pieces, self.handshakes) if queue]
        return max(0, min(due) - time.monotonic()) if due else None

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except BlockingIOError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            self.counts["connections"] += 1
            up = Stream(client, server, "sent", RequestMeter(self.counts))
            down = Stream(server, client, "received")
            up.twin, down.twin = down, up
            for stream in (up, down):
                stream.source.setblocking(False)
                stream.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.streams[stream.source.fileno()] = stream
                self.watched[stream.source.fileno()] = 0
                self.poll.register(stream.source, 0)
            self.handshakes.append((time.monotonic() + 2 * self.delay, up))

    def _watch(self, number):
        """Looks for what the socket's two directions wait for."""
        stream = self.streams.get(number)
        if stream is None:
            return
        stream.is_full = stream.under_way >= MOST_UNDER_WAY
        reads = stream.may_read and not stream.ended and not stream.is_full
        events = (select.EPOLLIN if reads else 0) | (select.EPOLLOUT if stream.twin.waiting else 0)
        if events != self.watched.get(number, events):
            self.watched[number] = events
            self.poll.modify(number, events)

    def _move(self, number, events):
        stream = self.streams.get(number)
        if stream is None:
            return
        if events & select.EPOLLERR:
            return self._drop(stream)
        if events & select.EPOLLHUP and stream.ended:
            # Nothing more comes from it or can go to it; what it had sent may still be on its way.
            return self._forget(stream.source)
        if events & select.EPOLLOUT:
            self._send(stream.twin)
        if events & select.EPOLLIN and number in self.streams:
            self._read(stream)

    def _read(self, stream):
        try:
            data = stream.source.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            return self._drop(stream)
        self.counts[stream.word] += len(data)
        if stream.meter is not None:
            stream.meter.feed(data)
        stream.under_way += len(data)
        stream.ended = not data
        self.pieces.append((time.monotonic() + self.delay, stream, data))
        if stream.ended or stream.under_way >= MOST_UNDER_WAY:
            self._watch(stream.source.fileno())

    def _deliver(self):
        now = time.monotonic()
        while self.handshakes and self.handshakes[0][0] <= now:
            up = self.handshakes.popleft()[1]
            for stream in (up, up.twin):
                stream.may_read = True
                self._watch(stream.source.fileno())
        while self.pieces and self.pieces[0][0] <= now:
            _, stream, data = self.pieces.popleft()
            if stream.target.fileno() >= 0:
                stream.waiting.append(memoryview(data))
                self._send(stream)

    def _send(self, stream):
        try:
            while stream.waiting:
                piece = stream.waiting[0]
                if not len(piece):
                    stream.target.shutdown(socket.SHUT_WR)
                    stream.shut = True
                    stream.waiting.clear()
                    break
                sent = stream.target.send(piece)
                stream.under_way -= sent
                if sent == len(piece):
                    stream.waiting.popleft()
                else:
                    stream.waiting[0] = piece[sent:]
        except BlockingIOError:
            pass
        except OSError:
            return self._drop(stream)
        if stream.shut and stream.twin.shut:
            return self._drop(stream)
        if stream.is_blocked != bool(stream.waiting):
            stream.is_blocked = bool(stream.waiting)
            self._watch(stream.target.fileno())
        if stream.is_full and stream.under_way < MOST_UNDER_WAY:
            self._watch(stream.source.fileno())

    def _drop(self, stream):
        """Closes both ends at once."""
        for end in (stream.source, stream.target):
            if self.streams.pop(end.fileno(), None) is not None:
                self._forget(end)
                end.close()

    def _forget(self, end):
        """Looks for nothing at this socket any more."""
        if self.watched.pop(end.fileno(), None) is not None:
            self.poll.unregister(end)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--delay", type=float, default=0.0)
    arguments = parser.parse_args()
    Relay(arguments.port, arguments.delay).run()


if __name__ == "__main__":
    main()
