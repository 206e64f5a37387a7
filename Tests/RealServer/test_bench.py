"""The instruments of Bench: the relay delays, throttles nothing and counts; pages are those of a plain listing; tables
are written between marks of their own."""

import socket
import sys
import threading
import time
import unittest
import xml.dom.minidom
from pathlib import Path
from types import SimpleNamespace

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "Bench"))

import chart  # noqa: E402
import listing  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

DELAY = 0.02
MEBIBYTE = 1 << 20


class RelayCase(unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.addCleanup(self.listener.close)

    def relay(self, delay=DELAY):
        relay = servers.Relay(self.listener.getsockname()[1], delay)
        self.addCleanup(relay.__exit__)
        return relay

    def connect(self, relay):
        connection = socket.create_connection(("127.0.0.1", relay.port), timeout=60)
        self.addCleanup(connection.close)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def echo(self, count):
        """Answers every byte on so many connections by itself, each on a thread of its own."""

        def answer(connection):
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)

        def accept():
            for _ in range(count):
                threading.Thread(target=answer, args=(self.listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def ping(self, connection):
        """- Returns: the seconds until the answer came."""
        begun = time.monotonic()
        connection.sendall(b"?")
        self.assertEqual(connection.recv(1), b"?")
        return time.monotonic() - begun


class RelayTests(RelayCase):
    def test_a_round_trip_takes_the_delay_twice_and_the_first_of_a_connection_four_times(self):
        self.echo(1)
        connection = self.connect(self.relay())
        self.assertGreaterEqual(self.ping(connection), 4 * DELAY)
        for _ in range(5):
            self.assertGreaterEqual(self.ping(connection), 2 * DELAY)

    def test_many_connections_are_delayed_at_once_and_not_one_after_the_other(self):
        self.echo(256)
        relay = self.relay()
        connections = [self.connect(relay) for _ in range(256)]
        begun = time.monotonic()
        for connection in connections:
            connection.sendall(b"?")
        for connection in connections:
            self.assertEqual(connection.recv(1), b"?")
        self.assertLess(time.monotonic() - begun, 256 * 4 * DELAY / 2)

    def test_a_sender_is_not_held_up_by_what_has_not_arrived(self):
        """It gets rid of 48 MiB while not a byte of them is taken at the other end; then all of them come."""
        block = bytes(range(256)) * (MEBIBYTE // 256)
        sender = self.connect(self.relay())
        receiver, _ = self.listener.accept()
        self.addCleanup(receiver.close)
        for _ in range(48):
            sender.sendall(block)
        sender.shutdown(socket.SHUT_WR)
        found = bytearray()
        while data := receiver.recv(MEBIBYTE):
            found += data
        self.assertEqual(len(found), 48 * MEBIBYTE)
        self.assertTrue(found == block * 48)

    def test_an_end_goes_one_way_and_leaves_the_other_open(self):
        sender = self.connect(self.relay())
        receiver, _ = self.listener.accept()
        self.addCleanup(receiver.close)
        sender.sendall(b"question")
        sender.shutdown(socket.SHUT_WR)
        self.assertEqual(receiver.recv(100), b"question")
        self.assertEqual(receiver.recv(100), b"")
        receiver.sendall(b"answer")
        receiver.close()
        self.assertEqual(sender.recv(100), b"answer")
        self.assertEqual(sender.recv(100), b"")

    def test_requests_are_counted_however_their_bytes_are_cut(self):
        self.echo(1)
        relay = self.relay(delay=0)
        connection = self.connect(relay)
        body = b"GET /not/a-request HTTP/1.1\r\n\r\n"
        put = b"PUT /bucket/key HTTP/1.1\r\nHost: a\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        text = b"GET /bucket?list-type=2 HTTP/1.1\r\n\r\nGET /bucket/a%2Fb HTTP/1.1\r\n\r\n" + put * 2
        text += b"HEAD /bucket/key HTTP/1.1\r\n\r\nPOST /bucket?delete HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
        for start in range(0, len(text), 7):
            connection.sendall(text[start : start + 7])
        received = 0
        while received < len(text):
            received += len(connection.recv(1 << 16))
        expected = {"LIST": 1, "GET": 1, "PUT": 2, "HEAD": 1, "POST": 1, "connections": 1}
        self.assertEqual(relay.take_counts(), expected | {"sent": len(text), "received": len(text)})
        self.assertEqual(relay.take_counts(), {})

    def test_what_is_no_http_is_counted_in_bytes(self):
        self.echo(1)
        relay = self.relay(delay=0)
        connection = self.connect(relay)
        connection.sendall(b"\x16\x03\x01GET / HTTP/1.1\r\n\r\n")
        received = 0
        while received < 21:
            received += len(connection.recv(100))
        self.assertEqual(relay.take_counts(), {"connections": 1, "sent": 21, "received": 21})


class ListingTests(unittest.TestCase):
    KEYS = [b"a", b"a-b", b"a/x", b"a/y/z", b"a0", b"b/c", b"b/d", b"\xc3\xa9"]

    def setUp(self):
        self.pages = listing.Pages({key: (key, {}) for key in reversed(self.KEYS)})

    def walk(self, prefix=b"", delimiter=None, limit=2):
        """All rows and common prefixes, page by page, and how many pages there were."""
        rows, prefixes, after, count = [], [], b"", 0
        while after is not None:
            page, common, after = self.pages.page(prefix, delimiter, after, limit)
            self.assertLessEqual(len(page) + len(common), limit)
            rows, prefixes, count = rows + page, prefixes + common, count + 1
        return [row.partition("<Key>")[2].partition("</Key>")[0] for row in rows], prefixes, count

    def test_pages_are_in_byte_order_and_leave_nothing_out(self):
        keys = ["a", "a-b", "a/x", "a/y/z", "a0", "b/c", "b/d", "%C3%A9"]
        self.assertEqual(self.walk(), (keys, [], 4))
        self.assertEqual(self.walk(prefix=b"a/")[0], ["a/x", "a/y/z"])

    def test_what_lies_below_a_delimiter_is_told_once(self):
        self.assertEqual(self.walk(delimiter=b"/"), (["a", "a-b", "a0", "%C3%A9"], [b"a/", b"b/"], 3))
        self.assertEqual(self.walk(prefix=b"a/", delimiter=b"/")[:2], (["a/x"], [b"a/y/"]))


class ReportTests(unittest.TestCase):
    def table(self):
        def tool(name, **what):
            return SimpleNamespace(**{"name": name, "is_floor": False, "sees_less": False} | what)

        def runs(*costs):
            return [SimpleNamespace(wall=cost, cpu=cost / 2, rss=MEBIBYTE, small=None) for cost in costs]

        cast = [tool("syncd"), tool("other <a&b>"), tool("weaker", sees_less=True), tool("floor: x", is_floor=True)]
        figures = {
            "syncd": runs(1, 2, 3),
            "other <a&b>": runs(4, 4, 4),
            "weaker": runs(1, 1, 1),
            "floor: x": runs(0, 0, 0),
        }
        return report.Table("work", figures, {}, cast, (0.4, None))

    def test_the_best_is_a_rival_by_the_median_of_paired_ratios(self):
        wall, cpu = ("wall 0.50 × that of other <a&b> (bar 0.4: not held)", "CPU 0.50 × that of other <a&b>")
        self.assertEqual(self.table().verdict(with_bars=True), f"Against the best: {wall}, {cpu}.")

    def test_a_chart_is_well_formed(self):
        root = xml.dom.minidom.parseString(chart.draw("a & b", [self.table()])).documentElement
        self.assertEqual(root.tagName, "svg")
        self.assertEqual(len(root.getElementsByTagName("rect")), 1 + 2 * 4)

    def test_a_group_is_written_between_its_own_marks(self):
        text = report.replace_between_marks("before\n", "one", ["1"])
        text = report.replace_between_marks(text, "two", ["2"])
        again = report.replace_between_marks(text, "one", ["3"])
        self.assertEqual(again, text.replace("\n1\n", "\n3\n"))
        self.assertIn("\n2\n", again)
