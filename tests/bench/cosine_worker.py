#!/usr/bin/env python3
"""cosine_worker.py LIBRARY MODEL SQLITE_VEC ROUNDS - one question against 100,000 stored vectors.

SQLITE_VEC is the path of sqlite-vec's library, or empty. Prints medians in milliseconds.
"""
import os
import random
import sqlite3
import statistics
import struct
import sys
import time

library, model, vec, rounds = sys.argv[1:5]
ROWS, LENGTH = 100_000, 384

db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(os.path.splitext(library)[0])
db.execute("SELECT embed_model('bench', ?)", (model,)).fetchall()
db.execute("CREATE TABLE t(e BLOB)")
random.seed(1)
pool = [random.gauss(0, 1) for _ in range(1_000_003)]
db.executemany("INSERT INTO t VALUES (?)", (
    (struct.pack(f"<{LENGTH}f", *pool[i * 7 % 999_000:i * 7 % 999_000 + LENGTH]),)
    for i in range(ROWS)))

queries = {"cosine(embed(?), e)": "SELECT sum(cosine(embed(?, 'bench'), e)) FROM t"}
if vec:
    db.load_extension(vec)
    queries["vec_distance_cosine(embed(?), e)"] = \
        "SELECT sum(vec_distance_cosine(embed(?, 'bench'), e)) FROM t"

seen = {name: [] for name in queries}
for turn in range(int(rounds) + 1):
    for name, sql in queries.items():
        begin = time.perf_counter()
        db.execute(sql, (f"who lends money? {turn}",)).fetchall()
        if turn:
            seen[name].append(1000 * (time.perf_counter() - begin))
for name, values in seen.items():
    print("%-34s %d vectors of %d: %.1f ms" % (name, ROWS, LENGTH, statistics.median(values)))
if len(seen) == 2:
    ours, theirs = seen.values()
    print("sqlite-vec's time / ours: %.2f"
          % statistics.median([b / a for a, b in zip(ours, theirs)]))
