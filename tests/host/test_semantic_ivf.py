"""The approximate semantic index (index='ivf'): how much of the exact answer it finds, and that
rows written before, between and after the steps of 'optimize' are in step.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_ivf.py
"""
import os
import pathlib
import random
import shutil
import sqlite3
import struct
import sys
import tempfile
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
ROWS, LENGTH, CLUSTERS = 6000, 24, 40


def floats(numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


class SemanticIvf(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.file = str(self.folder / "rows.db")
        self.connections = []
        self.random = random.Random(7)
        self.centres = [self.around([0] * LENGTH, 1) for _ in range(CLUSTERS)]

    def tearDown(self):
        for db in self.connections:
            db.close()
        shutil.rmtree(self.folder)

    def around(self, centre, size):
        return [x + self.random.gauss(0, size) for x in centre]

    def vector(self):
        return floats(self.around(self.random.choice(self.centres), 0.5))

    def connect(self):
        db = sqlite3.connect(self.file, isolation_level=None, timeout=0.1)
        self.connections.append(db)
        db.enable_load_extension(True)
        db.load_extension(os.path.splitext(LIBRARY)[0])
        return db

    def made(self, options="", rows=ROWS):
        db = self.connect()
        db.execute(f"CREATE VIRTUAL TABLE s USING semantic(x, model='', index='ivf'{options})")
        db.execute("BEGIN")
        db.executemany("INSERT INTO s(rowid, vector) VALUES(?, ?)",
                       ((i + 1, self.vector()) for i in range(rows)))
        db.execute("COMMIT")
        self.questions = [self.vector() for _ in range(60)]
        return db

    def ask(self, db, k=10, also="", questions=None):
        return [db.execute(f"SELECT rowid, distance FROM s WHERE s MATCH ? AND k = ? {also} "
                           "ORDER BY rank", (q, k)).fetchall()
                for q in questions or self.questions]

    def recall(self, exact, answers):
        wanted = sum(len(rows) for rows in exact)
        return sum(len(set(a) & set(b)) for a, b in zip(exact, answers)) / wanted

    def status(self, db, column):
        return db.execute(f'SELECT {column} FROM semantic_status WHERE "index" = \'s\'').fetchone()[0]

    def loose(self, db):
        return db.execute("SELECT coalesce(sum(used), 0) FROM s_blocks "
                          "WHERE block > 0 AND list IS NULL").fetchone()[0]

    def optimize(self, db, rows=None):
        db.execute("INSERT INTO s(s, rank) VALUES('optimize', ?)", (rows,))

    def probes(self, db, lists):
        db.execute("INSERT INTO s(s, rank) VALUES('probes', ?)", (lists,))

    def check(self, db):
        db.execute("INSERT INTO s(s) VALUES('integrity-check')")

    def test_most_of_the_exact_answer_is_found_and_all_of_it_with_all_lists(self):
        for options in ("", ", quantize='int8'", ", quantize='bit'", ", metric='l2'",
                        ", metric='dot'"):
            with self.subTest(options):
                self.file = str(self.folder / f"{len(self.connections)}.db")
                db = self.made(options)
                exact = self.ask(db)
                self.optimize(db)
                self.check(db)
                self.assertEqual(self.loose(db), 0)
                self.assertGreaterEqual(self.recall(exact, self.ask(db)), 0.95)
                self.probes(db, 1000)
                self.assertEqual(self.ask(db), exact)
                self.probes(db, 1)
                self.assertGreater(self.recall(exact, self.ask(db)), 0.2)

    def test_vectors_that_lie_in_no_clusters_are_all_read_and_answers_exact(self):
        self.centres = [[0] * LENGTH]
        db = self.made()
        exact = self.ask(db)
        self.optimize(db)
        self.assertEqual(self.status(db, "share"), 1)
        self.assertEqual(self.ask(db), exact)
        self.probes(db, 1)
        self.assertLess(self.recall(exact, self.ask(db)), 0.9)

    def test_filters_find_as_many_rows_as_there_are(self):
        db = self.made()
        among = "AND rowid % 1 = 0 AND rowid BETWEEN 1000 AND 1600"
        exact = self.ask(db, 10, among)
        wide = self.ask(db, 700, "AND rowid > 5500")
        self.optimize(db)
        self.assertGreaterEqual(self.recall(exact, self.ask(db, 10, among)), 0.95)
        self.probes(db, 1)
        for rows in self.ask(db, 700, "AND rowid > 5500"):
            self.assertEqual(len(rows), 500)
        self.assertEqual(self.recall(wide, self.ask(db, 700, "AND rowid > 5500")), 1)

    def test_rows_without_a_limit_come_all_and_each_once(self):
        db = self.made()
        self.optimize(db)
        self.probes(db, 1)
        found = [id for id, in db.execute("SELECT rowid FROM s WHERE s MATCH ?",
                                          (self.questions[0],))]
        self.assertEqual(sorted(found), list(range(1, ROWS + 1)))

    def test_the_order_that_is_asked_for_holds_from_pass_to_pass(self):
        """No limit is seen here: 64 rows come, then eight times as many from more lists."""
        db = self.made()
        self.optimize(db)
        self.probes(db, 1)
        for order in "rank", "distance", "rank, rowid":
            for question in self.questions[:20]:
                found = db.execute(f"SELECT distance, rowid FROM s WHERE s MATCH ? ORDER BY {order} "
                                   "LIMIT 2000", (question,)).fetchall()
                self.assertEqual(found, sorted(found))
                self.assertEqual(len(found), len(set(found)))
                self.assertEqual(len(found), 2000)

    def test_rows_that_came_or_changed_or_went_after_optimize(self):
        db = self.made()
        self.optimize(db)
        db.execute("INSERT INTO s(rowid, vector) VALUES(9000, ?)", (self.questions[0],))
        db.execute("UPDATE s SET vector = ? WHERE rowid = 5", (self.questions[1],))
        nearest = self.ask(db, 1, questions=self.questions[2:3])[0][0][0]
        db.execute("DELETE FROM s WHERE rowid = ?", (nearest,))
        for _ in range(2):
            first = [rows[0][0] for rows in self.ask(db)]
            self.assertEqual(first[:2], [9000, 5])
            self.assertNotEqual(first[2], nearest)
            self.check(db)
            self.optimize(db)
            self.assertEqual(self.loose(db), 0)

    def test_optimize_by_steps_with_writes_of_two_connections_between(self):
        for mode in "delete", "wal":
            with self.subTest(mode):
                self.file = str(self.folder / f"{mode}.db")
                db = self.made()
                other = self.connect()
                db.execute(f"PRAGMA journal_mode = {mode}").fetchall()
                steps = 0
                exact = self.ask(db)
                while self.status(db, "share") is None:
                    self.assertEqual(self.ask(other), exact)
                    writer = (db, other)[steps % 2]
                    self.optimize(writer, 1000)
                    writer = (other, db)[steps % 2]
                    writer.execute("UPDATE s SET vector = ? WHERE rowid = ?",
                                   (self.vector(), steps * 300 + 1))
                    writer.execute("DELETE FROM s WHERE rowid = ?", (steps * 200 + 50,))
                    writer.execute("INSERT INTO s(rowid, vector) VALUES(?, ?)",
                                   (ROWS + 1 + steps, self.vector()))
                    self.probes(db, 1000)
                    exact = self.ask(db)
                    self.probes(db, 0)
                    self.check(other)
                    steps += 1
                    self.assertLess(steps, 20)
                self.assertGreaterEqual(steps, 6)
                self.assertGreaterEqual(self.recall(exact, self.ask(other)), 0.95)

    def test_a_rollback_leaves_the_lists_as_they_were(self):
        db = self.made()
        exact = self.ask(db)
        db.execute("BEGIN")
        self.optimize(db)
        self.assertIsNotNone(self.status(db, "lists"))
        db.execute("ROLLBACK")
        self.assertIsNone(self.status(db, "lists"))
        self.assertEqual(self.ask(db), exact)
        self.check(db)
        self.optimize(db, 2000)
        db.execute("BEGIN")
        self.optimize(db, 2000)
        db.execute("SAVEPOINT one")
        self.optimize(db)
        db.execute("ROLLBACK TO one")
        self.assertEqual(self.ask(db), exact)
        db.execute("ROLLBACK")
        self.assertEqual(self.loose(db), ROWS - 2000)
        self.assertEqual(self.ask(db), exact)
        self.check(db)

    def test_another_connection_uses_the_lists_once_they_are_committed(self):
        db = self.made()
        other = self.connect()
        exact = self.ask(other)
        self.optimize(db)
        self.assertGreaterEqual(self.recall(exact, self.ask(other)), 0.95)
        db.execute("INSERT INTO s(s) VALUES('rebuild')")
        self.assertEqual(self.ask(other), exact)

    def test_an_index_that_grew_gets_new_lists(self):
        db = self.made(rows=2000)
        self.optimize(db)
        before = self.status(db, "lists")
        db.execute("BEGIN")
        db.executemany("INSERT INTO s(rowid, vector) VALUES(?, ?)",
                       ((i, self.vector()) for i in range(10000, 18000)))
        db.execute("COMMIT")
        self.optimize(db)
        self.assertGreater(self.status(db, "lists"), 3 * before)
        self.check(db)
        answers = self.ask(db)
        self.probes(db, 1000)
        self.assertGreaterEqual(self.recall(self.ask(db), answers), 0.95)

    def test_damaged_lists_are_found_and_rebuild_mends_them(self):
        db = self.made()
        self.optimize(db)
        self.probes(db, 3)
        exact = self.ask(db)
        harm = ("UPDATE s_lists SET centroid = zeroblob(length(centroid)) WHERE list = 3",
                "UPDATE s_lists SET centroid = substr(centroid, 1, 20) WHERE list = 2",
                "UPDATE s_lists SET centroid = 'text' WHERE list = 2",
                "UPDATE s_lists SET centroid = (SELECT centroid FROM s_lists WHERE list = 1) "
                "WHERE list = 2",
                "DELETE FROM s_lists WHERE list = 4",
                "DELETE FROM s_lists",
                "UPDATE s_lists SET list = 500 WHERE list = 1",
                "INSERT INTO s_lists VALUES(77, x'00')")
        for sql in harm:
            with self.subTest(sql):
                db.execute("PRAGMA writable_schema = off")
                db.execute("BEGIN")
                db.execute(sql)
                with self.assertRaisesRegex(sqlite3.DatabaseError, "s_lists"):
                    self.check(db)
                fresh = sqlite3.DatabaseError
                with self.assertRaisesRegex(fresh, "s_lists"):
                    self.ask(db)
                db.execute("SAVEPOINT mend")
                db.execute("INSERT INTO s(s) VALUES('rebuild')")
                self.check(db)
                self.assertEqual(len(self.ask(db)[0]), 10)
                db.execute("ROLLBACK")
                self.assertEqual(self.ask(db), exact)

    def test_damage_of_a_block_s_list_is_found(self):
        db = self.made()
        self.optimize(db)
        db.execute("UPDATE s_blocks SET list = (list + 1) % 3 WHERE block = "
                   "(SELECT max(block) FROM s_blocks)")
        with self.assertRaisesRegex(sqlite3.DatabaseError, "s_blocks"):
            self.check(db)
        with self.assertRaisesRegex(sqlite3.DatabaseError, "s_blocks"):
            self.ask(self.connect())


if __name__ == "__main__":
    sys.exit(case.run(SemanticIvf))
