#!/usr/bin/env python3
"""contextual_worker.py LIBRARY MODEL TEXTS - times the extension for bench.py.

Reads "short row", "short batch", "long row" or "long batch" a line; answers texts per second.
The first line it prints says what runs, with tokens and floating-point operations of a text.
Each run has a connection of its own, because a connection remembers recent embeddings; the
weights stay in the process.
"""
import json
import os
import sqlite3
import sys
import tempfile
import time

library, model, texts = sys.argv[1:4]
with open(texts, encoding="utf-8") as file:
    texts = json.load(file)

folder = tempfile.TemporaryDirectory()


def connect():
    db = sqlite3.connect(os.path.join(folder.name, "texts.db"))
    db.enable_load_extension(True)
    db.load_extension(os.path.splitext(library)[0])
    db.execute("SELECT embed_model('bench', ?)", (model,)).fetchall()
    db.execute("SELECT embed_model_default('bench')").fetchall()
    return db


db = connect()
for kind, rows in texts.items():
    db.execute(f"CREATE TABLE {kind}(id INTEGER PRIMARY KEY, body TEXT)")
    db.executemany(f"INSERT INTO {kind}(body) VALUES (?)", [(t,) for t in rows])
db.commit()


def sizes():
    """Mean tokens of a text, and operations: 2 a weight and token, and attention's products."""
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    weights = layers * (4 * width * width + 2 * width * config["intermediate_size"])
    out = {}
    for kind in texts:
        kept = [n for n, in db.execute(
            f"SELECT json_extract(embed_info(body), '$.kept') FROM {kind}")]
        flops = sum(2 * weights * n + 4 * layers * width * n * n for n in kept)
        out[kind] = {"tokens": sum(kept) / len(kept), "flops": flops / len(kept)}
    return out


QUERY = {"row": "SELECT sum(length(embed(body))) FROM {0}",
         "batch": "SELECT sum(length(embedding)) FROM embed_query('SELECT body FROM {0}')"}

info = json.loads(db.execute("SELECT contextual_info()").fetchone()[0])
print(json.dumps({"cpu": info["cpu"], "kernel": info["kernel"],
                  "sqlite": sqlite3.sqlite_version, "sizes": sizes()}), flush=True)

for line in sys.stdin:
    kind, mode = line.split()
    db = connect()
    begin = time.perf_counter()
    db.execute(QUERY[mode].format(kind)).fetchall()
    print(json.dumps(len(texts[kind]) / (time.perf_counter() - begin)), flush=True)
