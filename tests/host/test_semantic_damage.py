"""A semantic index whose shadow tables are damaged, a cell at a time: no answer is wrong in
silence, and integrity-check finds each.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_damage.py [N]

A cell is a value of a row of a shadow table: bytes of it are changed, it is cut short, made longer,
of another type, NULL, another number, or its row goes. Each of the N damages (600) is tried on a
copy of one file; then every question is asked that the index answers, and the answer must be the
one of the whole file or SQLITE_CORRUPT_VTAB.
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
BERT = str(TESTS / "golden" / "bert")
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
DAMAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 600
DIMENSIONS, ROWS = 16, 400
CORRUPT_VTAB = 267
KEYS = {"rows": "generation, id", "blocks": "block", "codes": "block", "vectors": "part",
        "config": "name", "pending": "id", "content": "id", "lists": "list", "fts_data": "id",
        "fts_content": "id", "fts_docsize": "id"}
WITHOUT_ROWID = ("rows", "config")
WORDS = "bank river money loan tide sea bread oven flour yeast lender rate".split()


def vector(rng):
    return struct.pack(f"{DIMENSIONS}f", *[rng.gauss(0, 1) for _ in range(DIMENSIONS)])


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(LIBRARY)
    db.execute("SELECT embed_model('tiny', ?)", (BERT,)).fetchall()
    return db


def other_value(rng, value):
    """Something else than the value."""
    if rng.random() < 0.1:
        return None if value is not None else 7
    if isinstance(value, bytes):
        way = rng.randrange(5)
        if way == 0 and value:
            return value[:rng.randrange(len(value))]
        if way == 1:
            return value + b"x"
        if way == 2:
            return "text"
        changed = bytearray(value)
        for _ in range(rng.choice([1, 1, 1, 8])):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    number = value if isinstance(value, int) else 0
    return rng.choice([number + 1, number - 1, number ^ 1 << rng.randrange(62), -number, 0,
                       rng.getrandbits(62), "text", number + 0.5])


class Damage(unittest.TestCase):
    OPTIONS = ""
    equal = None  # of every second row
    TABLES = ("rows", "blocks", "codes", "vectors", "config")

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.whole, self.path = str(self.folder / "whole.db"), str(self.folder / "damaged.db")
        self.random = random.Random(6)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def fill(self, options):
        db = connect(self.whole)
        db.execute(f"CREATE VIRTUAL TABLE s USING semantic(body, model=''{options})")
        db.execute("BEGIN")
        for i in range(1, ROWS + 1):
            db.execute("INSERT INTO s(rowid, body, vector) VALUES(?, ?, ?)",
                       (i, f"text {i}", (i % 2 and self.equal) or vector(self.random)))
        db.execute("COMMIT")
        db.execute("DELETE FROM s WHERE rowid % 5 = 0")
        self.questions = [vector(self.random) for _ in range(3)]
        self.questions += [self.equal] if self.equal else []
        self.assertEqual(self.failure(db, "INSERT INTO s(s) VALUES('integrity-check')"), None)
        answers = self.answers(db)
        db.close()
        return answers

    @staticmethod
    def failure(db, sql):
        try:
            db.execute(sql)
        except sqlite3.Error as error:
            return error
        return None

    def text(self):
        return " ".join(self.random.choice(WORDS) for _ in range(6))

    def asked(self):
        """[(statement, parameters)]"""
        asked = [("SELECT rowid, distance, vector FROM s WHERE s MATCH ? AND k = 10", (question,))
                 for question in self.questions]
        asked += [("SELECT rowid, distance FROM s WHERE s MATCH ?", (self.questions[0],)),
                  ("SELECT rowid, distance FROM s WHERE s MATCH ? AND among = '[1, 2, 3, 41, 999]'",
                   (self.questions[0],)),
                  ("SELECT rowid, vector FROM s", ()), ("SELECT count(*) FROM s", ())]
        return asked + [("SELECT rowid, vector FROM s WHERE rowid = ?", (i,))
                        for i in range(1, ROWS + 1)]

    def answers(self, db):
        """What each question gives: its rows, or None for an answer that is refused."""
        given = []
        for sql, parameters in self.asked():
            try:
                given.append(db.execute(sql, parameters).fetchall())
            except sqlite3.Error as error:
                self.assertEqual(error.sqlite_errorcode, CORRUPT_VTAB, f"{sql}: {error}")
                given.append(None)
        return given

    def damage(self):
        """Damages one cell of the copy; what was done."""
        db = sqlite3.connect(self.path, isolation_level=None)
        table = self.random.choice(self.TABLES)
        number = "0" if table in WITHOUT_ROWID else "rowid"
        rows = db.execute(f"SELECT {number}, * FROM s_{table}").fetchall()
        row = self.random.choice(rows)[1:]
        names = [info[1] for info in db.execute(f"PRAGMA table_info(s_{table})")]
        keys = KEYS[table].split(", ")
        where = " AND ".join(f"{key} = {row[names.index(key)]!r}" for key in keys)
        column = self.random.randrange(len(names))
        if self.random.random() < 0.1:
            db.execute(f"DELETE FROM s_{table} WHERE {where}")
            done = f"s_{table} WHERE {where}: deleted"
        else:
            value = other_value(self.random, row[column])
            done = f"s_{table} WHERE {where}: {names[column]} = {str(value)[:60]}"
            try:
                db.execute(f"UPDATE s_{table} SET {names[column]} = ? WHERE {where}", (value,))
            except sqlite3.Error:
                done = None  # a key that SQLite itself refuses
        if rows == db.execute(f"SELECT {number}, * FROM s_{table}").fetchall():
            done = None
        db.close()
        return done

    def try_all(self, options, damages=DAMAGES // 2):
        self.assertGreater(self.try_damages(self.fill(options), damages), 0)

    def try_damages(self, whole, damages, after=None, silently=0):
        """`after`: a statement, of which nothing must be silent either."""
        silent, unfound, refused, tried = [], [], 0, 0
        while tried < damages:
            shutil.copy(self.whole, self.path)
            done = self.damage()
            if not done:
                continue
            tried += 1
            db = connect(self.path)
            given = self.answers(db)
            refused += None in given
            if any(answer is not None and answer != right for answer, right in zip(given, whole)):
                silent.append(done)
            if not self.failure(db, "INSERT INTO s(s) VALUES('integrity-check')"):
                unfound.append(done)
            if after and not self.failure(db, after):
                silent.append(f"{after}: {done}")
            db.close()
        self.assertEqual(unfound, [])
        self.assertTrue(len(silent) <= silently * damages, silent)
        return refused

    def test_float32_beside_the_codes(self):
        self.try_all("")

    def test_equal_vectors(self):
        self.equal = vector(self.random)
        self.try_all("")

    def test_rows_of_the_content_and_rows_that_wait(self):
        """Rows that came or went beside the index, and what no row that waits can look like."""
        self.fill(", embed='manual'")
        db = connect(self.whole)
        db.execute("INSERT INTO s(s) VALUES('sync')")
        db.execute("INSERT INTO s(rowid, body) VALUES(1000, NULL)")
        db.execute("DELETE FROM s WHERE rowid = 9")
        db.execute("INSERT INTO s(s) VALUES('integrity-check')")
        db.close()
        for damage in (
                "UPDATE s_content SET id = 2000 WHERE id = 21",
                "DELETE FROM s_content WHERE id = 21", "DELETE FROM s_content WHERE id = 1000",
                "INSERT INTO s_content VALUES(9, 'text')", "DROP TABLE s_content",
                "UPDATE s_pending SET gone = 1 WHERE id = 1000",
                "UPDATE s_pending SET gone = 0 WHERE id = 9",
                "UPDATE s_pending SET gone = NULL", "UPDATE s_pending SET gone = 'x'",
                "UPDATE s_pending SET fresh = 7", "UPDATE s_pending SET text = 'text'",
                "UPDATE s_pending SET vector = x'00'", "UPDATE s_pending SET vector = 7",
                "UPDATE s_pending SET id = 21 WHERE id = 9", "DELETE FROM s_pending WHERE id = 9",
                "DELETE FROM s_pending WHERE id = 1000",
                "INSERT INTO s_pending VALUES(2000, 0, 0, 0, 0, NULL, NULL)", "DROP TABLE s_pending"):
            with self.subTest(damage):
                shutil.copy(self.whole, self.path)
                db = sqlite3.connect(self.path, isolation_level=None)
                db.execute(damage)
                db.close()
                db = connect(self.path)
                failure = self.failure(db, "INSERT INTO s(s) VALUES('integrity-check')")
                self.assertIsNotNone(failure)
                self.assertEqual(failure.sqlite_errorcode, CORRUPT_VTAB, failure)
                db.close()

    def test_ids_that_are_no_numbers(self):
        """They come after all numbers, and a walk that goes on from them would have no end."""
        self.fill("")
        for value in ("'text'", "x'01'", "21.5"):
            with self.subTest(value):
                shutil.copy(self.whole, self.path)
                db = connect(self.path)
                db.execute(f"UPDATE s_rows SET id = {value} WHERE id = 21")
                db.set_progress_handler(lambda: 1, 10 ** 7)
                failure = self.failure(db, "INSERT INTO s(s) VALUES('rebuild')")
                self.assertIsNotNone(failure)
                self.assertEqual(failure.sqlite_errorcode, CORRUPT_VTAB, failure)
                db.close()

    def test_codes_alone(self):
        self.TABLES = ("rows", "blocks", "codes", "config")
        self.try_all(", quantize='int8'")

    def test_rows_that_wait(self):
        """Texts that the index alone has, until they are embedded: what comes, changes and goes."""
        self.TABLES = ("pending", "pending", "pending", "config")
        self.questions = [self.text() for _ in range(3)]
        db = connect(self.whole)
        db.execute("CREATE VIRTUAL TABLE s USING semantic(body, model='tiny', content='', "
                   "embed='manual')")
        db.execute("BEGIN")
        db.executemany("INSERT INTO s(rowid, body) VALUES(?, ?)",
                       [(i, self.text()) for i in range(1, 101)])
        db.execute("INSERT INTO s(s) VALUES('sync')")
        db.executemany("INSERT INTO s(rowid, body) VALUES(?, ?)",
                       [(i, self.text()) for i in range(101, 141)])
        db.executemany("UPDATE s SET body = ? WHERE rowid = ?",
                       [(self.text(), i) for i in range(1, 100, 9)])
        db.execute("UPDATE s SET vector = vector WHERE rowid BETWEEN 20 AND 25")
        db.execute("DELETE FROM s WHERE rowid % 10 = 0")
        db.execute("COMMIT")
        whole = self.answers(db)
        self.assertIsNone(self.failure(db, "INSERT INTO s(s) VALUES('integrity-check')"))
        db.close()
        self.assertGreater(
            self.try_damages(whole, DAMAGES // 4, "INSERT INTO s(s) VALUES('sync')"), 0)

    def test_lists_of_an_approximate_index(self):
        self.TABLES = ("lists", "lists", "config", "blocks")
        db = connect(self.whole)
        db.execute("CREATE VIRTUAL TABLE s USING semantic(body, model='', index='ivf')")
        db.execute("BEGIN")
        db.executemany("INSERT INTO s(rowid, vector) VALUES(?, ?)",
                       [(i, vector(self.random)) for i in range(1, 2100)])
        db.execute("COMMIT")
        db.execute("INSERT INTO s(s) VALUES('optimize')")
        db.execute("INSERT INTO s(s, rank) VALUES('probes', 1)")
        self.questions = [vector(self.random) for _ in range(3)]
        whole = self.answers(db)
        db.close()
        self.assertGreater(self.try_damages(whole, DAMAGES // 8), 0)

    def filled_with_texts(self, options):
        self.questions = [self.text() for _ in range(3)]
        db = connect(self.whole)
        db.execute(f"CREATE VIRTUAL TABLE s USING semantic(body, model='tiny'{options})")
        db.execute("BEGIN")
        db.executemany("INSERT INTO s(rowid, body) VALUES(?, ?)",
                       [(i, self.text()) for i in range(1, ROWS)])
        db.execute("COMMIT")
        answers = self.answers(db)
        db.close()
        return answers

    def test_rows_of_several_chunks(self):
        self.TABLES = ("rows", "rows", "codes", "vectors", "config")
        self.filled_with_texts(", chunk=8")
        db = connect(self.whole)
        lengths = db.execute("SELECT avg(length(chunks)) FROM s_rows").fetchone()[0]
        self.questions[0] = db.execute("SELECT embed('sea', 'tiny')").fetchone()[0]
        whole = self.answers(db)
        db.close()
        self.assertGreater(lengths, 20)
        self.assertGreater(self.try_damages(whole, DAMAGES // 8), 0)

    def test_content(self):
        """Texts that are shown are those that were indexed."""
        self.TABLES = ("content",)
        asked = self.asked
        self.asked = lambda: asked() + [
            ("SELECT rowid, body FROM s", ()),
            ("SELECT rowid, body, snippet FROM s WHERE s MATCH ? AND k = 200",
             (self.questions[0],))]
        self.try_damages(self.filled_with_texts(""), DAMAGES // 8)

    def test_words(self):
        """FTS5 answers for its tables, and not for all of them: integrity-check does."""
        self.TABLES = ("fts_data", "fts_content", "fts_docsize")
        self.try_damages(self.filled_with_texts(", fts=1"), DAMAGES // 8, silently=0.15)

    def test_a_question_half_read_when_a_write_meets_damage(self):
        """What is still to come is made before anything moves. Where that fails the write does, and
        the question goes on to the damage: it does not end as if there were no more rows."""
        whole = self.fill("")[len(self.questions)]
        shutil.copyfile(self.whole, self.path)
        db = connect(self.path)
        reader = db.execute("SELECT rowid, distance FROM s WHERE s MATCH ?", (self.questions[0],))
        given = [next(reader)]
        block_rows, = db.execute("SELECT value FROM s_config WHERE name = 'block_rows'").fetchone()
        part_rows, = db.execute("SELECT value FROM s_config WHERE name = 'part_rows'").fetchone()
        part = 4096 + (whole[-1][0] - 1) % block_rows // part_rows
        db.execute("UPDATE s_vectors SET data = zeroblob(8) WHERE part = ?", (part,))
        self.assertIn("is damaged", str(self.failure(db, "INSERT INTO s(rowid) VALUES(5)")))
        with self.assertRaisesRegex(sqlite3.DatabaseError, "is damaged"):
            given += reader
        self.assertEqual(given, whole[:len(given)])
        self.assertGreater(len(given), 10)
        db.close()


if __name__ == "__main__":
    sys.argv[1:] = []
    sys.exit(case.run(Damage))
