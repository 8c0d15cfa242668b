"""The extension in Python's sqlite3 module: threads, many connections, forked processes.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_python.py

Needs a Python whose sqlite3 module may load extensions; without one the tests are skipped.
"""
import array
import gc
import math
import multiprocessing
import os
import pathlib
import sqlite3
import struct
import sys
import tempfile
import threading
import time
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY",
                                         TESTS.parent / "contextual.so"))
TINY = str(TESTS / "golden" / "bert")
TEXT = "We sat on the bank of the river."
ENDLESS = ("WITH RECURSIVE rows(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM rows) "
           "SELECT 'The fisherman rested on the bank. ' || n FROM rows")


def connect(path=":memory:", **options):
    db = sqlite3.connect(path, **options)
    db.enable_load_extension(True)
    db.load_extension(LIBRARY)
    db.enable_load_extension(False)
    db.execute("SELECT embed_model('tiny', ?)", (TINY,))
    return db


def one(db, sql, *parameters):
    return db.execute(sql, parameters).fetchone()[0]


def embed_in_child(_):
    db = connect()
    return one(db, "SELECT embed(?, 'tiny')", TEXT)


class Python(unittest.TestCase):
    def setUp(self):
        self.db = connect()
        self.want = one(self.db, "SELECT embed(?, 'tiny')", TEXT)

    def tearDown(self):
        self.db.close()

    def test_it_loads_where_there_is_no_fts5(self):
        db = sqlite3.connect(":memory:")
        db.set_authorizer(lambda action, _, name, *rest: sqlite3.SQLITE_DENY
                          if action == 31 and name == "fts5" else sqlite3.SQLITE_OK)
        db.enable_load_extension(True)
        db.load_extension(LIBRARY)
        self.assertIsNotNone(one(db, "SELECT contextual_version()"))
        db.execute("CREATE VIRTUAL TABLE fts USING fts5(body)")
        db.execute("INSERT INTO fts VALUES ('the bank')")
        with self.assertRaisesRegex(sqlite3.OperationalError, "no such function: semantic_rank"):
            db.execute("SELECT semantic_rank(fts, 'loan') FROM fts WHERE fts MATCH 'bank'")
        db.close()

    def test_without_fts5_a_hybrid_index_says_so_and_answers_vectors(self):
        path = os.path.join(tempfile.mkdtemp(), "hybrid.db")
        db = connect(path)
        db.execute("CREATE VIRTUAL TABLE search USING semantic(body, model='tiny', fts=1)")
        db.execute("INSERT INTO search(body) VALUES ('the bank'), ('a river')")
        db.commit()
        db.close()
        db = connect(path)
        db.set_authorizer(lambda action, _, name, *rest: sqlite3.SQLITE_DENY
                          if action == 31 and name == "fts5" else sqlite3.SQLITE_OK)
        for option in "fts=1", "hybrid=words":
            with self.assertRaisesRegex(sqlite3.OperationalError, "needs FTS5"):
                db.execute(f"CREATE VIRTUAL TABLE s USING semantic(body, model='tiny', {option})")
        db.close()
        hidden = sqlite3.connect(path)
        hidden.execute("PRAGMA writable_schema = ON")
        hidden.execute("UPDATE sqlite_master SET sql = replace(sql, 'fts5', 'fts0') WHERE name = 'search_fts'")
        hidden.commit()
        hidden.close()
        db = connect(path)
        with self.assertRaisesRegex(sqlite3.OperationalError, "search_fts., and this SQLite has no FTS5"):
            db.execute("SELECT rowid FROM search WHERE search MATCH 'bank'").fetchall()
        with self.assertRaisesRegex(sqlite3.OperationalError, "search_fts., and this SQLite has no FTS5"):
            db.execute("INSERT INTO search(body) VALUES ('more')")
        self.assertEqual(db.execute("SELECT body FROM search WHERE search MATCH "
                                    "(SELECT vector FROM search WHERE rowid = 2) AND k = 1").fetchall(),
                         [("a river",)])
        # SQLite takes no sentence from a module that can't drop its table, only the code.
        with self.assertRaisesRegex(sqlite3.OperationalError, "SQL logic error"):
            db.execute("DROP TABLE search")
        self.assertEqual(db.execute("SELECT body FROM search").fetchall(), [("the bank",), ("a river",)])
        db.close()

    def test_an_interrupt_ends_maxsim_between_two_long_texts(self):
        calls = iter(range(1 << 30))
        self.db.set_progress_handler(lambda: next(calls) > 20, 1000)
        began = time.monotonic()
        with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
            one(self.db, "SELECT maxsim(?, ?, 'tiny')", "bank river " * 100000,
                "loan of the company " * 100000)
        self.assertLess(time.monotonic() - began, 20)

    def test_a_vector_is_bytes_that_array_and_struct_can_read(self):
        numbers = array.array("f", self.want)
        self.assertEqual(struct.unpack(f"<{len(numbers)}f", self.want), tuple(numbers))
        self.assertTrue(all(math.isfinite(x) for x in numbers))

    def test_bytes_from_python_are_a_vector(self):
        vector = struct.pack("<3f", 1, 2, 2)
        self.assertEqual(one(self.db, "SELECT dot(?, ?)", vector, vector), 9)
        self.assertAlmostEqual(one(self.db, "SELECT cosine(?, '[2,4,4]')", vector), 1)

    def test_text_with_nul_and_lone_surrogates_of_other_databases(self):
        self.assertIsInstance(one(self.db, "SELECT embed(?, 'tiny')", "a\0b"), bytes)
        ill_formed = "CAST(x'eda080ff' AS TEXT)"
        self.assertIsInstance(one(self.db, f"SELECT embed({ill_formed}, 'tiny')"), bytes)

    def test_a_utf16_database_gives_the_same_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            db = sqlite3.connect(os.path.join(folder, "utf16.db"))
            db.execute("PRAGMA encoding = 'UTF-16le'")
            db.execute("CREATE TABLE t(body)")
            db.execute("INSERT INTO t VALUES (?)", (TEXT,))
            db.commit()
            db.close()
            db = connect(os.path.join(folder, "utf16.db"))
            self.assertEqual(one(db, "PRAGMA encoding"), "UTF-16le")
            self.assertEqual(one(db, "SELECT embed(body, 'tiny') FROM t"), self.want)
            tokens = "SELECT group_concat(token, ' ') FROM tokens(?, 'tiny')"
            self.assertEqual(one(db, tokens, TEXT), one(self.db, tokens, TEXT))
            db.close()

    def test_an_error_is_an_exception_and_the_connection_goes_on(self):
        with self.assertRaisesRegex(sqlite3.OperationalError, "^embed: .*nosuch"):
            self.db.execute("SELECT embed('x', 'nosuch')").fetchone()
        self.assertEqual(one(self.db, "SELECT embed(?, 'tiny')", TEXT), self.want)

    def test_executemany_stores_what_embed_gives(self):
        texts = [f"{TEXT} {i}" for i in range(100)]
        self.db.execute("CREATE TABLE t(body TEXT, e BLOB AS (embed(body, 'tiny')) STORED)")
        self.db.executemany("INSERT INTO t(body) VALUES (?)", ((t,) for t in texts))
        self.assertEqual(one(self.db, "SELECT count(*) FROM t "
                                      "WHERE e = embed(body, 'tiny')"), 100)

    def test_many_connections_of_one_thread(self):
        connections = [connect() for _ in range(50)]
        for db in connections:
            self.assertEqual(one(db, "SELECT embed(?, 'tiny')", TEXT), self.want)
        for db in connections[::2]:
            db.close()
        for db in connections[1::2]:
            self.assertEqual(one(db, "SELECT embed(?, 'tiny')", TEXT), self.want)
            db.close()

    def test_a_connection_that_nobody_closes(self):
        for _ in range(20):
            connect().execute("SELECT embed(?, 'tiny')", (TEXT,))
        gc.collect()

    def in_threads(self, count, body):
        failures = []

        def run():
            try:
                body()
            except Exception as failure:  # an assertion in a thread must fail the test
                failures.append(failure)
        threads = [threading.Thread(target=run) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_sixteen_threads_with_connections_of_their_own(self):
        def body():
            db = connect()
            for i in range(20):
                self.assertEqual(one(db, "SELECT embed(?, 'tiny')", TEXT), self.want)
                one(db, "SELECT embed(?, 'tiny')", f"{TEXT} {i}")
            db.close()
        self.in_threads(16, body)

    def test_threads_that_share_one_connection(self):
        db = connect(check_same_thread=False)

        def body():
            for i in range(20):
                self.assertEqual(one(db, "SELECT embed(?, 'tiny')", TEXT), self.want)
        self.in_threads(8, body)
        db.close()

    def test_embed_query_in_threads(self):
        def body():
            db = connect()
            rows = db.execute("SELECT text, embedding FROM embed_query(?, 'tiny')",
                              (f"{ENDLESS} LIMIT 200",)).fetchall()
            self.assertEqual(len(rows), 200)
            for text, embedding in rows[::50]:
                self.assertEqual(one(db, "SELECT embed(?, 'tiny')", text), embedding)
            db.close()
        self.in_threads(8, body)

    def test_interrupt_from_another_thread(self):
        db = connect(check_same_thread=False)
        timer = threading.Timer(0.1, db.interrupt)
        timer.start()
        with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
            one(db, "SELECT count(*) FROM embed_query(?, 'tiny')", ENDLESS)
        timer.join()
        self.assertEqual(one(db, "SELECT embed(?, 'tiny')", TEXT), self.want)
        db.close()

    def test_a_time_limit_by_progress_handler(self):
        def late(steps):
            deadline = time.monotonic() + 0.1
            self.db.set_progress_handler(lambda: time.monotonic() > deadline, steps)
            with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
                one(self.db, "SELECT count(*) FROM embed_query(?, 'tiny')", ENDLESS)
            self.db.set_progress_handler(None, steps)
            return time.monotonic() - deadline

        for steps in (1, 1000, 100000):
            # The best of a few: another program may hold the processor.
            self.assertTrue(any(late(steps) < 0.1 for _ in range(6)))
        self.assertEqual(one(self.db, "SELECT embed(?, 'tiny')", TEXT), self.want)

    def test_worker_processes_embed_the_same_bits(self):
        for method in ("fork", "spawn"):
            with multiprocessing.get_context(method).Pool(2) as pool:
                for vector in pool.map(embed_in_child, range(4)):
                    self.assertEqual(vector, self.want)

    def test_a_backup_holds_the_vectors(self):
        self.db.execute("CREATE TABLE t AS SELECT embed(?, 'tiny') AS e", (TEXT,))
        self.db.commit()
        with sqlite3.connect(":memory:") as copy:
            self.db.backup(copy)
            self.assertEqual(one(copy, "SELECT e FROM t"), self.want)


if __name__ == "__main__":
    sys.exit(case.run(Python))
