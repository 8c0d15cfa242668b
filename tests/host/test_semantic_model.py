"""Semantic indexes against an oracle: random operations, several connections, two processes
(semantic_walk.py).

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_model.py
    OPERATIONS=100000 SEED=7 ... the same, for longer

Beside each index stands an ordinary table that the same transactions change in the same way. So
SQLite itself is the oracle of what a connection may see: after any statement, commit, rollback or
crash of a transaction, on any connection, the index must answer as brute force over that table
does. Every operation is drawn from SEED; a difference prints the seed and the last operations.
"""
import json
import os
import pathlib
import sqlite3
import struct
import sys
import tempfile
import unittest

import case
from semantic_walk import WORDS, Walk, connect, is_busy, last, walk_all

OPERATIONS = int(os.environ.get("OPERATIONS", 3000))
SEED = int(os.environ.get("SEED", 1))

DIMENSIONS = 8
IDS = 60        # row ids are drawn from 1 ... IDS, so that they meet
FILTERS = 5 if sqlite3.sqlite_version_info >= (3, 38) else 4  # without rowid IN before 3.38


# An index and the table that it must agree with. Each has the columns id, body, vector in the
# oracle; `key` says how a row is brought and what a question is.
OPTIONS = {  # of the indexes of vectors
    "own": "model=''",
    "bare": "model='', content='', metric='l2'",
    "small": "model='', quantize='int8', cache='1'",
    "bits": "model='', quantize='bit'",
    "other.away": "model=''",
}
CODES_ALONE = ("small", "bits")
MEASURE = {"bare": "l2_distance"}  # else cosine_distance


SCHEMA = "".join(f"""
CREATE TABLE {name}_truth(id INTEGER PRIMARY KEY, body, vector BLOB);
CREATE VIRTUAL TABLE {name} USING semantic(body, {options});
""" for name, options in OPTIONS.items()) + """
CREATE VIRTUAL TABLE long USING semantic(body, model='tiny', chunk=12, overlap=4);
CREATE TABLE long_truth(id INTEGER PRIMARY KEY, body);
CREATE TABLE article(id INTEGER PRIMARY KEY, body TEXT, note INTEGER UNIQUE);
CREATE VIRTUAL TABLE search USING semantic(body, content='article', content_rowid='id', model='tiny');
INSERT INTO search(search) VALUES('triggers');
"""


