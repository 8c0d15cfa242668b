#!/usr/bin/env python3
"""contextual_worker.py LIBRARY MODEL TEXTS - times the extension for bench.py.

Requests as in worker.py; a type is what the option "quantize" of embed_model takes, and float32.
More works: "short query" is embed_query over a table, "short each" embed_each over a JSON array.
Each run has a connection of its own, because a connection remembers recent embeddings; the
weights stay in the process.
"""
import json
import os
import sqlite3
import struct
import sys
import tempfile

import worker

LIBRARY, MODEL, TEXTS = sys.argv[1:4]
texts = worker.read_texts(TEXTS)
folder = tempfile.TemporaryDirectory()


def connect(kind):
    db = sqlite3.connect(os.path.join(folder.name, "texts.db"))
    db.enable_load_extension(True)
    db.load_extension(os.path.splitext(LIBRARY)[0])
    options = "{}" if kind == "float32" else json.dumps({"quantize": kind})
    db.execute("SELECT embed_model('bench', ?, ?)", (MODEL, options)).fetchall()
    db.execute("SELECT embed_model_default('bench')").fetchall()
    return db


def row(request):
    """SELECT embed(body) FROM a table, as a user writes it."""
    db = connect(request["type"])
    table, count = request["table"], request["count"]
    return worker.rate(texts[table][:count], lambda some: db.execute(
        f"SELECT sum(length(embed(body))) FROM {table} WHERE id <= ?", (count,)).fetchall())


def query(request):
    db = connect(request["type"])
    sql = f"SELECT body FROM {request['table']} WHERE id <= {request['count']}"
    return worker.rate(texts[request["table"]][:request["count"]], lambda some: db.execute(
        "SELECT sum(length(embedding)) FROM embed_query(?)", (sql,)).fetchall())


def each(request):
    db = connect(request["type"])
    return worker.rate(texts[request["table"]][:request["count"]], lambda some: db.execute(
        "SELECT sum(length(embedding)) FROM embed_each(?)", (json.dumps(some),)).fetchall())


def latency(request):
    db = connect(request["type"])
    return worker.median_milliseconds(
        texts["short"][:request["count"]],
        lambda text: db.execute("SELECT embed(?)", (text,)).fetchone())


def vectors(request):
    db = connect(request["type"])
    found = (db.execute("SELECT embed(?)", (text,)).fetchone()[0]
             for text in texts["short"][:request["count"]])
    return [struct.unpack(f"<{len(v) // 4}f", v) for v in found]


def sizes(db):
    """Mean tokens of a text, and operations: 2 a weight and token, and attention's products."""
    with open(os.path.join(MODEL, "config.json"), encoding="utf-8") as file:
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


def main():
    db = connect("float32")
    for kind, rows in texts.items():
        db.execute(f"CREATE TABLE {kind}(id INTEGER PRIMARY KEY, body TEXT)")
        db.executemany(f"INSERT INTO {kind}(body) VALUES (?)", [(t,) for t in rows])
    db.commit()
    info = json.loads(db.execute("SELECT contextual_info()").fetchone()[0])
    about = {"cpu": info["cpu"], "kernel": info["kernel"], "version": info["version"],
             "sqlite": sqlite3.sqlite_version, "sizes": sizes(db)}
    worker.serve(about, {"row": row, "batch": query, "each": each, "latency": latency,
                         "vectors": vectors})


if __name__ == "__main__":
    main()
