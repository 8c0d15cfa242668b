"""A process that works on semantic indexes is killed at its n-th change of a file, for one n after
the other: whoever opens the file next finds content and index as they were before or after the
transaction that was under way, and agreeing.

    CONTEXTUAL_LIBRARY=./contextual.so /usr/bin/python3 tests/host/test_semantic_kill.py [POINTS]

POINTS of all changes are tried, evenly spread; `all` tries each. build/tests/host/kill_at.so
(KILL_AT=path) counts the changes and sends the signal; it has to be there before Python is, so
this file starts itself again.

One transaction after the other is run from a copy of the file as the one before left it. In WAL
mode it ends with the closing of the file, which moves the log into it, so that too is interrupted.
"""
import ctypes
import hashlib
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import struct
import sys
import tempfile
import traceback
import unittest

import case

TESTS = pathlib.Path(__file__).resolve().parent.parent
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", TESTS.parent / "contextual.so"))
KILL_AT = os.path.abspath(os.environ.get("KILL_AT", TESTS.parent / "build/tests/host/kill_at.so"))
BERT = str(TESTS / "golden" / "bert")
DIMENSIONS = 48


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(LIBRARY)
    db.execute("SELECT embed_model('tiny', ?)", (BERT,)).fetchall()
    return db


def vector(rng):
    return struct.pack(f"<{DIMENSIONS}f", *[rng.gauss(0, 1) for _ in range(DIMENSIONS)])


# ---- What is done ----
#
# An index t of vectors has a table t_truth(id, body, vector) that the same transactions change in
# the same way; the truth of an index of external content is that content.

WORDS = "bank river money loan tide sea bread oven flour yeast lender rate".split()


def transactions():
    """[(statement, parameters), ...] of one transaction after the other. One statement is one
    without BEGIN and COMMIT."""
    rng = random.Random(5)

    def body():
        return " ".join(rng.choice(WORDS) for _ in range(4))

    def both(name, sql, *parameters):
        """On the index and on its table."""
        return [(sql.replace("INDEX", name + "_truth").replace("KEY", "id"), parameters),
                (sql.replace("INDEX", name).replace("KEY", "rowid"), parameters)]

    def insert(name, ids, verb="INSERT"):
        return [pair for i in ids for pair in both(
            name, f"{verb} INTO INDEX(KEY, body, vector) VALUES(?, ?, ?)", i, body(), vector(rng))]

    def article(sql, *parameters):
        return [(sql, parameters)]

    def articles(ids, verb="INSERT"):
        return [pair for i in ids for pair in article(
            f"{verb} INTO article VALUES(?, ?, ?)", i, body(), i % 17)]

    def command(name, word, number=None):
        if number is None:
            return [(f"INSERT INTO {name}({name}) VALUES(?)", (word,))]
        return [(f"INSERT INTO {name}({name}, rank) VALUES(?, ?)", (word, number))]

    yield [("CREATE TABLE own_truth(id INTEGER PRIMARY KEY, body, vector)", ()),
           ("CREATE VIRTUAL TABLE own USING semantic(body, model='', index='ivf')", ())]
    yield [("CREATE TABLE bare_truth(id INTEGER PRIMARY KEY, body, vector)", ()),
           ("CREATE VIRTUAL TABLE bare USING semantic(body, model='', content='', metric='l2')", ())]
    yield [("CREATE TABLE article(id INTEGER PRIMARY KEY, body TEXT, note UNIQUE)", ()),
           ("CREATE VIRTUAL TABLE search USING semantic(body, content='article', "
            "content_rowid='id', model='tiny', fts=1)", ()), *command("search", "triggers")]
    for name in "own", "bare":
        yield insert(name, [1])
        yield insert(name, range(2, 60))
        yield both(name, "UPDATE INDEX SET vector = ? WHERE KEY = 7", vector(rng))
        yield insert(name, [9, 70, 71], "INSERT OR REPLACE")
        yield both(name, "DELETE FROM INDEX WHERE KEY BETWEEN 20 AND 30")
        yield both(name, "UPDATE INDEX SET KEY = 400 WHERE KEY = 8") + insert(name, [8])
        yield (both(name, "DELETE FROM INDEX WHERE KEY = 5") + [("SAVEPOINT s", ())]
               + insert(name, range(500, 520)) + [("ROLLBACK TO s", ())]
               + both(name, "UPDATE OR REPLACE INDEX SET KEY = 12 WHERE KEY = 13"))
    yield articles([1])
    yield articles(range(2, 12))
    yield article("UPDATE article SET body = 'the bank of the river' WHERE id IN (3, 4)")
    yield articles([30, 31], "INSERT OR REPLACE")   # 30 % 17 and 31 % 17: others go unseen
    yield article("DELETE FROM article WHERE id IN (1, 5)")
    yield article("UPDATE article SET id = id + 1000 WHERE id IN (6, 7)")
    yield insert("own", [80]) + articles([32]) + insert("bare", [80])
    yield command("search", "sync")
    for name in "own", "bare", "search":
        yield command(name, "optimize", 3)
        yield command(name, "optimize")
    for name in "own", "search":
        yield command(name, "rebuild")
        yield command(name, "rebuild", 4)
        yield insert("own", [3, 90], "INSERT OR REPLACE") + articles([2, 90], "INSERT OR REPLACE")
        yield command(name, "rebuild", 100)
    yield [("ALTER TABLE own_truth RENAME TO mine_truth", ()),
           ("ALTER TABLE own RENAME TO mine", ())]
    yield insert("mine", [100, 101])
    yield [("ALTER TABLE article RENAME COLUMN note TO remark", ())]
    yield [("DROP TABLE bare", ()), ("DROP TABLE bare_truth", ())]
    yield [("DELETE FROM article", ()), *command("mine", "delete-all"), ("DELETE FROM mine_truth", ())]
    yield command("search", "drop-triggers")
    yield [("DROP TABLE search", ())]


