"""Large transfers where keys may do little, answers are lost, or the file or object changes under way."""

import os
import threading

from harness import trees
from harness.case import RealServerCase

# Three parts: two whole ones, and a rest.
LARGE = 17 << 20
PARTS = 3


def is_part(request):
    return request.part is not None


def is_upload_list(request):
    return request.asks("uploads")


def is_upload_step(request):
    return request.asks("uploadId")


class PartsCase(RealServerCase):
    def setUp(self):
        super().setUp()
        self.up = self.machine("up", delete=True)
        self.up.top = {"concurrency": 1}
        trees.write(self.up.root, "keep", "keep")
        self.up.once()

    def write(self, name="large", seed=0):
        return trees.write(self.up.root, name, trees.large_content(LARGE, seed))

    def sent(self):
        """The numbers of the parts that were sent since the last `forget()`, in order."""
        return [request.part for request in self.proxy.requests if request.part]

    def kill_at(self, kind, **options):
        """Kills a cycle while a request of it is answered: the server has done what it asks for."""
        begun = threading.Event()
        running = []
        self.proxy.forget()

        def kill():
            begun.wait()
            running[0].kill()

        fault = self.proxy.fault(kind, then=kill, lose_answer=True, times=1, **options)
        running.append(self.up.start_once())
        begun.set()
        fault.wait_until_reached()
        self.proxy.wait_until_quiet()
        self.proxy.heal()
        # All but the one that was under way.
        self.sent_before = set(self.sent()[:-1])
        self.proxy.forget()

    def assert_settled(self):
        self.proxy.heal()
        self.assertEqual(self.s3.uploads(self.bucket), [], "unfinished uploads")
        self.assert_bucket_equals(self.up.root)
        self.assert_idle(self.up)


class LeastPrivilegeTests(PartsCase):
    def deny(self, kind, where):
        self.proxy.fault(kind, where=where, status=403, code="AccessDenied")

    def assert_warned(self, run):
        lines = [line for line in run.err.splitlines() if "lifecycle rule" in line]
        self.assertEqual(len(lines), 1, run)
        self.assertEqual(len(run.folder["warnings"]), 1, run)
        self.assertTrue(run.folder["inSync"], run)
        self.proxy.heal()
        self.assertEqual(self.assert_idle(self.up).folder["warnings"], [])

    def test_uploads_that_may_not_be_aborted_are_one_warning(self):
        for name in ("two", "one"):
            self.write(name)
            self.kill_at("PUT", key=name.encode(), first=2, where=is_part)
        self.assertEqual(len(self.s3.uploads(self.bucket)), 2)
        trees.remove(self.up.root, "one")
        trees.write(self.up.root, "two", "small now")
        self.deny("DELETE", is_upload_step)
        self.assert_warned(self.up.once())
        self.assert_bucket_equals(self.up.root)

    def test_uploads_that_may_not_be_listed_are_one_warning(self):
        self.write()
        self.kill_at("POST", where=is_upload_list)
        self.assertEqual(len(self.s3.uploads(self.bucket)), 1)
        self.deny("LIST", is_upload_list)
        self.assert_warned(self.up.once())
        self.assert_bucket_equals(self.up.root)

    def test_without_a_list_of_parts_the_own_notes_count(self):
        self.write()
        self.kill_at("PUT", first=3, where=is_part)
        self.deny("GET", is_upload_step)
        self.up.once()
        # Which one it is, chance decides: parts race for the one slot that there is.
        [missing] = self.sent()
        self.assertEqual(self.sent_before | {missing}, {1, 2, 3})
        self.assert_settled()


