"""What a killed large transfer goes on from, when somebody has meddled with it between the runs."""

import os
import shutil

from harness import trees
from harness.case import RealServerCase

PARTS = 5
LARGE = PARTS * trees.PART_SIZE
# Carried before the kill.
DONE = 3


class ResumeCase(RealServerCase):
    def killed(self, machine, kind):
        """Kills a cycle when it has carried three of five pieces, one after the other."""
        machine.top = {"concurrency": 1}
        self.proxy.take_done()
        fault = self.proxy.fault(kind, first=DONE + 1, hold=True, where=lambda request: bool(request.piece))
        running = machine.start_once()
        fault.wait_until_reached()
        running.kill()
        fault.drop()
        self.proxy.wait_until_quiet()
        self.proxy.heal()
        self.proxy.forget()
        # In the order that chance gave them: they race for the one slot that there is.
        self.carried_before = [request.piece for request in self.proxy.take_done() if request.piece]

    def pieces(self, kind):
        return [request.piece for request in self.proxy.requests if request.kind == kind and request.piece]


class ResumedDownloadTests(ResumeCase):
    """`meddle` is given the temporary file's path; `carried` is how many ranges the next cycle asks for."""

    def resume(self, meddle, carried, as_nobody=False):
        content = trees.large_content(LARGE, "object")
        for old in (False, True):
            with self.subTest(replaces_a_file=old):
                down = self.machine(f"down-{old}", direction="down", as_nobody=as_nobody)
                if old:
                    self.s3.put(self.bucket, b"large", b"old")
                    down.give_root_away()
                    down.once()
                self.s3.put_in_parts(self.bucket, b"large", content, trees.PART_SIZE)
                down.give_root_away()
                self.killed(down, "GET")
                [temporary] = trees.leftovers(down.root)
                meddle(temporary)
                down.once()
                self.assertEqual(len(self.pieces("GET")), carried)
                self.assertTrue(trees.read(down.root, "large") == content, "what was installed is damaged")
                self.assertEqual(trees.leftovers(down.root), [])
                self.assert_idle(down)

    def test_what_was_fetched_is_not_fetched_again(self):
        self.resume(lambda _: None, carried=PARTS - DONE)

    def test_a_damaged_range_is_fetched_again(self):
        def damage(temporary):
            with open(temporary, "r+b") as file:
                file.seek(int(self.carried_before[0].removeprefix("bytes=").partition("-")[0]) + 4_711)
                file.write(b"damage")

        self.resume(damage, carried=PARTS - DONE + 1)

    def test_a_temporary_file_that_is_gone_is_made_anew(self):
        self.resume(os.remove, carried=PARTS)

    def test_a_temporary_file_of_another_size_is_made_anew(self):
        self.resume(lambda temporary: os.truncate(temporary, LARGE - 1), carried=PARTS)

    def test_a_temporary_file_that_grew_is_made_anew(self):
        self.resume(lambda temporary: os.truncate(temporary, LARGE + 1), carried=PARTS)

    def test_another_file_in_its_place_is_not_trusted(self):
        def replace(temporary):
            os.remove(temporary)
            with open(temporary, "wb") as file:
                file.truncate(LARGE)

        self.resume(replace, carried=PARTS)

    def test_a_link_in_its_place_is_not_written_through(self):
        outside = self.place / "outside"

        def link(temporary):
            outside.write_bytes(bytes(LARGE))
            os.remove(temporary)
            os.symlink(outside, temporary)

        self.resume(link, carried=PARTS)
        self.assertEqual(outside.read_bytes(), bytes(LARGE), "a file outside the root was written to")

    def test_a_file_that_may_not_be_written_to_is_no_loss(self):
        """As an object that says so leaves it, between its last range and its place."""
        self.resume(lambda temporary: os.chmod(temporary, 0o444), carried=PARTS - DONE, as_nobody=True)

    def test_a_temporary_file_of_a_lost_index_is_swept(self):
        down = self.machine("down", direction="down")
        self.s3.put_in_parts(self.bucket, b"large", trees.large_content(LARGE), trees.PART_SIZE)
        self.killed(down, "GET")
        shutil.rmtree(down.state)
        down.once()
        self.assertEqual(len(self.pieces("GET")), PARTS)
        self.assertEqual(trees.leftovers(down.root), [])
        self.assert_bucket_equals(down.root)

    def test_another_object_is_fetched_whole(self):
        for content in (trees.large_content(LARGE, "new"), b"small"):
            down = self.machine(f"down-{len(content)}", direction="down")
            self.s3.put_in_parts(self.bucket, b"large", trees.large_content(LARGE, "old"), trees.PART_SIZE)
            self.killed(down, "GET")
            self.s3.put_in_parts(self.bucket, b"large", content, trees.PART_SIZE)
            down.once()
            self.assertEqual(trees.read(down.root, "large"), content)
            self.assertEqual(trees.leftovers(down.root), [])
            self.assert_idle(down)


class ResumedUploadTests(ResumeCase):
    def resume(self, meddle, carried):
        up = self.machine("up", delete=True)
        trees.write(up.root, "keep", "keep")
        path = trees.write_large(up.root, "large", LARGE)
        self.killed(up, "PUT")
        self.assertEqual(len(self.s3.uploads(self.bucket)), 1)
        meddle(path)
        up.once()
        self.assertEqual(len(self.pieces("PUT")), carried)
        self.assertEqual(self.s3.uploads(self.bucket), [])
        self.assert_bucket_equals(up.root)
        self.assert_idle(up)

    def test_what_was_sent_is_not_sent_again(self):
        self.resume(lambda _: None, carried=PARTS - DONE)

    def test_another_version_is_sent_whole(self):
        def overwrite(path):
            with open(path, "r+b") as file:
                file.write(b"other")
            os.utime(path, ns=(trees.OLD, trees.OLD))

        self.resume(overwrite, carried=PARTS)

    def test_a_small_version_leaves_no_upload(self):
        self.resume(lambda path: os.truncate(path, 100), carried=0)

    def test_a_file_that_is_gone_leaves_no_upload(self):
        self.resume(os.remove, carried=0)