def run(path, statements):
    """One transaction, on a connection of its own."""
    db = connect(path)
    if len(statements) > 1:
        db.execute("BEGIN")
    for sql, parameters in statements:
        db.execute(sql, parameters)
    if len(statements) > 1:
        db.execute("COMMIT")
    db.close()


# ---- What is found ----

def truth_of(name):
    if name == "search":
        return "article", "embed(body, 'tiny', '{\"prompt\":\"document\"}')"
    return name + "_truth", "vector"


def state(db):
    """A hash of everything that a user put into the file."""
    schema = db.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '%\\__%' ESCAPE '\\' "
                        "OR name LIKE '%truth' ORDER BY name").fetchall()
    content = [db.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name, _ in schema
               if name.endswith("truth") or name == "article"]
    return hashlib.sha256(repr((schema, content)).encode()).hexdigest()


def indexes(db):
    return [name for name, in db.execute(
        "SELECT name FROM sqlite_schema WHERE sql LIKE '%USING semantic%'")]


def compare(db):
    """Index and truth: all rows, and some questions."""
    rng = random.Random(1)
    for name in indexes(db):
        db.execute(f"INSERT INTO {name}({name}) VALUES('integrity-check')")
        table, value = truth_of(name)
        given = db.execute(f"SELECT rowid, vector FROM {name} ORDER BY rowid").fetchall()
        right = db.execute(f"SELECT id, {value} FROM {table} ORDER BY id").fetchall()
        assert given == right, f"{name}: rows {[r for r, _ in given]}, truth {[r for r, _ in right]}"
        measure = "l2_distance" if name == "bare" else "cosine_distance"
        for _ in range(3):
            asked = vector(rng) if table != "article" else db.execute(
                "SELECT embed(?, 'tiny')", (rng.choice(WORDS),)).fetchone()[0]
            given = db.execute(f"SELECT rowid, distance FROM {name} WHERE {name} MATCH ? AND k = 5",
                               (asked,)).fetchall()
            right = db.execute(f"SELECT id, {measure}({value}, ?) AS d FROM {table} "
                               "ORDER BY d, id LIMIT 5", (asked,)).fetchall()
            assert given == right, f"{name}: answer {given}, brute force {right}"


