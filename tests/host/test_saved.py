"""Saved models, seen from outside: processes that share one, files that come and go, kernels.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_saved.py

Each test has a folder of its own; what must be another process is one.
"""
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
BERT = TESTS / "golden" / "bert"
CASED = TESTS / "golden" / "bert_cased"

# A process that opens a model, says its vector of a text, and waits for a line; then it embeds
# another text and says what of the file's pages it shares with others.
READER = """
import sqlite3, sys
library, path = sys.argv[1:]
db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(library)
db.execute("SELECT embed_model('m', ?)", (path,))
print(db.execute("SELECT hex(embed('the bank', 'm'))").fetchone()[0], flush=True)
sys.stdin.readline()
print(db.execute("SELECT hex(embed('the river', 'm'))").fetchone()[0])
sums, inside = {}, False
for line in open("/proc/self/smaps"):
    words = line.split()
    if "-" in words[0] and not words[0].endswith(":"):
        inside = line.rstrip().endswith(path) or path + " (deleted)" in line
    elif inside and words[0] in ("Rss:", "Pss:", "Shared_Clean:", "Private_Dirty:"):
        sums[words[0]] = sums.get(words[0], 0) + int(words[1])
print(sums.get("Rss:", 0), sums.get("Pss:", 0), sums.get("Shared_Clean:", 0),
      sums.get("Private_Dirty:", 0), flush=True)
"""


def one(db, sql, *parameters):
    return db.execute(sql, parameters).fetchone()[0]


