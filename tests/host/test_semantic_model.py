"""Semantic indexes against an oracle: random operations, several connections, two processes.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_model.py
    OPERATIONS=100000 SEED=7 ... the same, for longer

Beside each index stands an ordinary table that the same transactions change in the same way. So
SQLite itself is the oracle of what a connection may see: after any statement, commit, rollback or
crash of a transaction, on any connection, the index must answer as brute force over that table
does. Every operation is drawn from SEED; a difference prints the seed and the last operations.

Half of the connections live in a second process: this file with --worker.
"""
import json
import os
import pathlib
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
BERT = str(TESTS / "golden" / "bert")
OPERATIONS = int(os.environ.get("OPERATIONS", 3000))
SEED = int(os.environ.get("SEED", 1))

DIMENSIONS = 8
IDS = 60        # row ids are drawn from 1 ... IDS, so that they meet
FILTERS = 5 if sqlite3.sqlite_version_info >= (3, 38) else 4  # without rowid IN before 3.38
WORDS = ("bank river money loan tide sea bread oven flour yeast lender rate interest water "
         "fish boat night day city tree apple phone").split()


def connect(path):
    db = sqlite3.connect(path, isolation_level=None, timeout=0, cached_statements=0)
    db.enable_load_extension(True)
    db.load_extension(LIBRARY)
    db.execute("SELECT embed_model('tiny', ?)", (BERT,))
    return db


class Here:
    """A connection of this process."""

    def __init__(self, path):
        self.db = connect(path)

    def run(self, sql, *parameters):
        return self.db.execute(sql, parameters).fetchall()

    def close(self):
        self.db.close()


class There:
    """A connection of the other process: a line of JSON there, a line of JSON back."""

    def __init__(self, worker, name, path):
        self.worker, self.name = worker, name
        self.ask("open", path)

    def ask(self, *words):
        self.worker.stdin.write(json.dumps([self.name, *words]) + "\n")
        self.worker.stdin.flush()
        answer = json.loads(self.worker.stdout.readline())
        if "error" in answer:
            raise getattr(sqlite3, answer["error"])(answer["message"])
        return [tuple(bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for v in row)
                for row in answer["rows"]]

    def run(self, sql, *parameters):
        return self.ask("run", sql, [{"hex": v.hex()} if isinstance(v, bytes) else v
                                     for v in parameters])

    def close(self):
        self.ask("close")


def work():
    """The other process."""
    connections = {}
    for line in sys.stdin:
        name, what, *rest = json.loads(line)
        answer = {"rows": []}
        try:
            if what == "open":
                connections[name] = connect(*rest)
            elif what == "close":
                connections.pop(name).close()
            else:
                sql, parameters = rest
                rows = connections[name].execute(
                    sql, [bytes.fromhex(v["hex"]) if isinstance(v, dict) else v
                          for v in parameters]).fetchall()
                answer["rows"] = [[{"hex": v.hex()} if isinstance(v, bytes) else v for v in row]
                                  for row in rows]
        except sqlite3.Error as error:
            answer = {"error": type(error).__name__, "message": str(error)}
        print(json.dumps(answer), flush=True)


def is_busy(error):
    return "locked" in str(error)


# An index and the table that it must agree with. Each has the columns id, body, vector in the
# oracle; `key` says how a row is brought and what a question is.
SCHEMA = """
CREATE TABLE own_truth(id INTEGER PRIMARY KEY, body, vector BLOB);
CREATE VIRTUAL TABLE own USING semantic(body, model='');
CREATE TABLE bare_truth(id INTEGER PRIMARY KEY, body, vector BLOB);
CREATE VIRTUAL TABLE bare USING semantic(body, model='', content='', metric='l2');
CREATE TABLE article(id INTEGER PRIMARY KEY, body TEXT, note INTEGER UNIQUE);
CREATE VIRTUAL TABLE search USING semantic(body, content='article', content_rowid='id', model='tiny');
INSERT INTO search(search) VALUES('triggers');
"""


