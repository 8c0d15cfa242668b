"""worker.py - what the processes that bench.py starts have in common.

A worker prints a line of JSON that says what it is, then answers each line it reads,
{"work": W, "type": T, "count": N}, with {"value": number or list} or {"error": sentence}. Works:

    row      one text at a time, the first N short or long ones: texts per second
    batch    the same N texts at once, as the engine does that best
    latency  one short text at a time: the median of their milliseconds
    vectors  the embeddings of the first N short texts, to see that all compute the same
"""
import json
import os
import statistics
import sys
import time


def read_texts(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def rate(texts, call):
    begin = time.perf_counter()
    call(texts)
    return len(texts) / (time.perf_counter() - begin)


def median_milliseconds(texts, call):
    seen = []
    for text in texts:
        begin = time.perf_counter()
        call(text)
        seen.append(1000 * (time.perf_counter() - begin))
    return statistics.median(seen)


def answer(works, request):
    try:
        return {"value": works[request["work"]](request)}
    except Exception as error:  # whatever a peer raises is the answer
        return {"error": f"{type(error).__name__}: {error}"}


def serve(about, works):
    """Answers requests until there are no more; what libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps(about), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(works, json.loads(line))), file=out, flush=True)
