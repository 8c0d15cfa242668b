"""The semantic index in step with its rows where that takes more than one connection, a file, or
an interruption. What one connection can show is in tests/sql/semantic_rows.sql.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_step.py
"""
import os
import pathlib
import shutil
import sqlite3
import struct
import sys
import tempfile
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
BERT = TESTS / "golden" / "bert"
OTHER = TESTS / "golden" / "bert_cased"

# The rows whose vector is not that of their text: none, where content and index agree.
WRONG = "SELECT count(*) FROM search WHERE vector IS NOT embed(title)"


def one(db, sql, *parameters):
    return db.execute(sql, parameters).fetchone()[0]


def rows(db, sql="SELECT rowid, title FROM search"):
    return db.execute(sql).fetchall()


def floats(*numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


class SemanticStep(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.file = str(self.folder / "rows.db")
        self.connections = []

    def tearDown(self):
        for db in self.connections:
            db.close()
        shutil.rmtree(self.folder)

    def connect(self, path=None, model=BERT, uri=False):
        db = sqlite3.connect(path or self.file, isolation_level=None, timeout=0.1, uri=uri)
        self.connections.append(db)
        db.enable_load_extension(True)
        db.load_extension(os.path.splitext(LIBRARY)[0])
        if model:
            db.execute("SELECT embed_model('tiny', ?)", (str(model),)).fetchall()
            db.execute("SELECT embed_model_default('tiny')").fetchall()
        return db

    def index(self, db, options=""):
        db.execute(f"CREATE VIRTUAL TABLE search USING semantic(title, model='tiny'{options})")

    def articles(self, db):
        db.execute("CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT)")
        self.index(db, ", content='articles', content_rowid='id'")
        db.execute("INSERT INTO search(search) VALUES('triggers')")

    def agree(self, db):
        self.assertEqual(one(db, WRONG), 0)
        db.execute("INSERT INTO search(search) VALUES('integrity-check')")

    def refused(self, db, sentence, sql, *parameters):
        with self.assertRaises(sqlite3.DatabaseError) as failure:
            db.execute(sql, parameters).fetchall()
        self.assertIn(sentence, str(failure.exception))

    def test_another_connection_sees_rows_when_they_are_committed(self):
        for mode in "wal", "delete":
            with self.subTest(mode):
                self.file = str(self.folder / f"{mode}.db")
                a, b = self.connect(), self.connect()
                one(a, f"PRAGMA journal_mode = {mode}")
                self.index(a)
                a.execute("INSERT INTO search(title) VALUES('the bank')")
                self.assertEqual(rows(b), [(1, "the bank")])
                a.execute("BEGIN")
                a.execute("INSERT INTO search(title) VALUES('the river')")
                self.assertEqual(one(a, "SELECT count(vector) FROM search"), 2)
                if mode == "wal":
                    self.assertEqual(rows(b), [(1, "the bank")])
                a.execute("COMMIT")
                self.assertEqual(rows(b), [(1, "the bank"), (2, "the river")])
                b.execute("UPDATE search SET title = 'the shore' WHERE rowid = 1")
                b.execute("DELETE FROM search WHERE rowid = 2")
                self.assertEqual(rows(a), [(1, "the shore")])
                self.agree(a)
                self.agree(b)

    def test_a_thousand_rows_one_by_one_in_a_transaction(self):
        db = self.connect()
        self.articles(db)
        db.execute("BEGIN")
        for i in range(2500):
            db.execute("INSERT INTO articles(title) VALUES(?)", (f"bank {i % 70}",))
            if i % 100 == 0:
                self.assertEqual(one(db, "SELECT last_insert_rowid()"), i + 1)
                self.assertEqual(one(db, "SELECT changes()"), 1)
        waiting = one(db, "SELECT count(*) FROM search_pending")
        self.assertTrue(0 < waiting < 1024, waiting)
        db.execute("COMMIT")
        self.assertEqual(one(db, "SELECT count(*) FROM search_pending"), 0)
        self.assertEqual(one(db, "SELECT count(*) FROM search"), 2500)
        self.agree(db)

    def test_much_text_is_not_left_to_wait(self):
        db = self.connect()
        self.articles(db)
        db.execute("BEGIN")
        for i in range(9):
            db.execute("INSERT INTO articles(title) VALUES(?)", (f"{i} " + "bank " * 100000,))
        self.assertLess(one(db, "SELECT count(*) FROM search_pending"), 9)
        db.execute("COMMIT")
        self.agree(db)

    def test_a_row_that_changes_many_times_waits_once(self):
        db = self.connect()
        self.articles(db)
        db.execute("INSERT INTO articles VALUES(1, 'first')")
        db.execute("BEGIN")
        for i in range(3000):
            db.execute("UPDATE articles SET title = ? WHERE id = 1", (f"bank {i}",))
        self.assertEqual(one(db, "SELECT count(*) FROM search_pending"), 1)
        db.execute("COMMIT")
        self.agree(db)

    def test_dimensions_are_learnt_from_the_first_vector(self):
        a, b = self.connect(), self.connect()
        a.execute("CREATE VIRTUAL TABLE search USING semantic(title, model='')")
        self.assertEqual(rows(b), [])
        insert = "INSERT INTO search(title, vector) VALUES('x', ?)"
        a.execute("BEGIN")
        a.execute(insert, (floats(1, 2, 3),))
        a.execute("ROLLBACK")
        a.execute("BEGIN")
        a.execute("SAVEPOINT s")
        a.execute(insert, (floats(1, 2, 3, 4, 5),))
        a.execute("ROLLBACK TO s")
        a.execute(insert, (floats(1, 2, 3, 4),))
        a.execute("COMMIT")
        self.refused(b, "vector has 3 dimensions, the index has 4", insert, floats(1, 2, 3))
        b.execute(insert, (floats(4, 3, 2, 1),))
        self.assertEqual([v for v, in rows(a, "SELECT vector FROM search")],
                         [floats(1, 2, 3, 4), floats(4, 3, 2, 1)])

    def test_an_interrupted_commit_leaves_the_state_before(self):
        db = self.connect()
        self.articles(db)
        db.execute("INSERT INTO articles(title) VALUES('before')")
        db.execute("BEGIN")
        for i in range(900):
            db.execute("INSERT INTO articles(title) VALUES(?)", (f"bank {i} " * 20,))
        db.set_progress_handler(lambda: 1, 1)
        with self.assertRaises(sqlite3.OperationalError) as failure:
            db.execute("COMMIT")
        db.set_progress_handler(None, 0)
        self.assertIn("interrupted", str(failure.exception))
        if db.in_transaction:
            db.execute("ROLLBACK")
        self.assertEqual(rows(db), [(1, "before")])
        self.assertEqual(one(db, "SELECT count(*) FROM articles"), 1)
        self.agree(db)

    def test_after_an_interrupted_question_rows_wait_on(self):
        db = self.connect()
        self.articles(db)
        db.execute("BEGIN")
        for i in range(900):
            db.execute("INSERT INTO articles(title) VALUES(?)", (f"bank {i} " * 20,))
        db.set_progress_handler(lambda: 1, 2000)
        with self.assertRaises(sqlite3.OperationalError):
            db.execute("SELECT count(vector) FROM search").fetchall()
        db.set_progress_handler(None, 0)
        self.assertEqual(one(db, "SELECT count(*) FROM search_pending"), 900)
        db.execute("INSERT INTO articles(title) VALUES('one more')")
        db.execute("COMMIT")
        self.assertEqual(one(db, "SELECT count(*) FROM search"), 901)
        self.agree(db)

    def test_rows_whose_model_went_before_commit_wait_for_it(self):
        a = self.connect()
        self.articles(a)
        a.execute("BEGIN")
        a.execute("INSERT INTO articles(title) VALUES('the bank'), ('the river')")
        a.execute("SELECT embed_model_default(NULL)").fetchall()
        a.execute("SELECT embed_model_drop('tiny')").fetchall()
        a.execute("COMMIT")
        self.assertEqual(one(a, "SELECT count(*) FROM articles"), 2)
        self.assertEqual(one(a, "SELECT count(*) FROM search_pending"), 2)
        self.refused(a, "tiny", "INSERT INTO articles(title) VALUES('refused')")
        self.refused(a, "tiny", "SELECT vector FROM search WHERE rowid = 1")
        b = self.connect()
        b.execute("CREATE TABLE other(x)")
        b.execute("INSERT INTO other VALUES(1), (2), (3)")
        self.assertEqual(one(b, "SELECT count(vector) FROM search"), 2)
        self.assertEqual(one(b, "SELECT changes()"), 3)
        self.assertEqual(one(b, "SELECT last_insert_rowid()"), 3)
        self.assertFalse(b.in_transaction)
        self.agree(b)
        self.assertEqual(one(self.connect(), "SELECT count(*) FROM search_pending"), 0)

    def test_another_model_under_the_name_is_refused_when_a_row_comes(self):
        self.index(self.connect())
        db = self.connect(model=OTHER)
        self.refused(db, "rebuild", "INSERT INTO search(title) VALUES('the bank')")
        self.assertEqual(rows(db), [])

    def test_who_may_not_write_reads_what_is_stored(self):
        db = self.connect()
        self.index(db, ", embed='manual'")
        db.execute("INSERT INTO search(title) VALUES('the bank')")
        db.execute("INSERT INTO search(search) VALUES('sync')")
        db.execute("INSERT INTO search(title) VALUES('waits')")
        db.execute("PRAGMA query_only = 1")
        self.assertEqual(rows(db), [(1, "the bank"), (2, "waits")])
        self.refused(db, "readonly", "INSERT INTO search(title) VALUES('x')")
        reader = self.connect(f"file:{self.file}?mode=ro", uri=True)
        self.assertEqual(rows(reader), [(1, "the bank"), (2, "waits")])
        self.assertEqual(one(reader, "SELECT count(vector) FROM search"), 1)
        self.refused(reader, "readonly", "INSERT INTO search(title) VALUES('x')")

    def test_attached_and_temporary_indexes(self):
        db = self.connect()
        db.execute("ATTACH ? AS more", (str(self.folder / "more.db"),))
        for schema in "more", "temp":
            with self.subTest(schema):
                db.execute(f"CREATE TABLE {schema}.words(id INTEGER PRIMARY KEY, title)")
                db.execute(f"CREATE VIRTUAL TABLE {schema}.search USING semantic(title, "
                           "model='tiny', content='words', content_rowid='id')")
                db.execute(f"INSERT INTO {schema}.search(search) VALUES('triggers')")
                db.execute(f"INSERT INTO {schema}.words(title) VALUES('the bank'), ('the river')")
                db.execute(f"UPDATE {schema}.words SET title = 'the shore' WHERE id = 2")
                db.execute(f"DELETE FROM {schema}.words WHERE id = 1")
                found = rows(db, f"SELECT rowid, title, vector = embed(title) FROM {schema}.search")
                self.assertEqual(found, [(2, "the shore", 1)])
                db.execute(f"INSERT INTO {schema}.search(search) VALUES('integrity-check')")

    def test_indexes_side_by_side_in_one_transaction(self):
        db = self.connect()
        self.articles(db)
        db.execute("CREATE VIRTUAL TABLE own USING semantic(text, model='tiny')")
        db.execute("CREATE VIRTUAL TABLE bare USING semantic(text, model='tiny', content='')")
        db.execute("CREATE VIRTUAL TABLE words USING fts5(title, content='articles', content_rowid='id')")
        db.execute("CREATE TRIGGER more AFTER INSERT ON articles BEGIN"
                   " INSERT INTO own(rowid, text) VALUES(new.id, new.title);"
                   " INSERT INTO bare(rowid, text) VALUES(new.id, new.title);"
                   " INSERT INTO words(rowid, title) VALUES(new.id, new.title); END")
        db.execute("BEGIN")
        for i in range(300):
            db.execute("INSERT INTO articles(title) VALUES(?)", (f"bank {i}",))
        db.execute("COMMIT")
        same = one(db, "SELECT count(*) FROM search s JOIN own o ON o.rowid = s.rowid JOIN bare b"
                       " ON b.rowid = s.rowid WHERE s.vector = o.vector AND o.vector = b.vector")
        self.assertEqual(same, 300)
        self.agree(db)

    def test_triggers_work_where_the_schema_is_not_trusted(self):
        db = self.connect()
        self.articles(db)
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("INSERT INTO articles(title) VALUES('the bank')")
        db.execute("UPDATE articles SET title = 'the river'")
        self.assertEqual(rows(db), [(1, "the river")])

    def test_a_row_replaced_without_a_trigger_is_not_returned(self):
        db = self.connect()
        db.execute("CREATE TABLE articles(id INTEGER PRIMARY KEY, name UNIQUE, title TEXT)")
        self.index(db, ", content='articles', content_rowid='id'")
        db.execute("INSERT INTO search(search) VALUES('triggers')")
        db.execute("INSERT INTO articles VALUES(1, 'a', 'the bank'), (2, 'b', 'the river')")
        db.execute("INSERT OR REPLACE INTO articles VALUES(3, 'a', 'the shore')")
        self.assertEqual(rows(db), [(2, "the river"), (3, "the shore")])
        self.assertEqual(one(db, WRONG), 0)

    def test_vacuum_and_backup_keep_the_index(self):
        db = self.connect()
        self.articles(db)
        db.executemany("INSERT INTO articles(title) VALUES(?)", [(f"bank {i}",) for i in range(50)])
        db.execute("DELETE FROM articles WHERE id % 3 = 0")
        db.execute("VACUUM")
        self.agree(db)
        with sqlite3.connect(str(self.folder / "copy.db")) as copy:
            db.backup(copy)
        copy.close()
        again = self.connect(str(self.folder / "copy.db"))
        self.assertEqual(rows(again), rows(db))
        self.agree(again)
        again.execute("INSERT INTO articles(title) VALUES('one more')")
        self.agree(again)

    def test_a_renamed_index_stays_in_step(self):
        db = self.connect()
        self.articles(db)
        db.execute("INSERT INTO articles(title) VALUES('the bank')")
        db.execute("BEGIN")
        db.execute("INSERT INTO articles(title) VALUES('the river')")
        db.execute("ALTER TABLE search RENAME TO found")
        db.execute("INSERT INTO articles(title) VALUES('the shore')")
        db.execute("COMMIT")
        self.assertEqual(one(db, "SELECT count(*) FROM found WHERE vector = embed(title)"), 3)
        db.execute("INSERT INTO found(found) VALUES('integrity-check')")

    def test_an_index_is_renamed_twice_in_a_transaction(self):
        db = self.connect()
        self.articles(db)
        db.execute("BEGIN")
        db.execute("INSERT INTO articles(title) VALUES('the river')")
        db.execute("ALTER TABLE search RENAME TO found")
        db.execute("INSERT INTO articles(title) VALUES('the bank')")
        db.execute("ALTER TABLE found RENAME TO search")
        db.execute("COMMIT")
        self.assertEqual(one(db, "SELECT count(*) FROM search_pending"), 0)
        self.assertEqual(one(db, "SELECT count(*) FROM search"), 2)
        self.agree(db)

    def test_content_renamed_by_another_connection(self):
        for mode in "wal", "delete":
            with self.subTest(mode):
                self.file = str(self.folder / f"{mode}.db")
                a, b = self.connect(), self.connect()
                a.execute(f"PRAGMA journal_mode = {mode}")
                self.articles(a)
                a.execute("INSERT INTO articles(title) VALUES('the bank')")
                self.assertEqual(rows(b), [(1, "the bank")])
                a.execute("ALTER TABLE articles RENAME TO papers")
                a.execute("ALTER TABLE papers RENAME COLUMN title TO head")
                a.execute("CREATE TABLE articles(id INTEGER PRIMARY KEY, title TEXT)")
                a.execute("INSERT INTO articles VALUES(1, 'another table')")
                self.assertEqual(rows(b), [(1, "the bank")])
                b.execute("INSERT INTO papers(head) VALUES('the river')")
                b.execute("ALTER TABLE papers RENAME COLUMN id TO number")
                a.execute("UPDATE papers SET head = 'the shore' WHERE number = 1")
                for db in a, b:
                    self.assertEqual(rows(db), [(1, "the shore"), (2, "the river")])
                    self.agree(db)

    def test_an_old_snapshot_has_the_old_names(self):
        a, b = self.connect(), self.connect()
        a.execute("PRAGMA journal_mode = wal")
        self.articles(a)
        a.execute("INSERT INTO articles(title) VALUES('the bank')")
        b.execute("BEGIN")
        self.assertEqual(rows(b), [(1, "the bank")])
        a.execute("ALTER TABLE articles RENAME TO papers")
        a.execute("ALTER TABLE papers RENAME COLUMN title TO head")
        a.execute("INSERT INTO papers(head) VALUES('the river')")
        self.assertEqual(rows(b), [(1, "the bank")])
        b.execute("COMMIT")
        self.assertEqual(rows(b), [(1, "the bank"), (2, "the river")])

    def test_who_may_not_write_follows_a_rename(self):
        db = self.connect()
        self.articles(db)
        db.execute("INSERT INTO articles(title) VALUES('the bank')")
        db.execute("ALTER TABLE articles RENAME TO papers")
        db.execute("PRAGMA query_only = 1")
        reader = self.connect(f"file:{self.file}?mode=ro", uri=True)
        for connection in db, reader:
            self.assertEqual(rows(connection), [(1, "the bank")])
            self.assertEqual(one(connection, WRONG), 0)
        self.assertEqual(
            one(db, "SELECT value FROM search_config WHERE name = 'content_table'"), "articles")

    def test_content_renamed_while_its_index_is_read(self):
        db = self.connect()
        self.articles(db)
        db.executemany("INSERT INTO articles(title) VALUES(?)", [(f"bank {i}",) for i in range(200)])
        for question in "", " WHERE search MATCH 'bank'":
            with self.subTest(question):
                cursor = db.execute("SELECT rowid, title FROM search" + question)
                seen = cursor.fetchmany(3)
                db.execute("ALTER TABLE articles RENAME TO papers")
                seen += cursor.fetchmany(3)
                db.execute("CREATE TABLE articles AS SELECT id, 'another' AS title FROM papers")
                db.execute("ALTER TABLE papers RENAME COLUMN title TO head")
                seen += cursor.fetchmany(100)
                db.execute("ALTER TABLE papers RENAME TO spare")
                db.execute("ALTER TABLE articles RENAME TO papers")
                seen += cursor.fetchall()
                self.assertEqual(sorted(seen), [(i + 1, f"bank {i}") for i in range(200)])
                db.execute("DROP TABLE papers")
                db.execute("ALTER TABLE spare RENAME COLUMN head TO title")
                db.execute("ALTER TABLE spare RENAME TO articles")

    def test_a_rename_without_the_extension_is_refused_by_sqlite(self):
        db = self.connect()
        self.articles(db)
        db.execute("INSERT INTO articles(title) VALUES('the bank')")
        bare = sqlite3.connect(self.file, isolation_level=None)
        self.connections.append(bare)
        with self.assertRaises(sqlite3.DatabaseError):
            bare.execute("ALTER TABLE articles RENAME COLUMN title TO head")
        self.agree(db)

    def test_a_host_that_hides_its_schema_reads_on(self):
        db = self.connect()
        self.articles(db)
        db.execute("INSERT INTO articles(title) VALUES('the bank')")
        db = self.connect()
        db.set_authorizer(lambda action, table, column, *rest: sqlite3.SQLITE_DENY
                          if (action, table) == (sqlite3.SQLITE_READ, "sqlite_master")
                          and column != "ROWID"  # SQLite's own, when it connects a virtual table
                          else sqlite3.SQLITE_OK)
        self.assertEqual(rows(db), [(1, "the bank")])
        self.assertEqual(one(db, WRONG), 0)

    def test_vacuum_and_backup_keep_renamed_content(self):
        db = self.connect()
        self.articles(db)
        db.executemany("INSERT INTO articles(title) VALUES(?)", [(f"bank {i}",) for i in range(50)])
        db.execute("ALTER TABLE articles RENAME TO papers")
        db.execute("ALTER TABLE papers RENAME COLUMN title TO head")
        db.execute("VACUUM")
        self.agree(db)
        copy = sqlite3.connect(str(self.folder / "copy.db"))
        db.backup(copy)
        copy.close()
        again = self.connect(str(self.folder / "copy.db"))
        again.execute("INSERT INTO papers(head) VALUES('one more')")
        self.assertEqual(one(again, "SELECT count(*) FROM search"), 51)
        self.agree(again)

    def test_rows_of_an_index_change_while_it_is_read(self):
        db = self.connect()
        self.index(db)
        db.executemany("INSERT INTO search(title) VALUES(?)", [(f"bank {i}",) for i in range(100)])
        seen = 0
        for rowid, title in db.execute("SELECT rowid, title FROM search"):
            db.execute("UPDATE search SET title = ? WHERE rowid = ?", (title + "!", rowid))
            seen += 1
        self.assertEqual(seen, 100)
        self.assertEqual(one(db, "SELECT count(*) FROM search WHERE title LIKE 'bank %!'"), 100)
        self.agree(db)

    def test_a_stepwise_rebuild_takes_in_what_changes_meanwhile(self):
        db = self.connect()
        self.articles(db)
        db.executemany("INSERT INTO articles(title) VALUES(?)", [(f"bank {i}",) for i in range(60)])
        db.execute("INSERT INTO search(search, rank) VALUES('rebuild', 25)")
        db.execute("UPDATE articles SET title = 'changed' WHERE id IN (3, 50)")
        db.execute("DELETE FROM articles WHERE id IN (4, 51)")
        db.execute("INSERT INTO articles(id, title) VALUES(-5, 'below'), (1000, 'above')")
        db.execute("UPDATE articles SET id = 7000 WHERE id = 5")
        self.assertEqual(one(db, WRONG), 0)
        for _ in range(4):
            db.execute("INSERT INTO search(search, rank) VALUES('rebuild', 25)")
        self.assertEqual(one(db, "SELECT count(*) FROM search"), 60)
        self.agree(db)


    def test_an_index_is_dropped_or_made_anew_in_a_transaction_that_changed_the_schema(self):
        """SQLite goes on with another object then, and has the first one sync, too."""
        db = self.connect(model=None)
        kinds = "", ", content=''", ", index='ivf'", ", quantize='bit', metric='l2'", ", embed='manual'"
        for first in kinds:
            for second in (None, *kinds):
                with self.subTest(first=first, second=second):
                    db.execute("DROP TABLE IF EXISTS t")
                    db.execute("CREATE TABLE t(x)")
                    db.execute(f"CREATE VIRTUAL TABLE s USING semantic(x, model=''{first})")
                    db.execute("BEGIN")
                    db.execute("INSERT INTO s(rowid, vector) VALUES(1, '[1, 2]')")
                    db.execute("ALTER TABLE t ADD COLUMN y")
                    db.execute("INSERT INTO s(rowid, vector) VALUES(2, '[1, 2]')")
                    db.execute("DROP TABLE s")
                    if second is None:
                        db.execute("COMMIT")
                        continue
                    db.execute(f"CREATE VIRTUAL TABLE s USING semantic(x, y, model=''{second})")
                    db.execute("INSERT INTO s(rowid, vector) VALUES(3, '[1, 2, 3]')")
                    db.execute("COMMIT")
                    db.execute("INSERT INTO s(s) VALUES('integrity-check')")
                    self.assertEqual(rows(db, "SELECT rowid FROM s"), [(3,)])
                    db.execute("DROP TABLE s")

    def test_a_stepwise_rebuild_takes_in_ids_that_change_where_no_text_is_kept(self):
        for quantize in "none", "bit":
            with self.subTest(quantize):
                db = self.connect(model=None)
                db.execute("DROP TABLE IF EXISTS s")
                db.execute(f"CREATE VIRTUAL TABLE s USING semantic(x, model='', content='', "
                           f"quantize='{quantize}')")
                db.executemany("INSERT INTO s(rowid, vector) VALUES(?, ?)",
                               [(10 * i, floats(i, 1, 2)) for i in range(1, 21)])
                before = dict(rows(db, "SELECT rowid, vector FROM s"))
                db.execute("INSERT INTO s(s, rank) VALUES('rebuild', 10)")
                for verb, old, new in (("UPDATE", 20, 21), ("UPDATE", 150, 5), ("UPDATE", 30, 300),
                                       ("UPDATE", 160, 310), ("UPDATE OR REPLACE", 40, 50),
                                       ("UPDATE OR REPLACE", 60, 170), ("UPDATE OR REPLACE", 180, 70)):
                    db.execute(f"{verb} s SET rowid = {new} WHERE rowid = {old}")
                    before[new] = before.pop(old)
                self.assertEqual(dict(rows(db, "SELECT rowid, vector FROM s")), before)
                db.execute("INSERT INTO s(s, rank) VALUES('rebuild', 100)")
                self.assertEqual(dict(rows(db, "SELECT rowid, vector FROM s")), before)
                db.execute("INSERT INTO s(s) VALUES('integrity-check')")
    def test_a_vector_that_came_with_another_text_does_not_move_along(self):
        for options in "", ", content=''", ", embed='manual'":
            with self.subTest(options):
                db = self.connect()
                db.execute("DROP TABLE IF EXISTS search")
                self.index(db, options)
                vector, = db.execute("SELECT embed('flour')").fetchone()
                db.executemany("INSERT INTO search(rowid, title, vector) VALUES(?, 'bank', ?)",
                               [(1, vector), (2, vector)])
                db.execute("INSERT INTO search(search) VALUES('sync')")
                db.execute("BEGIN")
                db.execute("UPDATE search SET title = 'river' WHERE rowid = 1")
                db.execute("UPDATE search SET rowid = rowid + 10")
                db.execute("COMMIT")
                db.execute("INSERT INTO search(search) VALUES('sync')")
                river, = db.execute("SELECT embed('river', 'tiny', '{\"prompt\":\"document\"}')").fetchone()
                self.assertEqual(rows(db, "SELECT rowid, vector FROM search"),
                                 [(11, river), (12, vector)])


if __name__ == "__main__":
    sys.exit(case.run(SemanticStep))
