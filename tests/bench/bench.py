#!/usr/bin/env python3
"""bench.py - speed through SQL on a real model; with --compare beside its peers.

    bench.py LIBRARY MODEL LAB [--compare | --compare-all] [--rounds N] [--only PIECE[,PIECE]]
             [--fresh] [--record FOLDER]

What is measured stands in plan.py: pieces, whose engines take turns within a round, so that a
disturbance of the machine hits all of them; a figure is the median of its rounds, a quotient the
median of the rounds' quotients. Short texts have about 18 tokens, long ones at least 256 (cut
there); they are clauses and passages of prose found on the machine.

A piece that is measured is kept in build/bench/ for two hours, for the same library, model and
rounds: a run that was interrupted, or made piece by piece with --only, goes on where it stopped.
--fresh measures all again. When no piece is missing the figures go into FOLDER as CSV files and
a chart (report.py), with the targets and, for those that are not met, a profile.
"""
import argparse
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import peers
import plan
import report

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BENCH = os.path.join(TOP, "build", "bench")
TEXTS = os.path.join(BENCH, "texts.json")
KEPT_SECONDS = 2 * 3600
AGREEING = 64  # texts whose vectors are compared
PAUSE = 0.05   # seconds in which an engine's threads may stop spinning


def read_words():
    """Plain prose of the machine, word by word, with the marks that end a clause."""
    words = []
    licences = sorted(glob.glob("/usr/share/common-licenses/*"))
    for path in licences or [os.path.join(TOP, "README.md")]:
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                words += re.findall(r"[A-Za-z][A-Za-z'-]*[.,;]?", file.read())
    return words


def clauses(words):
    """Cut where a sentence or a part of one ends: as different in length as texts are."""
    found, text = {}, []
    for word in words:
        text.append(word)
        if len(text) >= 3 and word[-1] in ".;" or len(text) >= 5 and word[-1] == "," \
                or len(text) >= 40:
            found[" ".join(text)] = None
            text = []
    return list(found)


def make_texts():
    """1,000 different short texts and 64 long ones."""
    words = read_words()
    short = clauses(words)
    while len(words) < 16000:
        words += words[:-1]
    short += [" ".join(words[i:i + 14]) for i in range(0, 14000, 14)]
    long = [" ".join(words[i:i + 260]) for i in range(0, len(words) - 260, 210)]
    return {"short": short[:1000], "long": long[:64]}


def environment(threads, kernel=""):
    """The users' environment: no OpenBLAS settings of this machine's."""
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("OPENBLAS_", "OMP_", "CONTEXTUAL_"))}
    env["CONTEXTUAL_THREADS"] = str(threads)
    if kernel:
        env["CONTEXTUAL_KERNEL"] = kernel
    return env


