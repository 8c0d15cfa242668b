#!/usr/bin/env python3
"""bench_search.py - the semantic index beside sqlite-vec and beside plain reads of its codes.

    bench_search.py LIBRARY MODEL BENCH_SCAN [--rows N] [--rounds N] [--only SET,...] [--csv FILE]

On three sets of vectors of 384 numbers (search_data.py says which) it measures the ten nearest
rows: warm, beside a streaming read of as many bytes as the codes are (BENCH_SCAN is the program
made of bench_scan.c) and beside vec0 as it comes, with a cache and mmap that hold all of it, and
by bits with rescoring; the first question of a process; its memory; the file's size; inserting.
Answers are compared with brute force. Engines take turns; figures are medians of the rounds.

Vectors and databases are made in build/bench-search, and the databases deleted after use. With
--only the CSV keeps its rows of other sets.
"""
import argparse
import csv
import datetime
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "bench-search")
PACKAGES = ["sqlite-vec==0.1.9", "numpy==2.4.6"]
HEAD = ["set", "rows", "what", "value", "unit", "goal", "met"]
MIB = 1 << 20

OURS = "SELECT rowid, distance FROM s WHERE s MATCH ? AND k = 10"
VEC0 = "SELECT rowid, distance FROM v WHERE f MATCH ? AND k = 10 ORDER BY distance"
RECIPE = """WITH coarse AS (SELECT rowid, f FROM v WHERE b MATCH vec_quantize_binary(?1) AND k = 80)
            SELECT rowid, vec_distance_cosine(f, ?1) AS d FROM coarse ORDER BY d LIMIT 10"""


def connect(path, *libraries):
    db = sqlite3.connect(path, isolation_level=None)
    db.enable_load_extension(True)
    for library in libraries:
        db.load_extension(os.path.splitext(library)[0])
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def remove(path):
    for tail in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(path + tail):
            os.unlink(path + tail)


def milliseconds(db, statement, values=()):
    begin = time.perf_counter()
    rows = db.execute(statement, values).fetchall()
    return 1e3 * (time.perf_counter() - begin), rows


# ---- A new process -----------------------------------------------------------------------


