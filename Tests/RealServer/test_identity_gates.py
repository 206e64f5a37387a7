"""A root that is not the one it was: unmounted, replaced, emptied, on a disk of another number or without attributes. What
people see, that nothing is touched, and that it goes on by itself."""

import os
import shutil
import sqlite3

from harness import trees
from harness.case import RealServerCase
from harness.mounts import Mounts

COUNT = 12


class IdentityGateCase(RealServerCase):
    """A folder in sync, whichever way it goes, whose root is a mount of `disk`."""

    direction = "up"

    def setUp(self):
        super().setUp()
        self.mounts = Mounts()
        self.addCleanup(self.mounts.close)
        self.here = self.machine(direction=self.direction, delete=True)
        self.disk = self.here.place / "disk"
        self.disk.mkdir()

    def settle(self):
        """Fills the side that leads, and brings both together."""
        if self.direction == "up":
            trees.write_many(self.here.root, COUNT)
        else:
            for index in range(COUNT):
                self.s3.put(self.bucket, b"file%03d.txt" % index, trees.content(100, index))
        self.here.once()
        self.bucket_before = self.listing()
        self.root_before = trees.snapshot(self.here.root)
        self.assertEqual(len(self.root_before), COUNT)

    def assert_halted(self, *words, command="syncd approve files"):
        """Every way in which people learn of it names what and how to go on; neither side is touched."""
        bucket, root, attributes = self.listing(), self.everything(), self.attributes()
        self.proxy.forget()
        runs = [self.here.run("--once", expect=4), self.here.run("--once", "--quiet", expect=4)]
        self.assertIn("nothing done", runs[0].out)
        self.assertIn("halted", runs[0].out)
        for text in [run.err for run in runs] + [self.words_of(self.here.run("status", expect=0).out)]:
            for word in [*words, command]:
                self.assertIn(word, text)
        self.assert_nothing_changed()
        self.assertEqual(self.listing(), bucket)
        self.assertEqual(self.everything(), root)
        self.assertEqual(self.attributes(), attributes)

    @staticmethod
    def words_of(screen):
        """A screen's text without its line breaks."""
        return " ".join(screen.split())

    def everything(self):
        """All names below the root, our own among them; None where there is no root."""
        root = os.fspath(self.here.root)
        if not os.path.isdir(root):
            return None
        return sorted(os.path.join(top, name) for top, below, names in os.walk(root) for name in below + names)

    def attributes(self):
        return os.listxattr(self.here.root) if self.here.root.exists() else None

    def assert_goes_on(self):
        """By itself, and nothing was lost."""
        self.assert_counts(self.here.once())
        self.assertIsNone(self.here.status().folder["halt"])
        self.assert_equal_trees(self.bucket_before, self.listing(), "the bucket")
        self.assert_equal_trees(self.root_before, trees.snapshot(self.here.root), "the root")
        self.assert_idle(self.here)


class UnmountedRootTests(IdentityGateCase):
    def test_a_bind_mount_that_is_gone_and_comes_back(self):
        self.mounts.bind(self.disk, self.here.root)
        self.settle()
        self.mounts.unmount(self.here.root)
        self.assert_halted("another directory than before (it has no id, had ", "Is the disk mounted?")
        self.mounts.bind(self.disk, self.here.root)
        self.assert_goes_on()

    def test_files_beneath_the_missing_mount_are_no_evidence(self):
        trees.write(self.here.root, "file000.txt", "hidden by the mount")
        self.mounts.bind(self.disk, self.here.root)
        self.settle()
        self.mounts.unmount(self.here.root)
        self.assert_halted("it has no id, had ")
        self.mounts.bind(self.disk, self.here.root)
        self.assert_goes_on()

    def test_a_mount_point_that_went_with_its_mount(self):
        self.mounts.bind(self.disk, self.here.root)
        self.settle()
        self.mounts.unmount(self.here.root)
        self.here.root.rmdir()
        self.assert_halted("is not there; syncd never creates one", command="Is the disk mounted?")
        self.assertFalse(self.here.root.exists())
        self.mounts.bind(self.disk, self.here.root)
        self.assert_goes_on()

    def test_an_empty_directory_over_the_root(self):
        self.settle()
        self.mounts.bind(self.disk, self.here.root)
        self.assert_halted("it has no id, had ")
        self.mounts.unmount(self.here.root)
        self.assert_goes_on()

    def test_another_disk_in_its_place(self):
        self.mounts.tmpfs(self.disk)
        self.mounts.bind(self.disk, self.here.root)
        self.settle()
        other = self.machine("other", prefix="other")
        self.mounts.tmpfs(other.root)
        trees.write(other.root, "stranger", "of another folder")
        other.once()
        self.s3.delete(self.bucket, b"other/stranger")
        self.mounts.unmount(self.here.root)
        self.mounts.bind(other.root, self.here.root)
        self.assert_halted("another directory than before (its id is ", ", was ")
        self.mounts.unmount(self.here.root)
        self.mounts.bind(self.disk, self.here.root)
        self.assert_goes_on()

    def test_a_disk_that_comes_back_under_another_number(self):
        image = self.here.place / "image"
        self.mounts.image(image, self.here.root)
        (self.here.root / "lost+found").rmdir()
        self.settle()
        number = os.stat(self.here.root).st_dev
        self.mounts.unmount(self.here.root)
        self.assert_halted("it has no id, had ")
        # Something else has taken the device's number.
        self.mounts.image(self.here.place / "other", self.here.place / "elsewhere")
        self.mounts.image(image, self.here.root)
        self.assertNotEqual(os.stat(self.here.root).st_dev, number)
        self.assert_goes_on()