class Walk:
    """One random walk; `say` notes what was done, for the message of a failure."""

    def __init__(self, random_, connections):
        self.random = random_
        self.connections = connections
        self.open = [False] * len(connections)   # inside a transaction
        self.marks = [[] for _ in connections]   # its savepoints
        self.log = []
        self.busy = 0
        self.compared = 0

    def say(self, what):
        self.log.append(what)
        del self.log[:-400]

    def vector(self):
        r = self.random
        if r.random() < 0.3:  # few values: ties
            values = [r.choice((-1.0, 0.0, 1.0)) for _ in range(DIMENSIONS)]
            if not any(values):
                values[0] = 1.0
        else:
            values = [r.gauss(0, 1) for _ in range(DIMENSIONS)]
        return struct.pack(f"<{DIMENSIONS}f", *values)

    def body(self):
        r = self.random
        return " ".join(r.choice(WORDS) for _ in range(r.randint(1, 4)))

    # ---- Transactions ----

    def transact(self, at):
        r, db = self.random, self.connections[at]
        if not self.open[at]:
            what = r.choice(("BEGIN", "BEGIN", "BEGIN IMMEDIATE"))
            self.say(f"{at}: {what}")
            if self.attempt(db, what):
                self.open[at], self.marks[at] = True, []
            return
        kind = r.random()
        marks = self.marks[at]
        if kind < 0.3:
            name = f"s{len(marks)}"
            self.say(f"{at}: SAVEPOINT {name}")
            db.run(f"SAVEPOINT {name}")
            marks.append(name)
        elif kind < 0.5 and marks:
            keep = r.randrange(len(marks))
            self.say(f"{at}: ROLLBACK TO {marks[keep]}")
            db.run(f"ROLLBACK TO {marks[keep]}")
            del marks[keep + 1:]
        elif kind < 0.6 and marks:
            keep = r.randrange(len(marks))
            self.say(f"{at}: RELEASE {marks[keep]}")
            db.run(f"RELEASE {marks[keep]}")
            del marks[keep:]
        elif kind < 0.85:
            self.say(f"{at}: COMMIT")
            if self.attempt(db, "COMMIT"):
                self.open[at] = False
        else:
            self.say(f"{at}: ROLLBACK")
            db.run("ROLLBACK")
            self.open[at] = False

    def attempt(self, db, sql, *parameters):
        """False if another connection is in the way."""
        try:
            db.run(sql, *parameters)
            return True
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
            return False

    # ---- Changes ----

    def change(self, at):
        """The same change to an index and to its table, both or neither."""
        r, db = self.random, self.connections[at]
        alone = not self.open[at]
        if not self.attempt(db, "BEGIN IMMEDIATE" if alone else "UPDATE own_truth SET id = id WHERE 0"):
            return
        try:
            r.choice((self.change_own, self.change_bare, self.change_article))(at, db)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
        if alone:
            while not self.attempt(db, "COMMIT"):
                # A reader of another connection is in the way (not in WAL): give up or go on.
                if r.random() < 0.5:
                    db.run("ROLLBACK")
                    break
                self.open[at], self.marks[at] = True, []
                return

    def both(self, at, db, first, second, *parameters):
        """Runs the statement on the table and on the index: they must agree on a conflict."""
        outcome = []
        for sql in (first, second):
            try:
                db.run(sql, *parameters[:sql.count("?")])
                outcome.append("done")
            except sqlite3.IntegrityError:
                outcome.append("conflict")
        self.say(f"{at}: {second} {[p if not isinstance(p, bytes) else '...' for p in parameters]} "
                 f"{outcome}")
        if outcome[0] != outcome[1]:
            raise AssertionError(f"table {outcome[0]}, index {outcome[1]}: {second}")

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
                      f"{verb} INTO {index}{columns.format('rowid')}", self.vector(), self.body(),
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
                      f"UPDATE {index} SET vector = ? WHERE rowid = {id_}", self.vector())
        else:
            id_, to = r.randint(1, IDS), r.randint(1, IDS)
            verb = r.choice(("UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"))
            self.both(at, db, f"{verb} {table} SET id = {to} WHERE id = {id_}",
                      f"{verb} {index} SET rowid = {to} WHERE rowid = {id_}")

    def change_own(self, at, db):
        self.change_vectors(at, db, "own")

    def change_bare(self, at, db):
        self.change_vectors(at, db, "bare")

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
        index = r.choice(("own", "bare", "search"))
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
            self.attempt(db, f"INSERT INTO {index}({index}) VALUES(?)", word)
        else:
            self.attempt(db, f"INSERT INTO {index}({index}, rank) VALUES(?, ?)", word, number)

    # ---- Questions ----

    def question(self, at):
        r, db = self.random, self.connections[at]
        index = r.choice(("own", "bare", "search"))
        if index == "search":
            question, asked = self.body(), "?"
            truth = ("SELECT id, cosine_distance(embed(body, 'tiny', '{\"prompt\":\"document\"}'), "
                     "embed(?1, 'tiny', '{\"prompt\":\"query\"}')) AS d FROM article WHERE body IS NOT NULL")
        else:
            question, asked = self.vector(), "?"
            measure = "l2_distance" if index == "bare" else "cosine_distance"
            truth = f"SELECT id, {measure}(vector, ?1) AS d FROM {index}_truth"
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
        form = r.random()
        if form < 0.5:
            sql = f"SELECT rowid, distance FROM {index} WHERE {index} MATCH {asked} AND k = {k}{where}"
        elif form < 0.8:
            sql = (f"SELECT rowid, distance FROM {index} WHERE {index} MATCH {asked}{where} "
                   f"ORDER BY rank LIMIT {k}")
        else:
            sql, k = f"SELECT rowid, distance FROM {index}({asked}) WHERE true{where}", 10 ** 6
        self.say(f"{at}: {sql}")
        if not self.open[at]:
            db.run("BEGIN")  # the two statements see one state
        try:
            answer = db.run(sql, question)
            expected = db.run(f"SELECT id, d FROM ({truth}) WHERE true{filtered} "
                              f"ORDER BY d, id LIMIT {k}", question)
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
            for index in ("own", "bare"):
                self.say(f"{at}: all rows of {index}")
                answer = db.run(f"SELECT rowid, vector FROM {index} ORDER BY rowid")
                expected = db.run(f"SELECT id, vector FROM {index}_truth ORDER BY id")
                if answer != expected:
                    raise AssertionError(f"{index}: rows {[r[0] for r in answer]}, "
                                         f"expected {[r[0] for r in expected]}")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            self.busy += 1
        if not self.open[at]:
            self.attempt(db, "COMMIT") or db.run("ROLLBACK")

    def step(self):
        r = self.random
        at = r.randrange(len(self.connections))
        kind = r.random()
        if kind < 0.2:
            self.transact(at)
        elif kind < 0.65:
            self.change(at)
        elif kind < 0.68:
            self.command(at)
        elif kind < 0.72:
            self.rows(at)
        else:
            self.question(at)

    def end(self):
        for at, db in enumerate(self.connections):
            if self.open[at]:
                db.run("ROLLBACK")
                self.open[at] = False
        for at, db in enumerate(self.connections):
            for index in ("own", "bare", "search"):
                db.run(f"INSERT INTO {index}({index}) VALUES('integrity-check')")
            self.rows(at)
            for _ in range(10):
                self.question(at)


class Model(unittest.TestCase):
    def walk(self, journal):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.db")
            db = connect(path)
            db.execute(f"PRAGMA journal_mode = {journal}")
            db.executescript(SCHEMA)
            db.close()
            worker = subprocess.Popen([sys.executable, __file__, "--worker"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            connections = [Here(path), Here(path), There(worker, "a", path)]
            walk = Walk(random.Random(f"{SEED} {journal}"), connections)
            number = 0
            try:
                for number in range(OPERATIONS // 2):
                    walk.step()
                walk.end()
                for connection in connections:
                    connection.close()
            except Exception as error:
                steps = "\n".join(walk.log)
                self.fail(f"SEED={SEED}, {journal}, operation {number}: {error!r}\n{error}\n{steps}")
            finally:
                worker.stdin.close()
                worker.wait()
                worker.stdout.close()
            self.assertGreater(walk.compared, OPERATIONS // 20)

    def test_an_index_answers_as_brute_force_does_in_wal_mode(self):
        self.walk("WAL")

    def test_an_index_answers_as_brute_force_does_with_a_rollback_journal(self):
        self.walk("DELETE")


if __name__ == "__main__":
    if "--worker" in sys.argv:
        work()
        sys.exit(0)
    sys.exit(case.run(Model))
