"""Syncing both ways: what changes on either side comes to the other, and what changed on both is kept twice."""

import os

from harness import trees
from harness.twoway import UNGUARDED, TwoWayCase, conflict_name

LATER = trees.OLD + 100 * trees.SECOND


class BothTests(TwoWayCase):
    def test_edits_travel_each_way_in_one_cycle(self):
        here = self.settled()
        trees.write(here.root, "file000.txt", "edited here")
        trees.write(here.root, "dir/new here", "new here")
        self.put("file001.txt", "edited there")
        self.put("other/new there", "new there", LATER)
        run = here.once()
        self.assert_counts(run, uploaded=2, downloaded=2)
        self.assertTrue(run.folder["inSync"], run)
        self.assertEqual(run.folder["direction"], "both")
        self.assert_both_hold(here, "file000.txt", "edited here")
        self.assert_both_hold(here, "dir/new here", "new here")
        self.assert_both_hold(here, "file001.txt", "edited there")
        self.assert_both_hold(here, "other/new there", "new there")
        self.assertEqual(os.stat(here.root / "other" / "new there").st_mtime_ns, LATER)
        self.assert_same(here)
        self.assert_idle(here)

    def test_deletes_travel_each_way(self):
        here = self.settled()
        trees.remove(here.root, "file000.txt")
        gone = trees.read(here.root, "file001.txt")
        self.s3.delete(self.bucket, b"file001.txt")
        run = here.once()
        self.assert_counts(run, deletedRemote=1, deletedLocal=1)
        self.assert_neither_holds(here, "file000.txt")
        self.assert_neither_holds(here, "file001.txt")
        self.assertEqual(trees.trash(here.root), {b"file001.txt": [gone]})
        self.assert_same(here)
        self.assert_idle(here)

    def test_an_edit_wins_over_a_delete(self):
        here = self.settled()
        trees.write(here.root, "file000.txt", "edited here")
        self.s3.delete(self.bucket, b"file000.txt")
        self.put("file001.txt", "edited there")
        trees.remove(here.root, "file001.txt")
        self.assert_counts(here.once(), uploaded=1, downloaded=1)
        self.assert_both_hold(here, "file000.txt", "edited here")
        self.assert_both_hold(here, "file001.txt", "edited there")
        self.assertEqual(trees.trash(here.root), {})
        self.assert_idle(here)

    def test_a_file_where_the_other_side_makes_a_directory(self):
        here = self.settled()
        trees.remove(here.root, "file000.txt")
        trees.write(here.root, "file000.txt/inner", "here")
        self.s3.delete(self.bucket, b"file001.txt")
        self.put("file001.txt/inner", "there")
        here.once()
        self.assert_both_hold(here, "file000.txt/inner", "here")
        self.assert_both_hold(here, "file001.txt/inner", "there")
        self.assert_same(here)
        self.assert_idle(here)

    def test_a_link_in_the_way_of_an_object_is_a_problem(self):
        here = self.settled()
        os.symlink("file000.txt", here.root / "link")
        self.put("link", "there")
        run = here.once(expect=3)
        self.assertEqual(self.problems(run), {b"link": "collision"})
        self.assertTrue(os.path.islink(here.root / "link"))
        self.assertEqual(self.object("link"), b"there")

    def test_verifying_takes_no_change_for_a_fault_but_a_conflict(self):
        here = self.settled()
        trees.write(here.root, "file000.txt", "edited here")
        self.put("file001.txt", "edited there")
        run = here.run("verify", "--read", "--json", expect=0)
        found = [(one["kind"], one["path"], one["side"]) for one in run.document["folders"][0]["findings"]]
        self.assertEqual(found, [("notSynced", "file000.txt", "local"), ("notSynced", "file001.txt", "remote")])
        self.put("file000.txt", "edited there")
        run = here.run("verify", "--json", expect=3)
        found = [(one["kind"], one["path"], one["side"]) for one in run.document["folders"][0]["findings"]]
        expected = [("differing", "file000.txt", "local"), ("differing", "file000.txt", "remote")]
        self.assertEqual(found[:2], expected)

    def test_first_run_between_a_filled_folder_and_a_filled_bucket(self):
        here = self.both(conflict="local")
        trees.write_many(here.root, 20, "only here")
        for index in range(20):
            self.put(f"only there{index}", f"there {index}")
            trees.write(here.root, f"equal{index}", f"equal {index}")
            self.put(f"equal{index}", f"equal {index}", LATER)
        trees.write(here.root, "differs", "here")
        self.put("differs", "there", LATER)
        before = trees.snapshot(here.root, mtimes=False, modes=False)
        run = here.once()
        # The loser of the conflict comes down, and goes up under its new name, and the winner goes up.
        self.assert_counts(run, uploaded=22, downloaded=21)
        after = trees.snapshot(here.root, mtimes=False, modes=False)
        self.assert_equal_trees(before, {name: after.get(name) for name in before}, "what was here")
        self.assert_both_hold(here, "differs", "here")
        self.assert_both_hold(here, conflict_name("differs", "there", LATER), "there")
        self.assertEqual(len(after), 62)
        self.assert_same(here)
        self.assert_idle(here)