class Saved(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.path = str(self.folder / "m.contextual")
        self.processes = []
        self.connections = []

    def tearDown(self):
        for process in self.processes:
            process.kill()
            process.communicate()
        for db in self.connections:
            db.close()
        shutil.rmtree(self.folder)

    def connect(self):
        db = sqlite3.connect(":memory:")
        db.enable_load_extension(True)
        db.load_extension(LIBRARY)
        self.connections.append(db)
        return db

    def save(self, checkpoint=BERT):
        db = self.connect()
        db.execute("SELECT embed_model('m', ?)", (str(checkpoint),))
        size = one(db, "SELECT embed_model_save('m', ?)", self.path)
        self.assertEqual(size, os.path.getsize(self.path))
        return [one(db, f"SELECT hex(embed('the {word}', 'm'))") for word in ("bank", "river")]

    def reader(self, **environment):
        process = subprocess.Popen([sys.executable, "-c", READER, LIBRARY, self.path],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, **environment})
        self.processes.append(process)
        return process, process.stdout.readline().strip()

    def finish(self, process):
        """The second vector, and kB: in memory, its share of them, shared, its own."""
        vector, numbers = process.communicate("\n")[0].splitlines()
        self.assertEqual(process.returncode, 0)
        return vector, [int(number) for number in numbers.split()]

    # Processes

    def test_processes_share_the_pages(self):
        self.save()
        first, _ = self.reader()
        second, _ = self.reader()
        for process in (first, second):
            if process is second:
                self.reader() # so that there are always two
            resident, share, shared, own = self.finish(process)[1]
            self.assertGreaterEqual(resident, os.path.getsize(self.path) // 1024)
            self.assertEqual(shared, resident)
            self.assertLessEqual(share, resident // 2 + 1)
            self.assertEqual(own, 0)

    def test_each_kernel_gives_what_it_gives_for_the_checkpoint(self):
        self.save()
        info = one(self.connect(), "SELECT contextual_info()")
        kernels = one(self.connect(), "SELECT group_concat(value) FROM "
                                      "json_each(?, '$.kernels')", info).split(",")
        saved = self.path
        for kernel in kernels:
            self.path = saved
            loaded, vector = self.reader(CONTEXTUAL_KERNEL=kernel)
            self.path = str(BERT)
            own, want = self.reader(CONTEXTUAL_KERNEL=kernel)
            self.assertEqual(vector, want, kernel)
            self.assertEqual(self.finish(loaded)[0], self.finish(own)[0], kernel)

    # Files

    def test_a_file_that_is_deleted_is_there_for_who_has_it_open(self):
        vectors = self.save()
        process, vector = self.reader()
        os.remove(self.path)
        self.assertEqual(vector, vectors[0])
        self.assertEqual(self.finish(process)[0], vectors[1])

    def test_a_file_that_is_replaced_is_the_old_one_for_who_has_it_open(self):
        vectors = self.save()
        process, vector = self.reader()
        others = self.save(CASED)
        self.assertNotEqual(others, vectors)
        self.assertEqual(vector, vectors[0])
        self.assertEqual(self.reader()[1], others[0])
        self.assertEqual(self.finish(process)[0], vectors[1])

    def test_one_connection_sees_the_new_file_under_a_new_name(self):
        vectors = self.save()
        db = self.connect()
        db.execute("SELECT embed_model('old', ?)", (self.path,))
        others = self.save(CASED)
        db.execute("SELECT embed_model('new', ?)", (self.path,))
        self.assertEqual(one(db, "SELECT hex(embed('the bank', 'old'))"), vectors[0])
        self.assertEqual(one(db, "SELECT hex(embed('the bank', 'new'))"), others[0])

    def test_nobody_may_write_to_it(self):
        self.save()
        self.assertEqual(os.stat(self.path).st_mode & 0o222, 0)

    def test_a_name_on_the_search_path_finds_it(self):
        vectors = self.save()
        process = subprocess.run(
            ["sqlite3", ":memory:", f".load {LIBRARY}",
             "SELECT hex(embed('the bank', 'm')), hex(embed('the bank'))",
             "SELECT name FROM embed_models WHERE name LIKE 'm%' ORDER BY name"],
            env={**os.environ, "CONTEXTUAL_PATH": str(self.folder), "CONTEXTUAL_MODEL": "m"},
            stdout=subprocess.PIPE, text=True, check=True)
        self.assertEqual(process.stdout.split(), [f"{vectors[0]}|{vectors[0]}", "m"])

    def test_what_can_not_be_written_leaves_nothing_behind(self):
        self.save()
        before = sorted(os.listdir(self.folder))
        db = self.connect()
        db.execute("SELECT embed_model('m', ?)", (str(BERT),))
        taken = self.folder / "text"
        taken.write_text("mine")
        for path, message in [
                (str(taken), "it is there already and no saved model, which alone is replaced"),
                (str(self.folder), "it is a folder; give the file a name in it"),
                (str(self.folder / ("x" * 300)), "the path is too long"),
                (str(self.folder / "none" / "m"), "there is no such folder"),
                (str(taken / "m"), "part of the path is not a folder")]:
            with self.assertRaises(sqlite3.OperationalError) as caught:
                db.execute("SELECT embed_model_save('m', ?)", (path,))
            self.assertIn(message, str(caught.exception))
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(before + ["text"]))
        self.assertEqual(taken.read_text(), "mine")

    def test_an_interrupted_saving_leaves_nothing_behind(self):
        db = self.connect()
        db.execute("SELECT embed_model('m', ?)", (str(BERT),))
        db.set_progress_handler(lambda: 1, 1)
        with self.assertRaises(sqlite3.OperationalError):
            db.execute("SELECT embed_model_save('m', ?)", (self.path,)).fetchone()
        self.assertEqual(os.listdir(self.folder), [])

    def test_damage_anywhere_is_told_and_never_used(self):
        vectors = self.save()
        data = pathlib.Path(self.path).read_bytes()
        damaged = self.folder / "damaged.contextual"
        db = self.connect()
        step = len(data) // 97
        for place in list(range(256)) + list(range(256, len(data), step)):
            mutant = bytearray(data)
            mutant[place] ^= 1 << place % 8
            damaged.write_bytes(mutant)
            with self.assertRaises(sqlite3.OperationalError) as caught:
                db.execute("SELECT embed_model('d', ?)", (str(damaged),))
            if place >= 8: # else it does not begin as a saved model
                self.assertIn("damaged.contextual", str(caught.exception))
        for size in (0, 7, 8, 255, 256, len(data) // 2, len(data) - 1):
            damaged.write_bytes(data[:size])
            with self.assertRaises(sqlite3.OperationalError):
                db.execute("SELECT embed_model('d', ?)", (str(damaged),))
        damaged.write_bytes(data)
        db.execute("SELECT embed_model('d', ?)", (str(damaged),))
        self.assertEqual(one(db, "SELECT hex(embed('the bank', 'd'))"), vectors[0])

    def test_what_is_damaged_is_named(self):
        self.save()
        data = pathlib.Path(self.path).read_bytes()
        damaged = self.folder / "d.contextual"
        db = self.connect()
        for place, message in [
                (8, "d.contextual has format version 3, this library reads 2; save it again from "
                    "its checkpoint"),
                (100, "d.contextual is damaged: its header has checksum "),
                (300, "d.contextual is damaged: its settings has checksum "),
                (len(data) - 1, "d.contextual is damaged: its ")]:
            mutant = bytearray(data)
            mutant[place] ^= 1
            damaged.write_bytes(mutant)
            with self.assertRaises(sqlite3.OperationalError) as caught:
                db.execute("SELECT embed_model('d', ?)", (str(damaged),))
            self.assertTrue(str(caught.exception).startswith("embed_model: " + message),
                            str(caught.exception))
        damaged.write_bytes(data[:1000])
        with self.assertRaises(sqlite3.OperationalError) as caught:
            db.execute("SELECT embed_model('d', ?)", (str(damaged),))
        self.assertEqual(str(caught.exception), f"embed_model: d.contextual has 1000 bytes, its "
                         f"header says {len(data)}: it was cut short or written to")


if __name__ == "__main__":
    sys.exit(case.run(Saved))
