"""torch_worker.py MODEL TEXTS THREADS FOLDER - times sentence-transformers for bench.py.

Requests as in worker.py. A batch is encode() of the list, which sorts by length itself.
"""
import sys

import torch
from sentence_transformers import SentenceTransformer, __version__

import worker

MODEL, TEXTS, THREADS, _ = sys.argv[1:5]
torch.set_num_threads(int(THREADS))
texts = worker.read_texts(TEXTS)
model = SentenceTransformer(MODEL, device="cpu")


def row(request):
    return worker.rate(texts[request["table"]][:request["count"]],
                       lambda some: [model.encode(text) for text in some])


def batch(request):
    return worker.rate(texts[request["table"]][:request["count"]],
                       lambda some: model.encode(some, batch_size=32))


def latency(request):
    return worker.median_milliseconds(texts["short"][:request["count"]], model.encode)


def vectors(request):
    return model.encode(texts["short"][:request["count"]]).tolist()


with torch.inference_mode():
    worker.serve({"version": __version__},
                 {"row": row, "batch": batch, "latency": latency, "vectors": vectors})
