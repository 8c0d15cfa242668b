"""llama_worker.py MODEL TEXTS THREADS FOLDER - times llama.cpp for bench.py.

Requests as in worker.py; types are "float32" and "Q8_0", files that gguf_graph.py makes in FOLDER.
A batch is a list of texts sorted by length, which llama-cpp-python packs up to so many tokens (more
are slower: every token's scores with every other's are computed, also across texts). It tokenizes
within the time measured.
"""
import sys

import llama_cpp

import gguf_graph
import worker

BATCH = {"short": 64, "long": 256}
MODEL, TEXTS, THREADS, FOLDER = sys.argv[1:5]
texts = worker.read_texts(TEXTS)
files = gguf_graph.make(MODEL, FOLDER)
loaded = {}


def engine(kind, table):
    if (kind, table) not in loaded:
        batch = BATCH[table]
        loaded[kind, table] = llama_cpp.Llama(
            files[kind], embedding=True, n_ctx=batch, n_batch=batch, n_ubatch=batch,
            n_threads=int(THREADS), n_threads_batch=int(THREADS), verbose=False,
            flash_attn=table == "long")  # faster for these, slower for short texts
    return loaded[kind, table]


def row(request):
    embed = engine(request["type"], request["table"]).embed
    return worker.rate(texts[request["table"]][:request["count"]],
                       lambda some: [embed(text, normalize=True) for text in some])


def batch(request):
    embed = engine(request["type"], request["table"]).embed
    return worker.rate(sorted(texts[request["table"]][:request["count"]], key=len),
                       lambda some: embed(some, normalize=True))


def latency(request):
    embed = engine(request["type"], "short").embed
    return worker.median_milliseconds(texts["short"][:request["count"]],
                                      lambda text: embed(text, normalize=True))


def vectors(request):
    embed = engine(request["type"], "short").embed
    return [embed(text, normalize=True) for text in texts["short"][:request["count"]]]


worker.serve({"version": llama_cpp.__version__},
             {"row": row, "batch": batch, "latency": latency, "vectors": vectors})