def inspect(path, states):
    """What the next process finds; then it works on with it."""
    db = connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert state(db) in states, "neither the state before nor the one after"
    compare(db)
    for name in indexes(db):
        table, _ = truth_of(name)
        if table == "article":
            db.execute("INSERT INTO article(id, body) VALUES(7777, 'one more')")
        else:
            more = (7777, "one more", vector(random.Random(2)))
            db.execute(f"INSERT INTO {table} VALUES(?, ?, ?)", more)
            db.execute(f"INSERT INTO {name}(rowid, body, vector) VALUES(?, ?, ?)", more)
        db.execute(f"INSERT INTO {name}({name}) VALUES('sync')")
    # Without triggers an index of external content is told by 'sync'.
    compare(db)
    db.close()


def in_child(function, *arguments):
    """Runs it in a process of its own, so that this one never has a file open or a thread: what it
    returned, or None if it was killed."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        status = 0
        try:
            answer = repr(function(*arguments))
        except BaseException:
            answer, status = traceback.format_exc(), 1
        with os.fdopen(theirs, "w") as pipe:
            pipe.write(answer)
        os._exit(status)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        answer = pipe.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    if status != 0:
        raise AssertionError(answer or f"status {status}")
    return eval(answer)


class Kill(unittest.TestCase):
    points = 60

    def setUp(self):
        self.folder = pathlib.Path(os.path.realpath(tempfile.mkdtemp()))
        self.killer = ctypes.CDLL(KILL_AT)
        self.work = self.folder / "work"

    def tearDown(self):
        shutil.rmtree(self.folder)

    def copied(self, number):
        """A copy of the file as transaction `number` finds it."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.folder / str(number), self.work)
        return str(self.work / "rows.db")

    def armed(self, statements, path, n):
        def change():
            self.killer.kill_at_arm(os.path.dirname(path).encode(), n)
            run(path, statements)
            return self.killer.kill_at_count()
        return in_child(change)

    def states(self, journal, page_size):
        """The files that the transactions find; how many changes each makes, and the states."""
        def make(path):
            db = connect(path)
            db.execute(f"PRAGMA page_size = {page_size}")
            db.execute(f"PRAGMA journal_mode = {journal}")
            db.execute("CREATE TABLE first(x)")
            db.close()

        def look(path):
            db = connect(path)
            found = state(db)
            db.close()
            return found

        os.mkdir(self.work)
        in_child(make, str(self.work / "rows.db"))
        changes, states = [], [in_child(look, str(self.work / "rows.db"))]
        for number, statements in enumerate(transactions()):
            shutil.copytree(self.work, self.folder / str(number))
            path = str(self.work / "rows.db")
            changes.append(self.armed(statements, path, 0))
            states.append(in_child(look, path))
        in_child(inspect, path, states[-1:])
        return changes, states

    def kill(self, journal, page_size, points):
        changes, states = self.states(journal, page_size)
        everywhere = [(number, n) for number, count in enumerate(changes)
                      for n in range(1, count + 1)]
        points = min(points, len(everywhere))
        chosen = [everywhere[i * len(everywhere) // points] for i in range(points)]
        steps = list(transactions())
        for number, n in chosen:
            path = self.copied(number)
            done = self.armed(steps[number], path, n)
            where = f"{journal}, page size {page_size}, transaction {number}, change {n}"
            self.assertIsNone(done, f"{where}: not killed")
            try:
                in_child(inspect, path, states[number:number + 2])
            except AssertionError as error:
                self.fail(f"{where}: {steps[number][:3]}\n{error}")
        if self.points > 1000:
            print(f"{journal}, page size {page_size}: killed at {len(chosen)} of "
                  f"{len(everywhere)} changes")

    def test_wal(self):
        self.kill("WAL", 4096, self.points // 4)

    def test_wal_with_small_pages(self):
        self.kill("WAL", 512, self.points // 4)

    def test_rollback_journal(self):
        self.kill("DELETE", 4096, self.points // 4)

    def test_rollback_journal_with_small_pages(self):
        self.kill("DELETE", 512, self.points // 4)


if __name__ == "__main__":
    if os.path.exists(KILL_AT) and KILL_AT not in os.environ.get("LD_PRELOAD", ""):
        preload = " ".join(filter(None, (os.environ.get("LD_PRELOAD"), KILL_AT)))
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "LD_PRELOAD": preload})
    if len(sys.argv) > 1:
        Kill.points = 10 ** 9 if sys.argv[1] == "all" else int(sys.argv[1])
        del sys.argv[1:]
    sys.exit(case.run(Kill))
