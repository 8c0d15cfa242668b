#!/usr/bin/env python3
"""bench.py - texts per second through SQL, on a real model; with --compare beside its peers.

    bench.py LIBRARY MODEL [--compare] [--rounds N] [--csv FILE]

Work: 1,000 short texts of about 18 tokens and 64 long ones of at least 256 (cut there), taken
from text found on the machine; one row at a time (SELECT embed(body) FROM t) and in batches
(embed_query); on one thread and on all. Each figure is the median of the rounds; engines take
turns within a round, so that a disturbance of the machine hits all of them, and the quotient is
the median of the rounds' quotients.

--compare installs onnxruntime, onnx, tokenizers and sqlite-vec into build/bench-venv and builds
onnxruntime's graph from the same checkpoint with its fused operators (onnx_worker.py). Its texts
come tokenized, sorted by length in batches of 32: what it is timed for is the encoder alone.
"""
import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
VENV = os.path.join(TOP, "build", "bench-venv")
PACKAGES = ["onnxruntime==1.31.1", "onnx==1.23.2", "numpy", "tokenizers==0.22.2",
            "sqlite-vec==0.1.9"]
WORKS = ["short row", "short batch", "long row", "long batch"]


def make_texts():
    """Plain prose of the machine cut into pieces of so many words."""
    words = []
    licences = sorted(glob.glob("/usr/share/common-licenses/*"))
    for path in licences or [os.path.join(TOP, "README.md")]:
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                words += re.findall(r"[A-Za-z][A-Za-z'-]*[.,;]?", file.read())
    while len(words) < 16000:
        words += words
    short = [" ".join(words[i:i + 14]) for i in range(0, 14000, 14)]
    long = [" ".join(words[i:i + 260]) for i in range(0, len(words) - 260, 210)][:64]
    return {"short": short, "long": long}


class Worker:
    """A process that loads a model once and times one piece of work at each request."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"bench: {self.process.args[1]} stopped")
        return json.loads(line)

    def run(self, work):
        self.process.stdin.write(work + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def environment(threads):
    """The users' environment: no OpenBLAS settings of this machine's."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    env["CONTEXTUAL_THREADS"] = str(threads)
    return env


def median(values):
    return statistics.median(values)


def measure(engines, rounds):
    """{engine: {work: [texts per second, ...]}}, the engines taking turns."""
    seen = {name: {work: [] for work in WORKS} for name in engines}
    for work in WORKS:
        for name, worker in engines.items():
            worker.run(work)  # warm up
        for _ in range(rounds):
            for name, worker in engines.items():
                seen[name][work].append(worker.run(work))
    return seen


def first_embedding(library, model, rounds):
    """Seconds and MiB of a fresh sqlite3 process that embeds one text."""
    sql = [f".load {os.path.splitext(library)[0]}", "SELECT length(embed('hello'));"]
    env = environment(1)
    env["CONTEXTUAL_MODEL"] = model
    seconds, peak = [], []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        child = subprocess.Popen(["sqlite3", ":memory:"] + sql, stdout=subprocess.DEVNULL,
                                 env=env)
        _, status, usage = os.wait4(child.pid, 0)
        seconds.append(time.perf_counter() - begin)
        peak.append(usage.ru_maxrss / 1024)
        if status:
            sys.exit("bench: the sqlite3 shell failed")
    return median(seconds[1:]), median(peak[1:])


def fma_peak(library):
    """GFLOP/s of one core on registers alone, as the kernel laboratory measures it."""
    program = os.path.join(os.path.dirname(library), "build", "tests", "bench", "bench_ops")
    if not os.path.exists(program):
        return None
    out = subprocess.run([program, "peak"], capture_output=True, text=True,
                         env=environment(1)).stdout
    found = re.search(r"^peak,[^,]*,[^,]*,[^,]*,[^,]*,([0-9.]+)", out, re.M)
    return float(found.group(1)) if found else None


def install_peers():
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        if subprocess.run(["python3", "-m", "venv", VENV]).returncode:
            sys.exit("bench: python3 can't make a virtual environment (install python3-venv)")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
                   + PACKAGES, check=True)
    return python


def report(rows, csv):
    head = ["work", "threads", "engine", "texts/s", "tokens/s", "GFLOP/s", "of peak",
            "to onnxruntime"]
    table = [head] + [[str(x) for x in row] for row in rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    if csv:
        with open(csv, "w", encoding="utf-8") as file:
            for row in table:
                file.write(",".join(cell.replace(",", "") for cell in row) + "\n")


def bench_threads(args, threads, python, texts, peak):
    """Rows of the report for one number of threads."""
    engines = {"contextual": Worker(
        [sys.executable, os.path.join(HERE, "contextual_worker.py"), args.library, args.model,
         texts], environment(threads))}
    if python:
        engines["onnxruntime"] = Worker(
            [python, os.path.join(HERE, "onnx_worker.py"), args.model, texts, str(threads),
             os.path.join(TOP, "build", "bench.onnx")], environment(threads))
    about = engines["contextual"].about
    if threads == 1:
        print(f"CPU: {about['cpu']}; kernel: {about['kernel']}; SQLite {about['sqlite']}")
    seen = measure(engines, args.rounds)
    rows = []
    for work in WORKS:
        size = about["sizes"][work.split()[0]]
        for name in engines:
            rate = median(seen[name][work])
            flops = rate * size["flops"] / 1e9
            cores = threads if work.endswith("batch") else 1
            ratio = ""
            if python and name == "contextual":
                ratio = "%.2f" % median([a / b for a, b in zip(seen[name][work],
                                                               seen["onnxruntime"][work])])
            rows.append([work, threads, name, "%.1f" % rate, "%.0f" % (rate * size["tokens"]),
                         "%.0f" % flops, "%.2f" % (flops / peak / cores) if peak else "",
                         ratio])
    for worker in engines.values():
        worker.close()
    return rows


def bench_cosine(args, python):
    """100,000 stored vectors against one question, beside sqlite-vec where it is there."""
    vec = ""
    if python:
        vec = subprocess.run([python, "-c", "import sqlite_vec; print(sqlite_vec.loadable_path())"],
                             capture_output=True, text=True, check=True).stdout.strip()
    out = subprocess.run([sys.executable, os.path.join(HERE, "cosine_worker.py"), args.library,
                          args.model, vec, str(args.rounds)], capture_output=True, text=True,
                         check=True, env=environment(1)).stdout
    print(out, end="")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("model")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--csv")
    args = parser.parse_args()
    args.library, args.model = os.path.abspath(args.library), os.path.abspath(args.model)

    python = install_peers() if args.compare else None
    texts = os.path.join(TOP, "build", "bench-texts.json")
    os.makedirs(os.path.dirname(texts), exist_ok=True)
    with open(texts, "w", encoding="utf-8") as file:
        json.dump(make_texts(), file)

    peak = fma_peak(args.library)
    print("FMA peak of one core: %s GFLOP/s" % (f"{peak:.0f}" if peak else "not measured"))
    rows = []
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        rows += bench_threads(args, threads, python, texts, peak)
    report(rows, args.csv)
    bench_cosine(args, python)
    seconds, peak_memory = first_embedding(args.library, args.model, args.rounds)
    print("first embedding of a fresh sqlite3 process: %.0f ms, peak memory %.0f MiB"
          % (seconds * 1000, peak_memory))


if __name__ == "__main__":
    main()
