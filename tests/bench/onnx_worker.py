"""onnx_worker.py MODEL TEXTS THREADS FOLDER - times onnxruntime for bench.py.

Requests as in worker.py; a type is "float32 attention", "int8 multihead" and so on (onnx_graph.py
tells the forms; the graphs are kept in FOLDER). Texts are tokenized beforehand and pooling is left
out: what onnxruntime is timed for is the encoder alone. A batch is the texts sorted by length, 32
at a time.
"""
import os
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

import onnx_graph
import worker

BATCH = 32
MODEL, TEXTS, THREADS, FOLDER = sys.argv[1:5]
texts = worker.read_texts(TEXTS)
graphs = onnx_graph.make(MODEL, FOLDER)
sessions = {}


def tokenize():
    tokenizer = Tokenizer.from_file(os.path.join(MODEL, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    return {kind: [e.ids for e in tokenizer.encode_batch(rows)] for kind, rows in texts.items()}


ids = tokenize()


def feed(rows):
    longest = max(map(len, rows))
    found = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros((len(rows), longest), np.int32)
    for i, row in enumerate(rows):
        found[i, :len(row)] = row
        mask[i, :len(row)] = 1
    place = np.broadcast_to(np.arange(longest, dtype=np.int64), found.shape)
    return {"input_ids": found, "position_ids": np.ascontiguousarray(place), "mask": mask}


def session(name):
    if name not in sessions:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(THREADS)
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        sessions[name] = onnxruntime.InferenceSession(
            graphs[tuple(name.split())], options, providers=["CPUExecutionProvider"])
    return sessions[name]


def row(request):
    run = session(request["type"]).run
    feeds = [feed([one]) for one in ids[request["table"]][:request["count"]]]
    return worker.rate(feeds, lambda some: [run(None, inputs) for inputs in some])


def batch(request):
    run = session(request["type"]).run
    rows = sorted(ids[request["table"]][:request["count"]], key=len)
    feeds = [feed(rows[i:i + BATCH]) for i in range(0, len(rows), BATCH)]
    return worker.rate(rows, lambda some: [run(None, inputs) for inputs in feeds])


def latency(request):
    run = session(request["type"]).run
    feeds = [feed([one]) for one in ids["short"][:request["count"]]]
    return worker.median_milliseconds(feeds, lambda inputs: run(None, inputs))


def vectors(request):
    run = session(request["type"]).run
    means = [run(None, feed([one]))[0][0].mean(0) for one in ids["short"][:request["count"]]]
    return [mean.tolist() for mean in means]


worker.serve({"version": onnxruntime.__version__},
             {"row": row, "batch": batch, "latency": latency, "vectors": vectors})