class UnmountedRootDownTests(UnmountedRootTests):
    direction = "down"


class RootWithoutAttributesTests(IdentityGateCase):
    """Where a file system holds no extended attributes, its id and the root's inode tell."""

    def setUp(self):
        super().setUp()
        self.mounts.ramfs(self.disk)
        with self.assertRaises(OSError):
            os.setxattr(self.disk, "user.test", b"x")
        self.mounts.bind(self.disk, self.here.root)
        self.settle()

    def test_it_is_known_again(self):
        self.assert_goes_on()
        self.mounts.unmount(self.here.root)
        self.assert_halted("another directory than before (file system ", ", was ")
        self.mounts.bind(self.disk, self.here.root)
        self.assert_goes_on()

    def test_another_directory_of_the_same_file_system(self):
        (self.disk / "inner").mkdir()
        self.mounts.bind(self.disk / "inner", self.here.root)
        self.assert_halted("another directory than before (inode ", ", was ")
        self.mounts.unmount(self.here.root)
        self.assert_goes_on()

    def test_another_such_file_system_with_the_same_files(self):
        other = self.here.place / "other"
        self.mounts.ramfs(other)
        shutil.copytree(self.disk, other, dirs_exist_ok=True)
        self.mounts.unmount(self.here.root)
        self.mounts.bind(other, self.here.root)
        self.assert_halted("another directory than before (file system ")
        self.here.approve()
        self.assert_counts(self.here.once())
        self.assert_idle(self.here)


class RootWithoutAttributesDownTests(RootWithoutAttributesTests):
    direction = "down"


class ApprovedRootTests(IdentityGateCase):
    """An approval accepts one root, the one that was shown; what would then be deleted is another question."""

    def setUp(self):
        super().setUp()
        self.settle()
        self.here.root.rename(self.here.place / "away")

    def other_root(self, count):
        """In the root's place, a new one that holds the first of its files."""
        self.here.root.mkdir()
        for index in range(count):
            shutil.copy2(self.here.place / "away" / f"file{index:03}.txt", self.here.root)

    def test_what_would_be_deleted_is_weighed_anew(self):
        self.other_root(1)
        self.assert_halted("it has no id, had ")
        self.here.approve()
        run = self.here.once(expect=4)
        self.assertIn(f"{COUNT - 1} of {COUNT} entries would be deleted", run.folder["halt"]["reason"])
        self.assertEqual(self.listing(), self.bucket_before)
        self.assertEqual(self.here.approve().document["approved"], COUNT - 1)
        self.assert_counts(self.here.once(), deletedRemote=COUNT - 1)
        self.assert_idle(self.here)

    def test_another_root_than_the_one_that_was_approved(self):
        self.other_root(COUNT)
        self.assert_halted("it has no id, had ")
        self.here.approve()
        self.here.root.rename(self.here.place / "approved")
        self.other_root(1)
        self.assert_halted("it has no id, had ")
        shutil.rmtree(self.here.root)
        (self.here.place / "approved").rename(self.here.root)
        self.assert_goes_on()

    def test_the_old_root_is_another_one_then(self):
        self.other_root(COUNT)
        self.here.once(expect=4)
        self.here.approve()
        self.assert_counts(self.here.once())
        self.here.root.rename(self.here.place / "new")
        (self.here.place / "away").rename(self.here.root)
        self.assert_halted("its id is ")
        self.here.root.rename(self.here.place / "away")
        (self.here.place / "new").rename(self.here.root)
        self.assert_goes_on()

    def test_an_approval_runs_out(self):
        self.other_root(COUNT)
        self.here.once(expect=4)
        self.here.approve()
        with sqlite3.connect(self.here.state / "index.db") as index:
            day = 24 * 3_600 * 1_000_000_000
            self.assertEqual(index.execute("UPDATE approval SET expiry = expiry - ?", [day]).rowcount, 1)
        index.close()
        self.assert_halted("it has no id, had ")