class VectorsAndArticles(Walk):
    indexes = (*OPTIONS, "search", "long")

    def __init__(self, random_, connections):
        super().__init__(random_, connections)
        self.chunks = {}   # of the index `long`, as answers named them: text -> {(start, length)}

    # ---- Changes ----

    def change(self, at, db):
        r = self.random
        kind = r.random()
        if kind < 0.6:
            self.change_vectors(at, db, r.choice(list(OPTIONS)))
        elif kind < 0.93:
            self.change_article(at, db)
        elif kind < 0.97:
            self.change_long(at, db)
        else:
            r.choice((self.many, self.made_anew, self.renamed))(at, db)

    def change_vectors(self, at, db, index):
        r = self.random
        kind = r.random()
        table = index + "_truth"
        if kind < 0.5:
            verb = r.choice(("INSERT", "INSERT OR REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE",
                             "INSERT OR FAIL"))
            id_ = r.randint(1, IDS)
            columns = "(vector, body, {}) VALUES(?, ?, ?)"
            self.both(at, db, f"{verb} INTO {table}{columns.format('id')}",
                      f"{verb} INTO {index}{columns.format('rowid')}", self.vector(DIMENSIONS), self.body(),
                      id_)
        elif kind < 0.6:
            low = r.randint(1, IDS)
            self.both(at, db, f"DELETE FROM {table} WHERE id BETWEEN {low} AND {low + 3}",
                      f"DELETE FROM {index} WHERE rowid BETWEEN {low} AND {low + 3}")
        elif kind < 0.75:
            id_ = r.randint(1, IDS)
            self.both(at, db, f"DELETE FROM {table} WHERE id = {id_}",
                      f"DELETE FROM {index} WHERE rowid = {id_}")
        elif kind < 0.9:
            id_ = r.randint(1, IDS)
            self.both(at, db, f"UPDATE {table} SET vector = ? WHERE id = {id_}",
                      f"UPDATE {index} SET vector = ? WHERE rowid = {id_}", self.vector(DIMENSIONS))
        else:
            id_, to = r.randint(1, IDS), r.randint(1, IDS)
            verb = r.choice(("UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"))
            self.both(at, db, f"{verb} {table} SET id = {to} WHERE id = {id_}",
                      f"{verb} {index} SET rowid = {to} WHERE rowid = {id_}")

    def many(self, at, db):
        """More rows than wait at a time, from a SELECT."""
        low = self.random.choice((10 ** 4, 2 * 10 ** 4))
        self.say(f"{at}: many rows from {low} on")
        for table, key in ("own_truth", "id"), ("own", "rowid"):
            db.run(f"DELETE FROM {table} WHERE {key} >= 10000")
        if self.random.random() < 0.5:
            return
        number = "(((i * 7919 + {}) % 1009) / 1009.0 - 0.4)"
        numbers = " || ',' || ".join(number.format(97 * n) for n in range(DIMENSIONS))
        db.run(f"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 1100) "
               f"INSERT INTO own_truth SELECT {low} + i, 'many', vector('[' || {numbers} || ']') FROM n")
        db.run("INSERT INTO own(rowid, body, vector) SELECT * FROM own_truth WHERE id >= 10000")

    def made_anew(self, at, db):
        name = self.random.choice(list(OPTIONS))
        self.say(f"{at}: {name} is made anew")
        db.run(f"DROP TABLE {name}")
        db.run(f"CREATE VIRTUAL TABLE {name} USING semantic(body, {OPTIONS[name]})")
        db.run(f"INSERT INTO {name}(rowid, body, vector) SELECT id, body, vector FROM {name}_truth")

    def renamed(self, at, db):
        """To another name, changed there, and back."""
        name = self.random.choice(list(OPTIONS))
        schema = name.rpartition(".")[0]
        moved = schema + "." * bool(schema) + "moved"
        self.say(f"{at}: {name} is renamed")
        db.run(f"ALTER TABLE {name} RENAME TO moved")
        db.run(f"DELETE FROM {name}_truth WHERE id % 7 = 1")
        db.run(f"DELETE FROM {moved} WHERE rowid % 7 = 1")
        db.run(f"ALTER TABLE {moved} RENAME TO {last(name)}")

    def change_long(self, at, db):
        r = self.random
        text = ". ".join(self.body().capitalize() for _ in range(r.randint(1, 12)))
        self.both(at, db, "INSERT OR REPLACE INTO long_truth(body, id) VALUES(?, ?)",
                  "INSERT OR REPLACE INTO long(body, rowid) VALUES(?, ?)", text, r.randint(1, 12))

    def change_article(self, at, db):
        """Through the triggers; a conflict on `note` removes other rows without any."""
        r = self.random
        kind = r.random()
        if kind < 0.5:
            verb = r.choice(("INSERT", "INSERT OR REPLACE", "INSERT OR REPLACE", "INSERT OR IGNORE"))
            sql = f"{verb} INTO article(id, body, note) VALUES(?, ?, ?)"
            parameters = (r.randint(1, IDS), self.body(), r.randint(1, 200))
        elif kind < 0.6:
            sql = ("INSERT INTO article(id, body, note) VALUES(?, ?, NULL) ON CONFLICT(id) "
                   "DO UPDATE SET body = excluded.body")
            parameters = (r.randint(1, IDS), self.body())
        elif kind < 0.75:
            sql, parameters = "DELETE FROM article WHERE id = ?", (r.randint(1, IDS),)
        elif kind < 0.9:
            sql, parameters = "UPDATE article SET body = ? WHERE id = ?", (self.body(), r.randint(1, IDS))
        else:
            verb = r.choice(("UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"))
            sql, parameters = f"{verb} article SET id = ? WHERE id = ?", (r.randint(1, IDS), r.randint(1, IDS))
        outcome = "done"
        try:
            db.run(sql, *parameters)
        except sqlite3.IntegrityError:
            outcome = "conflict"
        self.say(f"{at}: {sql} {parameters} {outcome}")

    def command(self, at):
        r, db = self.random, self.connections[at]
        index = r.choice(self.indexes)
        kind = r.random()
        if kind < 0.05 and not self.open[at]:
            self.say(f"{at}: VACUUM")
            self.attempt(db, "VACUUM")
            return
        words = ["optimize", "sync", "integrity-check"]
        if index != "bare":
            words += ["rebuild"]
        word = r.choice(words)
        number = r.choice((None, 5, 20)) if word in ("optimize", "rebuild", "sync") else None
        self.say(f"{at}: {index} {word} {number}")
        if number is None:
            self.attempt(db, f"INSERT INTO {index}({last(index)}) VALUES(?)", word)
        else:
            self.attempt(db, f"INSERT INTO {index}({last(index)}, rank) VALUES(?, ?)", word, number)

    # ---- Questions ----

    def question(self, at):
        r, db = self.random, self.connections[at]
        index = r.choice((*OPTIONS, "search", "search"))
        if index == "search":
            question, asked = self.body(), "?"
            truth = ("SELECT id, cosine_distance(embed(body, 'tiny', '{\"prompt\":\"document\"}'), "
                     "embed(?1, 'tiny', '{\"prompt\":\"query\"}')) AS d FROM article WHERE body IS NOT NULL")
        else:
            question, asked = self.vector(DIMENSIONS), "?"
            measure = MEASURE.get(index, "cosine_distance")
            truth = f"SELECT id, {measure}(vector, ?1) AS d FROM {index}_truth"
            if index in CODES_ALONE:  # their answer is exact for what the codes stand for
                truth = f"SELECT rowid AS id, {measure}(vector, ?1) AS d FROM {index}"
        k = r.choice((1, 3, 10, 100))
        low, high = sorted((r.randint(0, IDS + 1), r.randint(0, IDS + 1)))
        some = r.sample(range(1, IDS + 1), 12)
        where, filtered = r.choice((
            ("", ""),
            (f" AND rowid BETWEEN {low} AND {high}", f" AND id BETWEEN {low} AND {high}"),
            (f" AND rowid > {low}", f" AND id > {low}"),
            (f" AND among = '{some}'", f" AND id IN ({str(some)[1:-1]})"),
            (f" AND rowid IN (SELECT value FROM json_each('{some}'))",
             f" AND id IN ({str(some)[1:-1]})"))[:FILTERS])
        form, skipped = r.random(), 0
        head = f"SELECT rowid, distance FROM {index} WHERE {last(index)} MATCH {asked}"
        if form < 0.4:
            sql = f"{head} AND k = {k}{where}"
        elif form < 0.65:
            sql = f"{head}{where} ORDER BY rank LIMIT {k}"
        elif form < 0.75:
            skipped = r.randint(0, 12)
            sql = f"{head}{where} ORDER BY rank LIMIT {k} OFFSET {skipped}"
        elif form < 0.85:
            far = r.choice((0.1, 0.5, 1.0))
            sql = f"{head}{where} AND (distance, rowid) > ({far}, {low}) ORDER BY rank LIMIT {k}"
            filtered += f" AND (d, id) > ({far}, {low})"
        else:
            sql, k = f"SELECT rowid, distance FROM {index}({asked}) WHERE true{where}", 10 ** 6
        self.say(f"{at}: {sql}")
        if not self.open[at]:
            db.run("BEGIN")  # the two statements see one state
        try:
            answer = db.run(sql, question)
            expected = db.run(f"SELECT id, d FROM ({truth}) WHERE true{filtered} "
                              f"ORDER BY d, id LIMIT {k} OFFSET {skipped}", question)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
            answer = expected = None
        if not self.open[at]:
            self.attempt(db, "COMMIT") or db.run("ROLLBACK")
        if answer != expected:
            raise AssertionError(f"{sql}\nindex    {answer}\nexpected {expected}")
        self.compared += 1

    def rows(self, at):
        """Without a question: every row and its vector."""
        db = self.connections[at]
        if not self.open[at]:
            db.run("BEGIN")
        try:
            for index in OPTIONS:
                self.say(f"{at}: all rows of {index}")
                value = "vector IS NULL" if index in CODES_ALONE else "vector"
                answer = db.run(f"SELECT rowid, {value} FROM {index} ORDER BY rowid")
                expected = db.run(f"SELECT id, {value} FROM {index}_truth ORDER BY id")
                if answer != expected:
                    raise AssertionError(f"{index}: rows {[r[0] for r in answer]}, "
                                         f"expected {[r[0] for r in expected]}")
            self.best_chunks(at, db)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
        if not self.open[at]:
            self.attempt(db, "COMMIT") or db.run("ROLLBACK")

    def best_chunks(self, at, db):
        """A row's distance is that of the chunk it names, and no chunk that an answer ever named
        in this text is nearer."""
        question = self.random.choice(WORDS)
        self.say(f"{at}: long MATCH {question}")
        answer = db.run("SELECT rowid, body, distance, chunk_start, chunk_length FROM long WHERE "
                        "long MATCH ?", question)
        truth = db.run("SELECT id, body FROM long_truth ORDER BY id")
        if sorted(row[:2] for row in answer) != truth:
            raise AssertionError(f"long: {answer}, expected {truth}")
        if [(d, id_) for id_, _, d, _, _ in answer] != sorted((d, i) for i, _, d, _, _ in answer):
            raise AssertionError(f"long: not in order: {answer}")
        for id_, body, distance, start, length in answer:
            chunks = self.chunks.setdefault(body, set())
            chunks.add((start, length))
            nearest = db.run(
                "SELECT min(cosine_distance(embed(substr(?1, json_extract(value, '$[0]'), "
                "json_extract(value, '$[1]')), 'tiny', '{\"prompt\":\"document\"}'), "
                "embed(?2, 'tiny', '{\"prompt\":\"query\"}'))) FROM json_each(?3)",
                body, question, json.dumps(sorted(chunks)))[0][0]
            if nearest != distance:
                raise AssertionError(f"long: row {id_} at {distance}, a chunk of it at {nearest}")

    def step(self):
        r = self.random
        at = r.randrange(len(self.connections))
        kind = r.random()
        if kind < 0.2:
            self.transact(at)
        elif kind < 0.65:
            self.write(at, "own_truth")
        elif kind < 0.68:
            self.command(at)
        elif kind < 0.72:
            self.rows(at)
        else:
            self.question(at)


