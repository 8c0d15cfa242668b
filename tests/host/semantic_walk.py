"""semantic_walk.py - random walks of several connections and two processes over one file, for the
test_semantic_*.py beside it that compare an index with an oracle.

A Walk opens and ends transactions on its connections and runs statements on an index and on the
ordinary table beside it; what is done there, and what must be equal, is its subclasses'. Every
operation is drawn from one random number generator, and the last ones are in the message of a
failure. `walk_all` makes the file and the connections, the last of which lives in a second
process: this file with --worker.
"""
import json
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tempfile

import case

BERT = str(case.TESTS / "golden" / "bert")
WORDS = ("bank river money loan tide sea bread oven flour yeast lender rate interest water "
         "fish boat night day city tree apple phone").split()


def connect(path):
    db = case.connect(path, timeout=0, cached_statements=0)
    db.execute("SELECT embed_model('tiny', ?)", (BERT,))
    db.execute("ATTACH ? AS other", (path + ".other",))
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


def last(name):
    """The name without its schema, as MATCH and commands want it."""
    return name.rpartition(".")[2]


def is_busy(error):
    return "locked" in str(error)


class Walk:
    """One random walk; `say` notes what was done, for the message of a failure. Subclasses have
    `step` (one operation), `change` (of an index and its table, both or neither), `rows` and
    `question` (what must hold at any time) and `indexes`, the names of all."""

    indexes = ()

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

    def vector(self, dimensions):
        r = self.random
        if r.random() < 0.3:  # few values: ties
            values = [r.choice((-1.0, 0.0, 1.0)) for _ in range(dimensions)]
            if not any(values):
                values[0] = 1.0
        else:
            values = [r.gauss(0, 1) for _ in range(dimensions)]
        return struct.pack(f"<{dimensions}f", *values)

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

    def write(self, at, table):
        """`change`, a subclass's, as one transaction unless one is open: done, or not at all if
        another connection writes. `table`: any one, for what takes the lock."""
        r, db = self.random, self.connections[at]
        alone = not self.open[at]
        if not self.attempt(db, "BEGIN IMMEDIATE" if alone else
                            f"UPDATE {table} SET id = id WHERE 0"):
            return
        try:
            self.change(at, db)
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


    # ---- All ----

    def end(self):
        """What must hold when all is over."""
        for at, db in enumerate(self.connections):
            if self.open[at]:
                db.run("ROLLBACK")
                self.open[at] = False
        for at, db in enumerate(self.connections):
            for name in self.indexes:
                db.run(f"INSERT INTO {name}({last(name)}) VALUES('integrity-check')")
            self.rows(at)
            for _ in range(10):
                self.question(at)


def walk_all(test, Subclass, schema, seed, journal, operations, prepare=None):
    """Walks over a new file that `schema` was run on; fails `test` with what was done."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.db")
        db = connect(path)
        db.execute(f"PRAGMA main.journal_mode = {journal}")
        db.execute(f"PRAGMA other.journal_mode = {journal}")
        db.executescript(schema)
        if prepare:
            prepare(db)
        db.close()
        worker = subprocess.Popen([sys.executable, __file__, "--worker"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        connections = [Here(path), Here(path), There(worker, "a", path)]
        walk = Subclass(random.Random(f"{seed} {journal}"), connections)
        number = 0
        try:
            for number in range(operations):
                walk.step()
            walk.end()
            for connection in connections:
                connection.close()
        except Exception as error:
            steps = "\n".join(walk.log)
            test.fail(f"SEED={seed}, {journal}, operation {number}: {error!r}\n{error}\n{steps}")
        finally:
            worker.stdin.close()
            worker.wait()
            worker.stdout.close()
        return walk


if __name__ == "__main__" and "--worker" in sys.argv:
    work()