class ConflictTests(TwoWayCase):
    def edit_on_both_sides(self, here, name, mtime_here, mtime_there):
        trees.write(here.root, name, "edited here", mtime_here)
        self.put(name, "edited there", mtime_there)

    def assert_resolved(self, name, winner, mtime_here, mtime_there, **options):
        """A conflict over `name` whose `winner` keeps it."""
        here = self.settled(**options)
        trees.write(here.root, name, "base", trees.OLD - 1)
        here.once()
        self.edit_on_both_sides(here, name, mtime_here, mtime_there)
        plan = here.plan(expect=2).document["folders"][0]["changes"]
        self.assertEqual([(change["action"], change["path"]) for change in plan], [("conflict", name)])
        run = here.once()
        loser, mtime = ("here", mtime_here) if winner == "there" else ("there", mtime_there)
        copy = conflict_name(name, f"edited {loser}", mtime)
        self.assertEqual(self.conflicts(here), [copy])
        self.assert_both_hold(here, name, f"edited {winner}")
        self.assert_both_hold(here, copy, f"edited {loser}")
        self.assertEqual(os.stat(here.root / copy).st_mtime_ns, mtime)
        self.assertEqual(len(run.folder["warnings"]), 1, run)
        self.assertIn(copy, run.folder["warnings"][0])
        self.assertEqual(run.folder["pending"], dict.fromkeys(["uploads", "downloads", "deletes", "bytes"], 0))
        self.assert_same(here)
        self.assert_idle(here)
        return run

    def test_the_newest_keeps_the_name_here(self):
        run = self.assert_resolved("notes.txt", "here", LATER, trees.OLD)
        self.assert_counts(run, uploaded=2, downloaded=1)

    def test_the_newest_keeps_the_name_there(self):
        run = self.assert_resolved("notes.tar.gz", "there", trees.OLD, LATER, conflict="newest")
        self.assert_counts(run, uploaded=1, downloaded=1)

    def test_the_local_one_keeps_the_name(self):
        self.assert_resolved("dir/no extension", "here", trees.OLD, LATER, conflict="local")

    def test_the_remote_one_keeps_the_name(self):
        self.assert_resolved(".hidden", "there", LATER, trees.OLD, conflict="remote")

    def test_equal_edits_are_adopted_without_a_transfer(self):
        here = self.settled()
        trees.write(here.root, "file000.txt", "the same edit")
        self.put("file000.txt", "the same edit", LATER)
        self.proxy.forget()
        run = here.once()
        self.assert_counts(run)
        self.assertEqual(self.proxy.counts, {"LIST": 1}, run)
        self.assertEqual(self.conflicts(here), [])
        self.assert_idle(here)

    def test_equal_bytes_whose_etag_does_not_say_so_make_no_copy(self):
        here = self.settled()
        content = trees.content(11 << 20)
        trees.write(here.root, "opaque", content)
        # Parts of a size that nobody uses: the ETag cannot be explained.
        self.s3.put_in_parts(self.bucket, b"opaque", content, (5 << 20) + 4_321)
        self.proxy.forget()
        run = here.once()
        self.assert_nothing_changed()
        self.assertEqual(self.conflicts(here), [])
        self.assertTrue(run.folder["inSync"], run)
        self.assertEqual(run.folder["pending"]["uploads"], 0, run)
        self.assertEqual(self.object("opaque"), content)
        self.assert_idle(here)

    def test_at_ten_copies_neither_side_is_touched(self):
        here = self.settled()
        copies = [f"notes (conflict 2026-01-02 03040{index} abcde{index}).txt" for index in range(10)]
        for name in [*copies, "notes.txt"]:
            trees.write(here.root, name, name)
        here.once()
        self.edit_on_both_sides(here, "notes.txt", LATER, trees.OLD)
        run = here.once(expect=3)
        self.assertEqual(self.problems(run), {b"notes.txt": "conflict"})
        self.assertIn("10 conflict copies", run.folder["problems"][0]["message"])
        self.assertEqual(trees.read(here.root, "notes.txt"), b"edited here")
        self.assertEqual(self.object("notes.txt"), b"edited there")
        self.assertEqual(self.conflicts(here), sorted(copies))
        trees.remove(here.root, copies[0])
        here.once()
        self.assert_both_hold(here, "notes.txt", "edited here")
        self.assertEqual(len(self.conflicts(here)), 10)
        self.assert_same(here)
        self.assert_idle(here)

    def test_large_files_in_conflict(self):
        here = self.settled()
        mine, theirs = trees.large_content(20 << 20, 1), trees.large_content(18 << 20, 2)
        trees.write(here.root, "large.bin", mine, trees.OLD)
        self.s3.put_in_parts(self.bucket, b"large.bin", theirs, 8 << 20)
        here.once()
        copy = conflict_name("large.bin", mine, trees.OLD)
        self.assertEqual(self.conflicts(here), [copy])
        self.assertEqual(trees.read(here.root, "large.bin"), theirs)
        self.assertEqual(trees.read(here.root, copy), mine)
        self.assert_same(here)
        self.assert_idle(here)