class LostAnswerTests(PartsCase):
    def test_a_lost_answer_to_the_wish_to_begin_leaves_no_twin(self):
        self.write()
        self.proxy.fault("POST", where=is_upload_list, lose_answer=True, times=1)
        self.up.once()
        self.assertEqual(sorted(self.sent()), [1, 2, 3])
        self.assert_settled()

    def test_a_kill_before_the_twin_is_known_leaves_none(self):
        self.write()
        self.proxy.fault("POST", where=is_upload_list, lose_answer=True, times=1)
        self.kill_at("LIST", where=is_upload_list)
        self.assertEqual(len(self.s3.uploads(self.bucket)), 2)
        self.up.once()
        self.assert_settled()

    def test_a_kill_before_the_upload_is_known_leaves_none(self):
        self.write()
        self.kill_at("POST", where=is_upload_list)
        self.assertEqual(len(self.s3.uploads(self.bucket)), 1)
        self.up.once()
        self.assert_settled()

    def test_a_lost_answer_to_the_completion_sends_nothing_again(self):
        for times in (1, None):
            self.write(seed=times)
            self.proxy.forget()
            self.proxy.fault("POST", where=is_upload_step, lose_answer=True, times=times)
            self.up.once()
            self.assertEqual(sorted(self.sent()), [1, 2, 3])
            self.assert_settled()

    def test_a_kill_before_the_completion_is_known_sends_nothing_again(self):
        self.write()
        self.kill_at("POST", where=is_upload_step)
        self.assert_counts(self.up.once())
        self.assertEqual(self.sent(), [])
        self.assert_settled()

    def test_an_upload_that_somebody_aborted_begins_anew(self):
        self.write()
        self.kill_at("PUT", first=3, where=is_part)
        [(key, upload)] = self.s3.uploads(self.bucket)
        self.s3.abort_upload(self.bucket, key, upload)
        self.up.once()
        self.assertEqual(sorted(self.sent()), [1, 2, 3])
        self.assert_settled()


class ChangingFileTests(PartsCase):
    """The file changes while its k-th part is sent: the object is never a mixture."""

    def changes(self):
        def append(path):
            with open(path, "ab") as file:
                file.write(b"more")

        def overwrite(path):
            with open(path, "r+b") as file:
                file.write(b"overwritten in place")

        def rename(path):
            other = trees.write(self.up.root, "other", trees.large_content(LARGE, "renamed over"))
            os.rename(other, path)

        return {"append": append, "overwrite": overwrite, "rename": rename}

    def test_a_file_that_changes_is_sent_again_whole(self):
        for name, change in self.changes().items():
            for part in range(1, PARTS + 1):
                with self.subTest(change=name, part=part):
                    path = self.write(seed=f"{name} {part}")
                    self.proxy.forget()
                    self.proxy.fault("PUT", where=is_part, first=part, times=1, then=lambda: change(path))
                    self.assert_counts(self.up.once(), uploaded=1)
                    self.assertEqual(sorted(self.sent()[-PARTS:]), [1, 2, 3])
                    # Several are under way at once, in no order.
                    self.assertEqual(len(set(self.sent()[:-PARTS])), part)
                    self.assert_settled()

    def test_a_file_that_changes_while_its_object_is_made_goes_with_the_next_cycle(self):
        for name, change in self.changes().items():
            with self.subTest(change=name):
                path = self.write(seed=name)
                whole = trees.etag(self.up.root, b"large")
                self.proxy.fault("POST", where=is_upload_step, times=1, then=lambda: change(path))
                self.up.once()
                self.assertEqual(self.listing()[b"large"], (LARGE, whole))
                self.assert_counts(self.up.once(), uploaded=1)
                self.assert_settled()

    def test_a_file_that_goes_leaves_nothing(self):
        for part in range(1, PARTS + 1):
            with self.subTest(part=part):
                self.write()
                where = {"where": is_part, "first": part, "times": 1}
                self.proxy.fault("PUT", **where, then=lambda: trees.remove(self.up.root, "large"))
                self.assert_counts(self.up.once())
                self.assertNotIn(b"large", self.keys())
                self.assert_settled()


class ChangingObjectTests(RealServerCase):
    """The object is replaced between two ranges: the file is never a mixture."""

    def test_an_object_that_is_replaced_between_ranges(self):
        for ignores in (False, True):
            for replaced_at in range(2, PARTS + 1):
                with self.subTest(ignores_conditions=ignores, range=replaced_at):
                    self.replace(f"{ignores}-{replaced_at}", replaced_at, ignores)

    def replace(self, name, number, ignores):
        down = self.machine(name, direction="down", delete=True)
        down.top = {"concurrency": 1}
        versions = [trees.large_content(LARGE, seed) for seed in (f"{name} old", f"{name} new")]
        self.s3.put_in_parts(self.bucket, b"large", versions[0], trees.PART_SIZE)
        self.proxy.ignores_conditions = ignores
        self.proxy.fault(
            "GET",
            where=lambda request: bool(request.range),
            first=number,
            times=1,
            then=lambda: self.s3.put_in_parts(self.bucket, b"large", versions[1], trees.PART_SIZE),
        )
        self.assert_counts(down.once(), downloaded=1)
        self.assertEqual(trees.read(down.root, "large"), versions[1])
        self.assertEqual(trees.leftovers(down.root), [])
        self.proxy.heal()
        self.assert_idle(down)
