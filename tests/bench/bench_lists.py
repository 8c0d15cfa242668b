#!/usr/bin/env python3
"""bench_lists.py - the approximate index (index='ivf') on one core: how long 'optimize' takes, and
how much of the exact top 10 it finds, how fast, reading how many bytes.

    taskset -c 0 bench_lists.py LIBRARY VECTORS QUESTIONS [--dimensions 384] [--quantize none]
                                [--probes 20,40,80] [--folder DIR] [--csv FILE]

VECTORS and QUESTIONS are files of float32 numbers, one vector after the other. Each line says

    probes      lists that a question read; 0: as many as 'optimize' measured
    recall      share of the exact top 10 that was found, over all questions
    ms          median and 95th percentile of a warm question
    MB          that a question reads: codes of its lists, centroids, vectors
"""
import argparse
import os
import resource
import sqlite3
import tempfile
import time


def connect(library, path):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    db.load_extension(os.path.abspath(os.path.splitext(library)[0]))
    db.execute("PRAGMA synchronous = off")
    return db


def vectors_of(path, size):
    with open(path, "rb") as file:
        while len(vector := file.read(size)) == size:
            yield vector


def ask(db, questions):
    """([row ids], median ms, 95th percentile) of the second of two rounds: warm."""
    for _ in range(2):
        answers, times = [], []
        for question in questions:
            start = time.perf_counter()
            rows = db.execute("SELECT rowid FROM s WHERE s MATCH ? AND k = 10", (question,)).fetchall()
            times.append(1e3 * (time.perf_counter() - start))
            answers.append({id for id, in rows})
    times.sort()
    return answers, times[len(times) // 2], times[int(0.95 * len(times))]


def read_bytes(db, questions):
    """That a question reads on average, as the index counts them."""
    total = 0
    for question in questions:
        db.execute("SELECT rowid FROM s WHERE s MATCH ? AND k = 10", (question,)).fetchall()
        total += db.execute("SELECT question_bytes FROM semantic_status").fetchone()[0]
    return total / len(questions)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("library")
    arguments.add_argument("vectors")
    arguments.add_argument("questions")
    arguments.add_argument("--dimensions", type=int, default=384)
    arguments.add_argument("--quantize", default="none")
    arguments.add_argument("--probes", default="20,40,80,160")
    arguments.add_argument("--folder", help="where the database is made and kept")
    arguments.add_argument("--csv")
    said = arguments.parse_args()
    size = 4 * said.dimensions
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(said.folder or folder, "lists.db")
        db = connect(said.library, path)
        db.execute("CREATE VIRTUAL TABLE s USING semantic(x, content='', model='', index='ivf', "
                   f"quantize='{said.quantize}')")
        start = time.time()
        db.execute("BEGIN")
        db.executemany("INSERT INTO s(vector) VALUES(?)",
                       ((vector,) for vector in vectors_of(said.vectors, size)))
        db.execute("COMMIT")
        print(f"loaded in {time.time() - start:.1f} s, {os.path.getsize(path) / 1e6:.0f} MB")
        questions = list(vectors_of(said.questions, size))[:300]
        exact, ms, late = ask(db, questions)
        print(f"exact: {ms:.2f} ms, {late:.2f} at 95 %")
        start = time.time()
        db.execute("INSERT INTO s(s) VALUES('optimize')")
        print(f"optimize: {time.time() - start:.1f} s, {os.path.getsize(path) / 1e6:.0f} MB, at most "
              f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB of memory, "
              f"{db.execute('SELECT lists FROM semantic_status').fetchone()[0]} lists")
        lines = ["probes,recall,median_ms,p95_ms,megabytes"]
        for probes in [0] + [int(n) for n in said.probes.split(",") if n]:
            db.execute("INSERT INTO s(s, rank) VALUES('probes', ?)", (probes,))
            answers, ms, late = ask(db, questions)
            recall = sum(len(a & b) for a, b in zip(exact, answers)) / sum(map(len, exact))
            megabytes = read_bytes(db, questions[:30]) / 1e6
            lines.append(f"{probes},{recall:.3f},{ms:.3f},{late:.3f},{megabytes:.2f}")
        print("\n".join(lines))
        if said.csv:
            with open(said.csv, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
        db.close()


if __name__ == "__main__":
    main()