class GuardTests(TwoWayCase):
    """What another writer puts into the bucket while a cycle works."""

    def interfere(self, here, kind, key, change):
        """Runs a cycle during which another changes an object just before the request of this kind arrives."""
        self.proxy.fault(kind, key=key, times=1, then=change, alter=lambda body: body)
        run = here.once()
        self.proxy.heal()
        return run

    def test_an_overwrite_meets_another_version(self):
        here = self.settled()
        trees.write(here.root, "file000.txt", "edited here", LATER)
        self.interfere(here, "PUT", b"file000.txt", lambda: self.put("file000.txt", "edited there", trees.OLD))
        self.assertEqual(self.object("file000.txt"), b"edited there", "another's version was overwritten")
        here.once()
        self.assert_both_hold(here, "file000.txt", "edited here")
        self.assert_both_hold(here, conflict_name("file000.txt", "edited there", trees.OLD), "edited there")
        self.assert_idle(here)

    def test_a_new_object_meets_another(self):
        here = self.settled()
        trees.write(here.root, "new", "made here", trees.OLD)
        run = self.interfere(here, "PUT", b"new", lambda: self.put("new", "made there", LATER))
        self.assertEqual(self.object("new"), b"made there", "another's version was overwritten")
        self.assertFalse(run.folder["inSync"], run)
        here.once()
        self.assert_both_hold(here, "new", "made there")
        self.assert_both_hold(here, conflict_name("new", "made here", trees.OLD), "made here")
        self.assert_idle(here)

    def test_a_delete_meets_another_version(self):
        here = self.settled()
        trees.remove(here.root, "file000.txt")
        run = self.interfere(here, "DELETE", b"file000.txt", lambda: self.put("file000.txt", "edited there"))
        self.assertFalse(run.folder["inSync"], run)
        self.assertEqual(self.object("file000.txt"), b"edited there", "another's version was deleted")
        here.once()
        self.assert_both_hold(here, "file000.txt", "edited there")
        self.assert_idle(here)

    @staticmethod
    def lists(key):
        return lambda request: dict(request.query).get("prefix") == key

    def edit_and_delete(self, here):
        """One overwrite, one new object and one delete. - Returns: the requests that it took."""
        trees.write(here.root, "file000.txt", "edited here")
        trees.write(here.root, "new", "made here")
        trees.remove(here.root, "file001.txt")
        self.proxy.forget()
        return here.once().requests

    def test_conditions_spare_looks(self):
        here = self.settled()
        self.assertEqual(self.edit_and_delete(here), {"LIST": 1, "PUT": 2, "DELETE": 1})
        status = here.status().folder
        self.assertEqual(status["guards"], {"overwrites": "condition", "parts": "condition", "deletes": "condition"})
        self.assertNotIn("unguarded", here.run("status").out)
        self.assertIn("overwrites guarded by a condition", here.run("check", expect=0).out)

    def test_a_service_that_looks_at_no_condition(self):
        here = self.settled(capabilities=UNGUARDED)
        self.assertEqual(self.edit_and_delete(here), {"LIST": 1, "HEAD": 3, "PUT": 2, "DELETE": 1})
        self.assertEqual(here.status().folder["guards"], {"overwrites": "head", "parts": "head", "deletes": "head"})
        shown = " ".join(here.run("status", expect=0).out.split())
        self.assertIn("Overwrites and deletes in the bucket are unguarded: the service looks at no condition", shown)
        checked = here.run("check", expect=0)
        self.assertIn("overwrites unguarded: a HEAD just before · deletes unguarded", checked.out)

    def test_what_a_service_does_is_tried_before_the_first_write(self):
        here = self.settled(capabilities={})
        self.assertEqual(here.status().folder["guards"], {"overwrites": "condition", "parts": "condition", "deletes": "condition"})
        self.assert_idle(here)
        self.assertEqual(self.edit_and_delete(here), {"LIST": 1, "PUT": 2, "DELETE": 1})

    def test_keys_that_may_not_look_overwrite_nothing(self):
        here = self.settled(capabilities=UNGUARDED)
        trees.write(here.root, "file000.txt", "edited here")
        self.proxy.fault("HEAD", status=403, code="AccessDenied")
        # Who may not look at an object may still be let list its key.
        self.proxy.fault("LIST", where=self.lists("file000.txt"), status=403, code="AccessDenied")
        self.proxy.forget()
        run = here.once(expect=3)
        self.assert_nothing_changed()
        self.assertEqual(self.problems(run), {b"file000.txt": "denied"})
        self.proxy.heal()
        here.once()
        self.assert_both_hold(here, "file000.txt", "edited here")
