"""Answers that are cut, changed or senseless: a file or object is the old one or the new one, never anything else."""

import re

from harness import trees
from harness.case import RealServerCase


def flipped(body):
    """The same bytes but for one bit in the middle."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :] if body else body


class DownDamageTests(RealServerCase):
    def setUp(self):
        super().setUp()
        self.down = self.machine("down", direction="down", delete=True)
        self.s3.put(self.bucket, b"file", b"the old version")
        self.s3.put(self.bucket, b"other", b"other")
        self.down.once()
        self.body = trees.content(200_000)
        self.s3.put(self.bucket, b"file", self.body)

    def assert_old(self):
        self.assertEqual(trees.read(self.down.root, "file"), b"the old version")
        self.assertEqual(trees.leftovers(self.down.root), [])

    def assert_new_once_healed(self):
        self.proxy.heal()
        self.down.once()
        self.assertEqual(trees.read(self.down.root, "file"), self.body)
        self.assertEqual(trees.leftovers(self.down.root), [])

    def test_a_download_that_breaks_off_is_fetched_again(self):
        self.proxy.fault("GET", times=2, cut_after=100_000)
        self.down.once()
        self.assertEqual(trees.read(self.down.root, "file"), self.body)

    def test_a_download_that_always_breaks_off_leaves_the_old_file(self):
        self.s3.put(self.bucket, b"third", b"third")
        self.proxy.fault("GET", key=b"file", cut_after=100_000)
        run = self.down.once(expect=None)
        self.assertIn(run.code, (3, 69), run)
        self.assert_old()
        self.assert_new_once_healed()

    def test_a_flipped_bit_is_noticed(self):
        self.proxy.fault("GET", key=b"file", alter=flipped)
        run = self.down.once(expect=3)
        self.assertEqual(self.problems(run), {b"file": "corrupt"})
        self.assert_old()
        self.assert_new_once_healed()

    def test_a_short_body_that_claims_to_be_whole_is_noticed(self):
        self.proxy.fault("GET", key=b"file", alter=lambda body: body[:-1])
        run = self.down.once(expect=3)
        self.assertEqual(self.problems(run), {b"file": "corrupt"})
        self.assert_old()
        self.assert_new_once_healed()

    def test_a_download_that_is_refused_leaves_the_old_file(self):
        self.proxy.fault("GET", key=b"file", status=403, code="AccessDenied")
        run = self.down.once(expect=3)
        self.assertEqual(self.problems(run), {b"file": "denied"})
        self.assert_old()
        self.assert_new_once_healed()

    def test_a_deleted_object_that_may_not_be_looked_at_again_deletes_nothing(self):
        self.s3.delete(self.bucket, b"other")
        self.proxy.fault("HEAD", status=403, code="AccessDenied")
        self.proxy.fault("LIST", first=2, status=403, code="AccessDenied")
        self.down.once(expect=None)
        self.assertTrue(trees.exists(self.down.root, "other"), "a 403 was taken for an absence")

    def test_a_listing_of_the_one_key_tells_what_a_head_may_not(self):
        self.s3.delete(self.bucket, b"other")
        self.proxy.fault("HEAD", status=403, code="AccessDenied")
        self.down.once()
        self.assertFalse(trees.exists(self.down.root, "other"))


class UpDamageTests(RealServerCase):
    def test_a_body_that_changes_on_its_way_is_not_kept(self):
        up = self.machine("up")
        for size in (4_096, 3 << 20):
            trees.write(up.root, f"file{size}", trees.content(size))
        self.proxy.fault("PUT", alter_request=flipped)
        run = up.once(expect=3)
        self.assertEqual(set(self.problems(run).values()), {"corrupt"}, run)
        self.assertEqual(self.keys(), [])
        self.proxy.heal()
        up.once()
        self.assert_bucket_equals(up.root)

    def test_an_answer_that_is_lost_does_not_lose_the_upload(self):
        up = self.machine("up")
        trees.write_many(up.root, 5)
        # The server stores the object, and the client never hears of it.
        self.proxy.fault("PUT", times=3, cut_after=0, alter=lambda body: body + b" ")
        up.once()
        self.assert_bucket_equals(up.root)
        self.assert_idle(up)

    def test_a_batch_of_deletes_that_is_refused_is_told_and_tried_again(self):
        up = self.machine("up", delete=True)
        trees.write_many(up.root, 8)
        up.once()
        trees.remove(up.root, "file000.txt")
        trees.remove(up.root, "file001.txt")
        for kind in ("POST", "DELETE"):
            self.proxy.fault(kind, status=403, code="AccessDenied")
        run = up.once(expect=3)
        self.assertEqual(self.problems(run), {b"file000.txt": "denied", b"file001.txt": "denied"})
        self.assertEqual(len(self.keys()), 8)
        self.proxy.heal()
        self.assert_counts(up.once(), deletedRemote=2)


class ListingDamageTests(RealServerCase):
    """A listing that makes no sense ends the cycle; nothing is concluded from it."""

    def setUp(self):
        super().setUp()
        self.down = self.machine("down", direction="down", delete=True)
        for index in range(30):
            self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.down.once()
        self.before = trees.snapshot(self.down.root)
        self.s3.delete(self.bucket, b"file000.txt")
        self.proxy.page_size = 10

    def assert_refused(self, **options):
        self.proxy.fault("LIST", **options)
        try:
            run = self.down.once(expect=1)
        finally:
            self.proxy.heal()
        self.assert_counts(run)
        self.assert_equal_trees(self.before, trees.snapshot(self.down.root), "the root")
        return run

    def test_pages_that_are_not_what_s3_answers(self):
        bodies = {
            "half a page": lambda body: body[: len(body) // 2],
            "nothing": lambda body: b"",
            "a web page": lambda body: b"<html><body>Please sign in</body></html>",
            "an error in a success": lambda body: b"<Error><Code>InternalError</Code></Error>",
            "another document": lambda body: body.replace(b"ListBucketResult", b"ListAllMyBucketsResult"),
            "no size": lambda body: re.sub(rb"<Size>.*?</Size>", b"", body),
            "a size below zero": lambda body: re.sub(rb"<Size>", b"<Size>-", body),
            "a broken escape in a key": lambda body: body.replace(b"<Key>file", b"<Key>%zzfile", 1),
            "an entity bomb": lambda body: b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + body[body.find(b"<List") :],
        }
        for name, alter in bodies.items():
            for first in (1, 2):
                with self.subTest(name, page=first):
                    self.assert_refused(first=first, alter=alter)
        self.assert_counts(self.down.once(), deletedLocal=1)

    def test_more_pages_without_a_way_to_them(self):
        token = re.compile(rb"<NextContinuationToken>.*?</NextContinuationToken>")
        self.assert_refused(alter=lambda body: token.sub(b"", body))

    def test_tokens_that_go_round_in_circles(self):
        token = re.compile(rb"(?<=<NextContinuationToken>).*?(?=</NextContinuationToken>)")
        for length in (1, 2, 3):
            with self.subTest(circle_of=length):
                seen = []

                def circle(body, seen=seen, length=length):
                    found = token.search(body)
                    if found and len(seen) < length:
                        seen.append(found[0])
                    place = circle.count % length
                    circle.count += 1
                    return token.sub(lambda _: seen[min(place, len(seen) - 1)], body)

                circle.count = 0
                # So small that there are more pages than tokens in the circle.
                self.proxy.page_size = 5
                self.assert_refused(alter=circle)
