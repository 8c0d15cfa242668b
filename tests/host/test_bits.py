#!/usr/bin/env python3
"""The same text gives the same bits: in any batch, order and number of threads, on each kernel.

A process of its own for every number of threads and every kernel embeds the same texts in many
ways and prints one SHA-256 of each way's results; all those of a kernel must be equal.
"""
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(TESTS)
LIBRARY = os.path.abspath(os.environ.get("CONTEXTUAL_LIBRARY", os.path.join(TOP, "contextual.so")))
TINY = os.path.join(TESTS, "golden", "bert")
REAL = os.environ.get("CONTEXTUAL_TEST_MODEL", os.path.join(TOP, "models", "all-MiniLM-L6-v2"))
WORDS = "the bank of a river loan money water we sat on it . , sea naïve 東京 ##x 42".split()


def make_texts(count, longest):
    random.seed(7)
    return [" ".join(random.choice(WORDS) for _ in range(random.choice((0, 1, 2, 5, 9, longest))))
            for _ in range(count)]


def connect(model):
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(os.path.splitext(LIBRARY)[0])
    db.execute("SELECT embed_model('m', ?)", (model,)).fetchall()
    return db


def digest(vectors):
    return hashlib.sha256(b"".join(vectors)).hexdigest()


def ways(model, texts):
    """{way: digest of the embeddings in the texts' order}; a connection remembers recent
    results, so each way has one of its own."""
    out = {"embed(), row by row": digest(
        [connect(model).execute("SELECT embed(?, 'm')", (t,)).fetchone()[0] for t in texts])}
    for size in (1, 2, 3, 7, 64, len(texts)):
        db, vectors = connect(model), []
        for i in range(0, len(texts), size):
            vectors += [v for v, in db.execute("SELECT embedding FROM embed_each(?, 'm')",
                                               (json.dumps(texts[i:i + size]),))]
        out[f"embed_each(), {size} at a time"] = digest(vectors)
    order = list(range(len(texts)))
    random.shuffle(order)
    db = connect(model)
    db.execute("CREATE TABLE t(id INTEGER, body TEXT)")
    db.executemany("INSERT INTO t VALUES (?, ?)", [(i, texts[i]) for i in order])
    found = dict(db.execute("SELECT key, embedding FROM embed_query('SELECT id, body FROM t',"
                            " 'm')"))
    out["embed_query(), shuffled"] = digest([found[i] for i in range(len(texts))])
    return out


def worker(model, count, longest):
    print(json.dumps(ways(model, make_texts(int(count), int(longest)))))


def run(model, count, longest, threads, kernel):
    env = dict(os.environ, CONTEXTUAL_THREADS=str(threads), CONTEXTUAL_KERNEL=kernel)
    done = subprocess.run([sys.executable, __file__, "worker", model, str(count), str(longest)],
                          env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    info = json.loads(connect(TINY).execute("SELECT contextual_info()").fetchone()[0])
    cases = [("tiny BERT", TINY, 120, 60, kernel) for kernel in info["kernels"]]
    skipped = 0
    if os.path.exists(os.path.join(REAL, "config.json")):
        cases.append(("all-MiniLM-L6-v2", REAL, 40, 300, info["kernels"][0]))
    else:
        print("SKIPPED same bits with all-MiniLM-L6-v2: the model is not there")
        skipped = 1
    passed = failed = 0
    for name, model, count, longest, kernel in cases:
        results = {f"{way}, {threads} threads": value for threads in (1, 2, 4)
                   for way, value in run(model, count, longest, threads, kernel).items()}
        first = next(iter(results.values()))
        for way, value in results.items():
            if value == first:
                passed += 1
            else:
                failed += 1
                print(f"FAILED {name}, kernel {kernel}: {way} gives other bits")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(*sys.argv[2:])
    else:
        sys.exit(main())
