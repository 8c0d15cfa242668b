"""A semantic index in the hands of hosts: limits that they set, connections that come and go, things
done to a file while the index is in use.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_host.py
"""
import sqlite3
import sys

import case

CHECK = "INSERT INTO search(search) VALUES('integrity-check')"


class Host(case.Connected):
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

    def test_a_join_asks_anew_after_a_write_on_its_connection(self):
        if sqlite3.sqlite_version_info < (3, 38):
            self.skipTest("k beside rowid = needs SQLite 3.38")
        db = self.db
        db.execute("CREATE TABLE number(id INTEGER PRIMARY KEY)")
        db.execute("CREATE VIRTUAL TABLE search USING semantic(body, model='', metric='l2')")
        for i in range(1, 9):
            db.execute("INSERT INTO number VALUES (?)", (i,))
            db.execute("INSERT INTO search(rowid, vector) VALUES (?, ?)", (i, f"[{i}, 0]"))
        cursor = db.execute("SELECT id, s.semantic_rank FROM number LEFT JOIN search s "
                            "ON s.search MATCH vector('[0, 0]') AND s.k = 4 AND s.rowid = id")
        found = [cursor.fetchone() for _ in range(3)]
        for i in (1, 2):
            db.execute("DELETE FROM search WHERE rowid = ?", (i,))
        found += cursor.fetchall()
        found.pop(3)  # Python reads one row ahead
        self.assertEqual(found, [(1, 1), (2, 2), (3, 3), (5, 3), (6, 4), (7, None), (8, None)])

    def test_an_authorizer_that_lets_nothing_but_read_gets_answers_from_what_is_stored(self):
        db = self.db
        db.execute("CREATE VIRTUAL TABLE search USING semantic(body, model='')")
        put = "INSERT INTO search(body, vector) VALUES (?, '[1, 2]')"
        ask = "SELECT body FROM search WHERE search MATCH ?"
        vector = db.execute("SELECT vector('[1, 2]')").fetchone()
        db.execute(put, ("stored",))
        db.execute("BEGIN")
        db.execute(put, ("waits",))
        reads = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
        db.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in reads
                          else sqlite3.SQLITE_DENY)
        self.assertEqual(db.execute(ask, vector).fetchall(), [("stored",)])
        db.set_authorizer(None)
        self.assertEqual(db.execute(ask, vector).fetchall(), [("stored",), ("waits",)])
        db.execute("COMMIT")


if __name__ == "__main__":
    sys.exit(case.run(Host))