class Model(unittest.TestCase):
    def walk(self, journal):
        walk = walk_all(self, VectorsAndArticles, SCHEMA, SEED, journal, OPERATIONS // 2)
        self.assertGreater(walk.compared, OPERATIONS // 20)

    def test_an_index_answers_as_brute_force_does_in_wal_mode(self):
        self.walk("WAL")

    def test_an_index_answers_as_brute_force_does_with_a_rollback_journal(self):
        self.walk("DELETE")

    def test_a_deleted_vector_is_nowhere_in_the_file(self):
        for options in OPTIONS.values():
            with self.subTest(options), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "x.db")
                db = connect(path)
                db.execute("PRAGMA secure_delete = ON")
                db.execute(f"CREATE VIRTUAL TABLE s USING semantic(body, {options})")
                canary = struct.pack("<8f", *(0.11 * n + 0.1 for n in range(DIMENSIONS)))
                there = lambda: canary[4:20] in pathlib.Path(path).read_bytes()
                for change in "DELETE FROM s WHERE rowid = 7", "UPDATE s SET vector = ? WHERE rowid = 7":
                    for id_ in range(20):
                        db.execute("INSERT OR REPLACE INTO s(rowid, vector) VALUES(?, ?)",
                                   (id_, canary if id_ == 7 else struct.pack("<8f", *([id_ + 1.5] * 8))))
                    if "quantize" not in options:
                        self.assertTrue(there())
                    db.execute(change, (struct.pack("<8f", *[0.5] * 8),) * change.count("?"))
                    self.assertFalse(there(), change)
                db.close()


if __name__ == "__main__":
    sys.exit(case.run(Model))
