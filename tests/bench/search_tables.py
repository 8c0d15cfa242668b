"""search_tables.py - the databases that bench_search.py measures: made, filled, asked, deleted.

    Tables(library, folder)   our tables: connections, one with vectors in it, a new process
    fill, milliseconds        for any table
"""
import json
import os
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
QUESTION = "SELECT rowid, distance FROM s WHERE s MATCH ? AND k = 10"


def connect(path, *libraries):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    for library in libraries:
        db.load_extension(os.path.splitext(library)[0])
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def remove(path):
    for tail in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(path + tail):
            os.unlink(path + tail)


def now():
    """Milliseconds."""
    return 1e3 * time.perf_counter()


def milliseconds(db, statement, values=()):
    begin = now()
    rows = db.execute(statement, values).fetchall()
    return now() - begin, rows


def fill(db, into, vectors):
    """Puts the vectors in, in one transaction: rows a second."""
    begin = time.perf_counter()
    db.execute("BEGIN")
    for at in range(0, len(vectors), 10000):
        part = vectors[at:at + 10000]
        size = part.shape[1] * 4
        data = part.tobytes()
        db.executemany(into, ((at + i + 1, data[i * size:(i + 1) * size])
                              for i in range(len(part))))
    db.execute("COMMIT")
    return len(vectors) / (time.perf_counter() - begin)


class Tables:
    def __init__(self, library, folder):
        self.library = os.path.abspath(library)
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name + ".db")

    def remove(self, name):
        remove(self.path(name))

    def open(self, name):
        return connect(self.path(name), self.library)

    def make(self, name, vectors, options=""):
        """(connection, rows a second) of a new table that has the vectors."""
        self.remove(name)
        db = self.open(name)
        db.execute(f"CREATE VIRTUAL TABLE s USING semantic(x, model='', content=''{options})")
        return db, fill(db, "INSERT INTO s(rowid, vector) VALUES (?, ?)", vectors)

    def size(self, db, name):
        """Bytes of the file, with nothing left in its log."""
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return os.path.getsize(self.path(name))

    def in_process(self, name, what, *questions):
        """What search_worker.py says in a new process."""
        done = subprocess.run([sys.executable, os.path.join(HERE, "search_worker.py"),
                               self.library, self.path(name), what, *questions],
                              check=True, capture_output=True, text=True)
        return json.loads(done.stdout)


def question_bytes(db):
    """That the last question read, as the index counted them."""
    return db.execute("SELECT question_bytes FROM semantic_status").fetchone()[0]