class Worker:
    """A process that loads models once and times one work at each request."""

    def __init__(self, command, env):
        self.said = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.said, text=True, env=env)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.said.seek(0)
        said = [s for s in self.said.read().splitlines() if s.strip()]
        return {"error": said[-1] if said else "the process ended"}

    def ask(self, **request):
        if self.process.poll() is not None:
            return {"error": self.about.get("error", "the process ended")}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, args, missing):
        self.args, self.missing = args, missing
        self.workers = {}

    def worker(self, timing):
        key = (timing.engine, timing.threads, timing.kernel)
        if key not in self.workers:
            if timing.engine == "contextual":
                command = [sys.executable, os.path.join(HERE, "contextual_worker.py"),
                           self.args.library, self.args.model, TEXTS]
            else:
                command = peers.command(timing.engine, self.args.model, TEXTS, timing.threads)
            env = environment(timing.threads, timing.kernel)
            self.workers[key] = Worker(command, env | peers.environment(timing.engine))
        return self.workers[key]

    def close(self):
        for worker in self.workers.values():
            worker.close()
        self.workers = {}

    def wanted(self, measurement):
        if not isinstance(measurement, plan.Timing) or measurement.engine == "contextual":
            return True
        return self.args.compare and (measurement.engine != "torch" or self.args.compare_all)

    def take(self, piece, measurement):
        """{"value": ...} or {"error": ...}, of any kind of measurement."""
        if isinstance(measurement, plan.Peak):
            peaks = lab_peaks(self.args.lab)
            peak = next((value for (type_, kernel), value in peaks.items()
                         if type_ == "float32" and measurement.kernel in ("", kernel)), 0)
            flops = self.own_about()["sizes"][piece.table]["flops"]
            return {"value": peak * 1e9 / flops} if peak else {"error": "not measured"}
        if isinstance(measurement, plan.Start):
            return self.first_embedding(measurement)
        if measurement.engine in self.missing:
            return {"error": "not installed: " + self.missing[measurement.engine]}
        time.sleep(PAUSE)
        return self.worker(measurement).ask(work=measurement.work, type=measurement.type,
                                            table=piece.table, count=piece.count)

    def own_about(self):
        return self.worker(plan.Timing("", "contextual", "float32", "row", 1)).about

    def measure(self, piece):
        """{name: {"ways": how, "values": [...]} or {"error": sentence}}."""
        chosen = [m for m in piece.measurements if self.wanted(m)]
        ready, found = self.warm_up(piece, chosen)
        for _ in range(self.args.rounds):
            for measurement, entry in ready:
                taken = self.take(piece, measurement)
                if "error" in taken:
                    entry["error"] = taken["error"]
                entry["values"].append(taken.get("value", 0))
        best = {}
        for measurement, entry in ready:
            if "error" in entry:
                found.setdefault(measurement.name, {"error": entry["error"]})
                continue
            middle = report.median(entry["values"])
            if piece.unit == "ms":
                middle = -middle
            if measurement.name not in best or middle > best[measurement.name]:
                best[measurement.name] = middle
                found[measurement.name] = entry
        self.close()
        return found

    def warm_up(self, piece, chosen):
        """Measurements to be made, each with an entry for its values, and those that fail.
        Of several ways of one engine those that are clearly slower are left out."""
        first, failed = {}, {}
        for measurement in chosen:
            self.take(piece, measurement)
            taken = self.take(piece, measurement)
            if "error" in taken:
                failed[measurement.name] = {"error": taken["error"]}
            else:
                first[measurement] = 1 / taken["value"] if piece.unit == "ms" else taken["value"]
        best = {}
        for measurement, speed in first.items():
            best[measurement.name] = max(speed, best.get(measurement.name, 0))
        ready = [(m, {"ways": m.ways() if isinstance(m, plan.Timing) else "", "values": []})
                 for m, speed in first.items() if speed >= 0.9 * best[m.name]]
        return ready, {name: e for name, e in failed.items() if name not in best}

    def first_embedding(self, start):
        """Milliseconds of a fresh sqlite3 process that embeds one text."""
        source = self.args.model
        options = {} if start.type == "float32" else {"quantize": start.type}
        if start.packed:
            source, wrong = packed_file(self.args.library, self.args.model, start.type)
            if wrong:
                return {"error": wrong}
            options = {}
        sql = [f".load {os.path.splitext(self.args.library)[0]}",
               f"SELECT embed_model('bench', '{source}', '{json.dumps(options)}');",
               "SELECT length(embed('hello', 'bench'));"]
        begin = time.perf_counter()
        done = subprocess.run(["sqlite3", "-bail", ":memory:"] + sql, capture_output=True,
                              text=True, env=environment(1))
        spent = 1000 * (time.perf_counter() - begin)
        said = done.stderr.strip().splitlines()
        return {"error": said[0]} if done.returncode or said else {"value": spent}

    def agreement(self):
        """{engine: [mean, least] cosine to float32's vectors}, each engine in its own types."""
        seen = {}
        for piece in plan.pieces(1, False)[:1]:
            for m in piece.measurements:
                if isinstance(m, plan.Timing) and self.wanted(m) and m.engine not in self.missing:
                    taken = self.worker(m).ask(work="vectors", type=m.type, table="short",
                                               count=AGREEING)
                    if "value" in taken:
                        seen[m.name] = taken["value"]
        self.close()
        reference = seen.get("float32")
        return {name: report.cosines(vectors, reference) for name, vectors in seen.items()}


def packed_file(library, model, kind):
    """(path of the model saved as one file, "") or ("", what the extension said)."""
    path = os.path.join(BENCH, f"{kind}.packed")
    options = {} if kind == "float32" else {"quantize": kind}
    newest = max(os.path.getmtime(library), os.path.getmtime(model))
    if os.path.exists(path) and os.path.getmtime(path) > newest:
        return path, ""
    if os.path.exists(path):
        os.remove(path)
    done = subprocess.run(
        ["sqlite3", "-bail", ":memory:", f".load {os.path.splitext(library)[0]}",
         f"SELECT embed_model('bench', '{model}', '{json.dumps(options)}');",
         f"SELECT embed_model_save('bench', '{path}');"],
        capture_output=True, text=True, env=environment(1))
    said = done.stderr.strip().splitlines()
    return ("", said[0]) if done.returncode or said else (path, "")


def lab_peaks(lab):
    """{(type, instructions): GFLOP/s} of one core on registers alone, the widest first."""
    out = subprocess.run([lab, "peak", "-o", "-"], capture_output=True, text=True,
                         env=environment(1)).stdout
    rows = [line.split(",") for line in out.splitlines() if line.startswith("peak,")]
    return {(row[2], row[3]): float(row[7]) for row in rows}


