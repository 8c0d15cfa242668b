"""A semantic index in the hands of hosts: limits that they set, connections that come and go, things
done to a file while the index is in use.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_host.py
"""
import os
import pathlib
import sqlite3
import sys
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
CHECK = "INSERT INTO search(search) VALUES('integrity-check')"


class Host(unittest.TestCase):
    def setUp(self):
        self.db = self.connect()

    def connect(self, path=":memory:"):
        db = sqlite3.connect(path, isolation_level=None)
        db.enable_load_extension(True)
        db.load_extension(LIBRARY)
        self.addCleanup(db.close)
        return db

    def test_a_limit_on_values_is_named_before_anything_is_written(self):
        db = self.db
        if not hasattr(db, "setlimit"):
            self.skipTest("this Python sets no limits")
        db.execute("CREATE VIRTUAL TABLE search USING semantic(body, model='')")
        put = "INSERT INTO search(body, vector) VALUES (?, '[1, 2, 3, 4]')"
        db.execute(put, ("before",))
        ask = "SELECT body FROM search WHERE search MATCH vector('[1, 2, 3, 4]')"
        old = db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 50000)
        for statement in (put.replace("?", "'late'"), ask, CHECK,
                          "INSERT INTO search(search) VALUES('rebuild')"):
            with self.subTest(statement), self.assertRaisesRegex(
                    sqlite3.DataError, "^search: SQLITE_LIMIT_LENGTH of this connection is 50000: "
                                       "a semantic index of vectors of 4 numbers needs [0-9]+$"):
                db.execute(statement).fetchall()
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, old)
        db.execute(CHECK)
        self.assertEqual(db.execute(ask).fetchall(), [("before",)])
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1000000)
        db.execute(put, ("after",))
        self.assertEqual(db.execute(ask).fetchall(), [("before",), ("after",)])


if __name__ == "__main__":
    sys.exit(case.run(Host))