def memory(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


def work(library, path, what, *questions):
    """In a new process: the first question, or a read of the code blocks; and memory."""
    db = sqlite3.connect(path)
    db.enable_load_extension(True)
    db.load_extension(os.path.splitext(library)[0])
    before = memory("VmRSS")
    if what == "read":
        first = milliseconds(db, "SELECT max(substr(data, -1)) FROM s_codes")[0]
    else:
        first = milliseconds(db, OURS, (bytes.fromhex(questions[0]),))[0]
        for question in questions:
            milliseconds(db, OURS, (bytes.fromhex(question),))
    print(json.dumps({"ms": first, "bytes": memory("VmHWM") - before}))


def in_process(*arguments):
    done = subprocess.run([sys.executable, __file__, "--work", *arguments], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


# ---- Measuring ---------------------------------------------------------------------------


class Bench:
    def __init__(self, args):
        import sqlite_vec
        self.args = args
        self.library = os.path.abspath(args.library)
        self.vec = sqlite_vec.loadable_path()
        self.facts = []
        self.set = self.count = ""

    def fact(self, what, value, unit, goal="", met=""):
        if met != "":
            met = "yes" if met else "NO"
        text = f"{value:.0f}" if isinstance(value, int) or value >= 1000 else f"{value:.3g}"
        self.facts.append([self.set, self.count, what, text, unit, goal, met])
        print(f"{self.set:10} {what:42} {text:>9} {unit:12} {goal:16} {met}", flush=True)

    def path(self, name):
        return os.path.join(BUILD, name + ".db")

    # -- Tables --

    def make_ours(self, name, vectors, options=""):
        """Makes the table and puts the vectors in, in one transaction: rows a second."""
        remove(self.path(name))
        db = connect(self.path(name), self.library)
        db.execute(f"CREATE VIRTUAL TABLE s USING semantic(x, model='', content=''{options})")
        return db, self.fill(db, "INSERT INTO s(rowid, vector) VALUES (?, ?)", vectors)

    def make_vec0(self, name, vectors, bits):
        remove(self.path(name))
        db = connect(self.path(name), self.vec + ".so")
        columns = "f float[384] distance_metric=cosine" + (", b bit[384]" if bits else "")
        db.execute(f"CREATE VIRTUAL TABLE v USING vec0({columns})")
        into = ("INSERT INTO v(rowid, f, b) VALUES (?1, ?2, vec_quantize_binary(?2))" if bits
                else "INSERT INTO v(rowid, f) VALUES (?, ?)")
        return db, self.fill(db, into, vectors)

    @staticmethod
    def fill(db, into, vectors):
        begin = time.perf_counter()
        db.execute("BEGIN")
        for at in range(0, len(vectors), 10000):
            part = vectors[at:at + 10000]
            size = part.shape[1] * 4
            data = part.tobytes()
            db.executemany(into, ((at + i + 1, data[i * size:(i + 1) * size])
                                  for i in range(len(part))))
        db.execute("COMMIT")
        return len(vectors) / (time.perf_counter() - begin)

    # -- Figures --

    def inserting(self, vectors):
        some, ours, theirs = vectors[:min(len(vectors), 100000)], [], []
        for _ in range(self.args.rounds):
            for make, rates in ((self.make_ours, ours), (self.make_vec0, theirs)):
                db, rate = make("insert", some, *([False] if rates is theirs else []))
                db.close()
                rates.append(rate)
        remove(self.path("insert"))
        self.fact("inserting vectors", statistics.median(ours), "rows/s")
        self.fact("inserting vectors into vec0", statistics.median(theirs), "rows/s")
        ratio = statistics.median(a / b for a, b in zip(ours, theirs))
        self.fact("inserting, times vec0", ratio, "times", ">= 1", ratio >= 1)

    def stream(self, size):
        """Milliseconds of a streaming read of so many bytes."""
        done = subprocess.run([self.args.bench_scan], check=True, capture_output=True,
                              text=True).stdout
        return size / (float(done.split(",")[5]) * 1e6)

    def warm(self, ours, vec0, best, questions, answers):
        times = {name: [] for name in ("stream", "ours", "vec0", "best", "recipe", "recipe best")}
        recall = []
        for i in range(self.args.rounds):
            question, asked = questions[i].tobytes(), {}
            times["stream"].append(self.stream(self.count * 384))
            repeats = [milliseconds(ours, OURS, (question,))[0] for _ in range(6)]
            times["ours"].append(statistics.median(repeats[1:]))
            for name, db, statement in (("vec0", vec0, VEC0), ("best", best, VEC0),
                                        ("recipe", vec0, RECIPE), ("recipe best", best, RECIPE)):
                took, asked[name] = milliseconds(db, statement, (question,))
                if i == 0: # its cache is cold
                    took, asked[name] = milliseconds(db, statement, (question,))
                times[name].append(took)
            recall.append(self.shared(answers[i], asked["recipe"]))

        def over(a, b):
            return statistics.median(x / y for x, y in zip(times[a], times[b]))
        for name, what in (("stream", "streaming read of the codes"), ("ours", "warm top-10"),
                           ("vec0", "vec0 float32"), ("best", "vec0 float32, cache and mmap"),
                           ("recipe", "vec0 bit + rescore"),
                           ("recipe best", "vec0 bit + rescore, cache and mmap")):
            self.fact(what, statistics.median(times[name]), "ms")
        self.fact("vec0 bit + rescore, recall", statistics.mean(recall), "share")
        full = self.count >= 1000000
        for what, value, goal, met in (
                ("warm, times the streaming read", over("ours", "stream"), "<= 1.3",
                 over("ours", "stream") <= 1.3),
                ("warm, times faster than vec0", over("vec0", "ours"), ">= 60",
                 over("vec0", "ours") >= 60),
                ("warm, times faster than vec0's best", over("best", "ours"), ">= 20",
                 over("best", "ours") >= 20)):
            self.fact(what, value, "times", *((goal, met) if full else ()))

    @staticmethod
    def shared(answer, rows):
        return len({r[0] for r in rows} & {r[0] for r in answer}) / len(answer)

    def equality(self, db, questions, answers):
        same = sum(db.execute(OURS, (q.tobytes(),)).fetchall() == a
                   for q, a in zip(questions, answers))
        self.fact("equal to brute force", same, f"of {len(answers)}", f"{len(answers)}",
                  same == len(answers))

    def codes_alone(self, vectors, questions, answers):
        for kind in ("int8", "bit"):
            db = self.make_ours("alone", vectors, f", quantize='{kind}'")[0]
            found = [db.execute(OURS, (q.tobytes(),)).fetchall() for q in questions]
            took = statistics.median(milliseconds(db, OURS, (q.tobytes(),))[0]
                                     for q in questions)
            db.close()
            recall = statistics.mean(self.shared(a, f) for a, f in zip(answers, found))
            self.fact(f"quantize='{kind}', recall", recall, "share")
            self.fact(f"quantize='{kind}', warm", took, "ms")
        remove(self.path("alone"))

    def first_question(self, questions):
        asked = [q.tobytes().hex() for q in questions[:4]]
        first, read, used = [], [], []
        for _ in range(self.args.rounds):
            read.append(in_process(self.library, self.path("ours"), "read")["ms"])
            done = in_process(self.library, self.path("ours"), "ask", *asked)
            first.append(done["ms"])
            used.append(done["bytes"])
        self.fact("first question of a process", statistics.median(first), "ms")
        self.fact("read of the code blocks", statistics.median(read), "ms")
        ratio = statistics.median(a / b for a, b in zip(first, read))
        self.fact("first question, times the read", ratio, "times", "<= 3", ratio <= 3)
        most = 1.2 * self.count * 384 / MIB + 32
        self.fact("memory of a process", max(used) / MIB, "MiB", f"<= {most:.0f}",
                  max(used) / MIB <= most)

    def one_set(self, name):
        import search_data
        real = self.real()[0]
        vectors, questions = search_data.make_set(BUILD, name, self.args.rows, real)
        self.set, self.count = name, len(vectors)
        self.inserting(vectors)
        ours, rate = self.make_ours("ours", vectors)
        self.fact("inserting all in one transaction", rate, "rows/s")
        ours.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = os.path.getsize(self.path("ours")) / (self.count * 5 * 384)
        self.fact("file, times float32 and codes", size, "times", "<= 1.3", size <= 1.3)
        answers = search_data.true_answers(ours, vectors, questions)
        self.equality(ours, questions, answers)
        self.first_question(questions)
        vec0 = self.make_vec0("vec0", vectors, True)[0]
        vec0.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        best = connect(self.path("vec0"), self.vec + ".so")
        best.execute("PRAGMA cache_size = -4000000")
        best.execute("PRAGMA mmap_size = 4294967296")
        self.warm(ours, vec0, best, questions, answers)
        for db in (ours, vec0, best):
            db.close()
        for path in ("ours", "vec0"):
            remove(self.path(path))
        self.codes_alone(vectors, questions, answers)

    # -- Texts --

    def model(self, path):
        db = connect(path, self.library)
        db.execute("SELECT embed_model('bench', ?)", (os.path.abspath(self.args.model),))
        return db

    def real(self):
        """Vectors of the texts, and the texts: made once."""
        import numpy
        import search_data
        stem = os.path.join(BUILD, f"real-{self.args.texts}")
        if not os.path.exists(stem + ".json"):
            texts = search_data.find_texts(self.args.folders or search_data.FOLDERS,
                                           self.args.texts)
            if len(texts) < 1000:
                sys.exit(f"bench_search: only {len(texts)} sentences found; name folders of "
                         "text by --folders")
            db = self.model(":memory:")
            db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, body)")
            db.executemany("INSERT INTO t(body) VALUES (?)", ((t,) for t in texts))
            rows = db.execute("SELECT embedding FROM embed_query("
                              "'SELECT id, body FROM t', 'bench') ORDER BY key").fetchall()
            vectors = numpy.frombuffer(b"".join(row[0] for row in rows), numpy.float32)
            vectors.tofile(stem + ".f32")
            with open(stem + ".json", "w", encoding="utf-8") as file:
                json.dump(texts, file)
        with open(stem + ".json", encoding="utf-8") as file:
            texts = json.load(file)
        return numpy.fromfile(stem + ".f32", numpy.float32).reshape(len(texts), -1), texts

    def texts(self):
        texts, rounds = self.real()[1], self.args.rounds
        self.set, self.count = "texts", 2000
        remove(self.path("texts"))
        db = self.model(self.path("texts"))
        db.executescript("""
            CREATE TABLE waiting(id INTEGER PRIMARY KEY, body);
            CREATE TABLE article(id INTEGER PRIMARY KEY, body);
            CREATE VIRTUAL TABLE s USING semantic(body, content='article', content_rowid='id',
                                                  model='bench');
            INSERT INTO s(s) VALUES ('triggers');""")
        through, plain = [], []
        for i in range(rounds + 1):
            pick = [texts[j::2 * rounds + 2][:self.count] for j in (2 * i, 2 * i + 1)]
            db.execute("DELETE FROM waiting")
            db.executemany("INSERT INTO waiting(body) VALUES (?)", ((t,) for t in pick[0]))
            took = milliseconds(db, "SELECT count(embedding) FROM embed_query("
                                "'SELECT id, body FROM waiting', 'bench')")[0]
            plain.append(1e3 * len(pick[0]) / took)
            begin = time.perf_counter()
            db.execute("BEGIN")
            db.executemany("INSERT INTO article(body) VALUES (?)", ((t,) for t in pick[1]))
            db.execute("COMMIT")
            through.append(len(pick[1]) / (time.perf_counter() - begin))
        db.close()
        remove(self.path("texts"))
        ratio = statistics.median(a / b for a, b in zip(through[1:], plain[1:]))
        self.fact("embed_query", statistics.median(plain[1:]), "texts/s")
        self.fact("inserting through triggers", statistics.median(through[1:]), "texts/s")
        self.fact("inserting, of embed_query", ratio, "times", ">= 0.95", ratio >= .95)


# ---- The report --------------------------------------------------------------------------


def head_line(args, bench):
    info = json.loads(connect(":memory:", bench.library).execute(
        "SELECT contextual_info()").fetchone()[0])
    return (f"# {datetime.date.today()}; {info['cpu']}, {os.cpu_count()} cores; kernel "
            f"{info['kernel']}; contextual {info.get('version', '')}; SQLite "
            f"{sqlite3.sqlite_version}; {', '.join(PACKAGES)}; Python "
            f"{platform.python_version()}; make bench-search ROWS={args.rows}")


def write_csv(path, head, facts):
    """Keeps what the file has of sets that were not measured now."""
    measured, rows = {fact[0] for fact in facts}, []
    if os.path.exists(path):
        with open(path, encoding="utf-8", newline="") as file:
            rows = [r for r in csv.reader(file) if len(r) == len(HEAD) and
                    r[0] not in measured and r != HEAD]
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(head + "\n")
        csv.writer(file, lineterminator="\n").writerows([HEAD] + rows + facts)


def report(head, facts):
    """The figures that have goals, one line of Markdown for each, with a column for each set."""
    print(f"\n{head}\n")
    sets = list(dict.fromkeys(fact[0] for fact in facts))
    print("| | goal | " + " | ".join(sets) + " |\n|---|---|" + "---|" * len(sets))
    for what in dict.fromkeys(fact[2] for fact in facts):
        cells = {f[0]: f"{f[3]} {f[4]}" + (" (missed)" if f[6] == "NO" else "")
                 for f in facts if f[2] == what}
        goal = next((f[5] for f in facts if f[2] == what and f[5]), "")
        print(f"| {what} | {goal} | " + " | ".join(cells.get(s, "") for s in sets) + " |")


def run(args):
    import search_data
    os.makedirs(BUILD, exist_ok=True)
    bench = Bench(args)
    chosen = args.only.split(",") if args.only else list(search_data.SETS) + ["texts"]
    for name in chosen:
        if name not in search_data.SETS + ("texts",):
            sys.exit(f"bench_search: there is no set {name!r}; there are "
                     f"{', '.join(search_data.SETS)} and texts")
    head = head_line(args, bench)
    for name in chosen:
        if name == "texts":
            bench.texts()
        else:
            bench.one_set(name)
        if args.csv:
            write_csv(args.csv, head, bench.facts)
    report(head, bench.facts)


def inside_venv():
    """Goes on in the venv, which is made where there is none."""
    python = os.path.join(BUILD, "venv", "bin", "python")
    if os.path.abspath(sys.executable) == python:
        return
    marker = os.path.join(BUILD, "venv", "installed")
    if not os.path.exists(marker):
        made = subprocess.run([sys.executable, "-m", "venv", os.path.dirname(marker)])
        if made.returncode or subprocess.run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
                + PACKAGES).returncode:
            sys.exit(f"bench_search: {' and '.join(PACKAGES)} can't be installed")
        with open(marker, "w", encoding="utf-8") as file:
            file.write(" ".join(PACKAGES))
    os.execv(python, [python] + sys.argv)


def main():
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("model")
    parser.add_argument("bench_scan")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--texts", type=int, default=50000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folders", nargs="*")
    parser.add_argument("--only")
    parser.add_argument("--csv")
    args = parser.parse_args()
    inside_venv()
    run(args)


if __name__ == "__main__":
    main()