def kept_path(args, piece):
    """Where a piece of this library, model, texts and workers is kept."""
    digest = hashlib.sha256()
    for source in [args.library, TEXTS] + sorted(glob.glob(os.path.join(HERE, "*_worker.py"))):
        with open(source, "rb") as file:
            digest.update(file.read())
    digest.update(f"{os.path.realpath(args.model)} {args.rounds} {args.compare} "
                  f"{args.compare_all} {sorted(args.missing)} {piece}".encode())
    return os.path.join(BENCH, f"{piece.name}-{digest.hexdigest()[:16]}.json")


def kept(args, path):
    if args.fresh or not os.path.exists(path) \
            or time.time() - os.path.getmtime(path) > KEPT_SECONDS:
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def measure_all(bench, pieces):
    """{piece: what was found}; prints each piece when it is there."""
    results = {}
    for piece in pieces:
        path = kept_path(bench.args, piece)
        found = kept(bench.args, path)
        if found is None and (not bench.args.only or piece.name in bench.args.only):
            found = bench.measure(piece)
            with open(path + ".part", "w", encoding="utf-8") as file:
                json.dump(found, file)
            os.replace(path + ".part", path)
        if found is not None:
            results[piece.name] = found
            report.print_piece(piece, found)
    return results


def bench_cosine(args):
    """100,000 stored vectors against one question, beside sqlite-vec where it is there."""
    vec = peers.sqlite_vec() if args.compare and "sqlite-vec" not in args.missing else ""
    out = subprocess.run([sys.executable, os.path.join(HERE, "cosine_worker.py"), args.library,
                          args.model, vec, str(args.rounds)], capture_output=True, text=True,
                         check=True, env=environment(1)).stdout
    print("\n" + out, end="")


def profile(bench, piece, name):
    """Where the time of one of our own measurements goes: lines of perf, or why there are none."""
    measurement = next(m for m in piece.measurements if m.name == name)
    if not isinstance(measurement, plan.Timing):
        return ["no profile of a whole process"]
    worker, data = bench.worker(measurement), os.path.join(BENCH, "perf.data")
    request = {"work": measurement.work, "type": measurement.type, "table": piece.table,
               "count": piece.count}
    worker.ask(**request)
    try:
        perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-o",
                                 data, "-p", str(worker.process.pid)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return ["install perf (Debian's linux-perf) to see where the time goes"]
    time.sleep(0.3)
    for _ in range(3):
        worker.ask(**request)
    perf.send_signal(2)
    perf.wait()
    out = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-F",
                          "overhead,symbol"], capture_output=True, text=True).stdout
    lines = [line.strip() for line in out.splitlines() if "%" in line and line[0] != "#"]
    return lines[:8] or ["perf saw nothing"]


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("library", "model", "lab"):
        parser.add_argument(name, type=os.path.abspath)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--compare-all", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", type=lambda names: names.split(","), default=[])
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--record", type=os.path.abspath)
    args = parser.parse_args()
    args.compare = args.compare or args.compare_all
    return args


def main():
    args = arguments()
    os.makedirs(BENCH, exist_ok=True)
    with open(TEXTS, "w", encoding="utf-8") as file:
        json.dump(make_texts(), file)
    wanted = ["onnxruntime", "llama.cpp", "sqlite-vec"] + ["torch"] * args.compare_all
    args.missing = peers.install_all(wanted) if args.compare else {}
    for name, wrong in args.missing.items():
        print(f"{name} can't be installed: {wrong}")

    bench = Bench(args, args.missing)
    about = bench.own_about()
    if "error" in about:
        sys.exit("bench: " + about["error"])
    bench.close()
    peaks = lab_peaks(args.lab)
    facts = report.facts(about, peaks, args, wanted)
    print("\n".join(facts))

    cores = len(os.sched_getaffinity(0))
    has512, has_bf16 = "avx512f" in about["cpu"], "avx512bf16" in about["cpu"]
    pieces = plan.pieces(cores, has512)
    results = measure_all(bench, pieces)
    rows = report.judge(plan.targets(cores, has_bf16, has512), results)
    report.print_targets(rows)
    by_name = {piece.name: piece for piece in pieces}
    profiles = {}
    for row in rows:
        if row.met.split(":")[0] == "no" and (row.target.piece, row.target.ours) not in profiles:
            profiles[row.target.piece, row.target.ours] = profile(
                bench, by_name[row.target.piece], row.target.ours)
    bench.close()
    report.print_profiles(by_name, profiles)
    if args.only:
        return
    agreement = bench.agreement()
    report.print_agreement(agreement)
    bench_cosine(args)
    if args.record:
        report.record(args.record, facts, pieces, results, rows, agreement, profiles)


if __name__ == "__main__":
    main()
