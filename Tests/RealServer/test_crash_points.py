"""`SYNCD_CRASH_AT=n` ends syncd at the n-th place between two effects: n counts up until a run ends by itself. After each
crash everything is whole, and cycles without crashes bring both sides to rest, with nothing lost and nothing left over."""

import itertools
import shutil
import sqlite3

from harness import trees
from harness.case import RealServerCase
from harness.crashes import World

# Three parts: two whole ones, and a rest.
LARGE = 17 << 20
LUCK_STEP = 3


class CrashPointTests(RealServerCase):
    covered = 0
    numbers = itertools.count()

    @classmethod
    def tearDownClass(cls):
        print(f"        crash points: {CrashPointTests.covered} places in all", flush=True)

    def sweep(self, title, direction, change, prepare=None, meanwhile=None, fresh=False, approves=False):
        """Crashes at every place of the cycle that `change(world, n)` gives work to, one after the other. The world is new for
        each where `fresh` says so, and `prepare` has brought it to rest; `meanwhile` happens between the crash and the next
        cycle, after which a gate is approved where `approves` says so."""

        def worlds(concurrency):
            world = None
            while True:
                if world is None or fresh:
                    world = World(self, f"{direction}-{concurrency}-{next(self.numbers)}", direction, concurrency)
                    if prepare is not None:
                        prepare(world)
                        world.settle(title)
                yield world
                if fresh:
                    shutil.rmtree(world.machine.place)

        def crash(world, number):
            change(world, number)
            place = world.crash(number)
            where = f"{title}, concurrency {world.concurrency}, {number}: {place}"
            if place is not None:
                world.check_whole(where)
            if meanwhile is not None:
                meanwhile(world, number)
            world.settle(where, approves)
            world.check_at_rest(where)
            return place is not None

        # One at a time, the places are the same in every run: until one ends by itself.
        places = next(number for number, world in enumerate(worlds(1)) if not crash(world, number + 1))
        # Many at a time, they fall where chance wants.
        for world, number in zip(worlds(8), range(1, places, LUCK_STEP)):
            crash(world, number)
        self.assertEqual([key for key in self.keys() if not key.startswith(direction.encode())], [])
        print(f"        crash points: {title}: {places} places", flush=True)
        CrashPointTests.covered += places

    # Up.

    def test_small_uploads(self):
        def change(world, number):
            world.write("a.txt", f"a {number}")
            world.write("sub/b.txt", f"b {number}")
            world.write("empty", "")

        self.sweep("small uploads, new", "up", change, fresh=True)

    def test_small_uploads_of_changed_files(self):
        def change(world, number):
            world.write("a.txt", f"a {number}")
            world.write("sub/b.txt", f"b {number}")
            world.write("medium", trees.content((1 << 20) + 1, number))

        self.sweep("small uploads, changed", "up", change, prepare=lambda world: world.write("keep", "keep"))

    def test_an_upload_in_parts(self):
        def change(world, number):
            world.write("large", trees.large_content(LARGE, number % 2))

        self.sweep("upload in parts", "up", change, prepare=lambda world: change(world, 0))

    def test_an_upload_in_parts_of_a_file_that_is_small_afterwards(self):
        self.sweep(
            "upload in parts, then a small file",
            "up",
            lambda world, number: world.write("large", trees.large_content(LARGE, number % 2)),
            meanwhile=lambda world, number: world.write("large", f"small {number}"),
        )

    def test_an_upload_in_parts_of_a_file_that_is_gone_afterwards(self):
        self.sweep(
            "upload in parts, then no file",
            "up",
            lambda world, number: world.write("large", trees.large_content(LARGE, number % 2)),
            prepare=lambda world: world.write("keep", "keep"),
            meanwhile=lambda world, _: trees.remove(world.root, "large"),
            approves=True,
        )

    def test_deletes_of_objects(self):
        def prepare(world):
            for name in ("a.txt", "keep", "keep too", "sub/b.txt", "sub/c.txt"):
                world.write(name, name)

        def change(world, _):
            trees.remove(world.root, "a.txt")
            trees.remove(world.root, "sub")

        self.sweep("deletes up", "up", change, prepare=prepare, fresh=True)

    def test_swaps_upwards(self):
        def prepare(world):
            for name in ("file", "directory/inside", "keep", "keep too"):
                world.write(name, name)

        def change(world, _):
            trees.remove(world.root, "file")
            trees.remove(world.root, "directory")
            world.write("file/inside", "now in a directory")
            world.write("directory", "now a file")

        self.sweep("swaps up", "up", change, prepare=prepare, fresh=True)

    # Down.

    def test_small_downloads(self):
        def change(world, number):
            for index in range(3):
                world.put(f"sub/{index}", f"{index} {number}")
            world.put("empty", "")

        self.sweep("small downloads, new", "down", change, fresh=True)

    def test_small_downloads_in_the_place_of_others(self):
        """Versions of base, an edit, a file that was never agreed on: more than four, so that they share a `syncfs`."""

        def prepare(world):
            for index in range(5):
                world.put(f"base {index}", f"{index}")
            world.put("edited", "object")

        def change(world, number):
            for index in range(3):
                world.put(f"base {index}", f"{index} {number}")
            for name, data in (("edited", f"edit {number}"), (f"new {number}", f"precious {number}")):
                world.write(name, data)
                world.promise(name, data)
                world.put(name, f"object {number}")

        self.sweep("small downloads, replacing", "down", change, prepare=prepare)

    def test_a_download_in_ranges(self):
        def change(world, number):
            world.put("large", trees.large_content(LARGE, number % 2))

        self.sweep("download in ranges, new", "down", change, fresh=True)

    def test_a_download_in_ranges_in_the_place_of_another(self):
        def prepare(world):
            world.put_in_parts("large", trees.large_content(LARGE))

        def change(world, number):
            world.put_in_parts("large", trees.large_content(LARGE, number % 2))
            if number % 2:
                # Just as large, so that it could be taken for what was fetched.
                edit = trees.large_content(LARGE, f"edit {number % 2}")
                world.write("large", edit)
                world.promise("large", edit)

        self.sweep("download in ranges, replacing", "down", change, prepare=prepare)

    def test_deletes_of_files(self):
        def prepare(world):
            for name in ("a.txt", "keep", "keep too", "sub/b.txt", "sub/c.txt"):
                world.put(name, name)

        def change(world, _):
            for name in ("a.txt", "sub/b.txt", "sub/c.txt"):
                world.delete_object(name)
                world.promise(name, name)

        self.sweep("deletes down", "down", change, prepare=prepare, fresh=True)

    def test_swaps_downwards(self):
        def prepare(world):
            for name in ("file", "directory/inside", "keep", "keep too"):
                world.put(name, name)

        def change(world, _):
            for name in ("file", "directory/inside"):
                world.delete_object(name)
                world.promise(name, name)
            world.put("file/inside", "now in a directory")
            world.put("directory", "now a file")

        self.sweep("swaps down", "down", change, prepare=prepare, fresh=True)

    # The index.

    def test_a_migration_of_the_index(self):
        def prepare(world):
            for index in range(3):
                world.write(f"file {index}", f"{index}")

        def change(world, number):
            make_first_version(world.machine.state / "index.db")
            world.write("file 0", f"changed {number}")

        self.sweep("migration of the index", "up", change, prepare=prepare, fresh=True)


def make_first_version(path):
    """Makes an index what the first version of its schema was: without transfers of many steps, and digests of parts."""
    with sqlite3.connect(path) as database:
        for table in ("upload_part", "upload_job", "download_part", "download_job"):
            database.execute(f"DROP TABLE {table}")
        database.execute("ALTER TABLE entry DROP COLUMN digest_part_size")
        database.execute("DELETE FROM grdb_migrations WHERE identifier = '2'")
    database.close()
