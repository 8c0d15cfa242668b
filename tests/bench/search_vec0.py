"""search_vec0.py - sqlite-vec's vec0 beside our index, for bench_search.py: float32 as it comes,
with a cache and a mapping that hold all of it, and its recipe of bits with rescoring.
"""
import search_tables as tables

QUESTION = "SELECT rowid, distance FROM v WHERE f MATCH ? AND k = 10 ORDER BY distance"
RECIPE = """WITH coarse AS (SELECT rowid, f FROM v WHERE b MATCH vec_quantize_binary(?1) AND k = 80)
            SELECT rowid, vec_distance_cosine(f, ?1) AS d FROM coarse ORDER BY d LIMIT 10"""

# What is measured: its name in the report, whether with cache and mapping, the statement.
WAYS = (("vec0 float32", False, QUESTION), ("vec0 float32, cache and mmap", True, QUESTION),
        ("vec0 bit + rescore", False, RECIPE),
        ("vec0 bit + rescore, cache and mmap", True, RECIPE))
PLAIN, BEST, CODES = WAYS[0][0], WAYS[1][0], WAYS[2][0]


def library():
    import sqlite_vec
    return sqlite_vec.loadable_path() + ".so"


def make(path, vectors, bits):
    """(connection, rows a second) of a new table that has the vectors."""
    tables.remove(path)
    db = tables.connect(path, library())
    columns = "f float[384] distance_metric=cosine" + (", b bit[384]" if bits else "")
    db.execute(f"CREATE VIRTUAL TABLE v USING vec0({columns})")
    into = ("INSERT INTO v(rowid, f, b) VALUES (?1, ?2, vec_quantize_binary(?2))" if bits
            else "INSERT INTO v(rowid, f) VALUES (?, ?)")
    return db, tables.fill(db, into, vectors)


class Vec0:
    """A table with floats and bits, asked in all ways."""

    def __init__(self, path, vectors):
        self.path = path
        self.plain = make(path, vectors, True)[0]
        self.plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.best = tables.connect(path, library())
        self.best.execute("PRAGMA cache_size = -4000000")
        self.best.execute("PRAGMA mmap_size = 4294967296")
        self.cold = True

    def ask(self, question):
        """{way: (ms, rows)}"""
        done = {}
        for name, best, statement in WAYS:
            for _ in range(2 if self.cold else 1):
                done[name] = tables.milliseconds(self.best if best else self.plain, statement,
                                                 (question,))
        self.cold = False
        return done

    def close(self):
        self.plain.close()
        self.best.close()
        tables.remove(self.path)
