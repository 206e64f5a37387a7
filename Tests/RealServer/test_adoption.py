"""Content that is there already is not transferred, whoever put it there and however."""

import os

from harness import trees
from harness.case import RealServerCase


class AdoptionTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.up = self.machine("up")
        trees.write_many(self.up.root, 30)
        trees.write(self.up.root, "empty", "")
        trees.write(self.up.root, "large", trees.content(20 << 20))

    def assert_no_transfer(self, run):
        moved = [request for request in self.proxy.requests if request.kind in ("PUT", "GET", "POST", "DELETE")]
        self.assertEqual(moved, [], run)
        self.assert_counts(run)

    def fill(self):
        """The bucket as another tool leaves it: the same content, no metadata of ours, a multipart upload among it."""
        for name, facts in trees.snapshot(self.up.root).items():
            if facts.size < 1 << 20:
                self.s3.put(self.bucket, name, trees.read(self.up.root, name))
        self.put_in_parts(b"large", trees.read(self.up.root, "large"), 8 << 20)

    def put_in_parts(self, key, body, size):
        answer = self.s3.request("POST", self.bucket, key, query=[("uploads", "")])
        upload = answer.body.decode().partition("<UploadId>")[2].partition("</UploadId>")[0]
        rows = ""
        for number, start in enumerate(range(0, len(body), size), 1):
            query = [("partNumber", str(number)), ("uploadId", upload)]
            part = self.s3.request("PUT", self.bucket, key, query=query, body=body[start : start + size])
            rows += f"<Part><PartNumber>{number}</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
        text = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
        done = self.s3.request("POST", self.bucket, key, query=[("uploadId", upload)], body=text)
        self.assertEqual(done.status, 200, done.body)

    def test_up_to_a_bucket_that_was_filled_in_parts(self):
        self.fill()
        self.assertIn("-3", self.s3.list(self.bucket)[b"large"].etag)
        self.assert_no_transfer(self.up.once())
        self.assert_idle(self.up)

    def test_down_to_a_folder_that_holds_the_content(self):
        self.fill()
        down = self.machine("down", direction="down", delete=True)
        for name in trees.snapshot(self.up.root):
            trees.write(down.root, name, trees.read(self.up.root, name), mtime_ns=None)
        run = down.once()
        self.assert_no_transfer(run)
        self.assertEqual(run.folder["inSync"], True)

    def test_parts_come_down_and_are_equal(self):
        self.fill()
        down = self.machine("down", direction="down")
        down.once()
        self.assert_same_tree(self.up.root, down.root, mtimes=False, modes=False)
        down.once()
        self.assert_idle(down)

    def test_what_differs_in_one_byte_is_transferred(self):
        self.fill()
        self.s3.put(self.bucket, b"file003.txt", trees.content(100, "another"))
        changed = bytearray(trees.read(self.up.root, "large"))
        changed[-1] ^= 1
        self.put_in_parts(b"large", bytes(changed), 8 << 20)
        self.assert_counts(self.up.once(), uploaded=2)
        self.assert_bucket_equals(self.up.root)

    def test_a_file_moved_over_another_of_its_size_and_time(self):
        trees.write(self.up.root, "first", b"a" * 100)
        trees.write(self.up.root, "second", b"b" * 100)
        self.up.once()
        first, second = (trees.path_of(self.up.root, name) for name in ("first", "second"))
        os.rename(first, first + b".x")
        os.rename(second, first)
        os.rename(first + b".x", second)
        self.assert_counts(self.up.once(), uploaded=2)
        self.assert_bucket_equals(self.up.root)

    def test_a_listing_takes_a_request_for_a_thousand_objects(self):
        self.up.folder["prefix"] = "many"
        for index in range(2_100):
            trees.write(self.up.root, f"d{index % 7}/{index}", b"x")
        self.up.once()
        run = self.assert_idle(self.up)
        self.assertEqual(run.requests, {"LIST": 3})
